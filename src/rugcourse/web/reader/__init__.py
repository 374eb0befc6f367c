"""Pages behind the links in a reader's mails: own page, lessons, unsubscribing, change of address."""
