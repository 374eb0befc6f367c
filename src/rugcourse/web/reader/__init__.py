"""Pages behind the links of a reader's mails: their own page, lessons, unsubscribing, another address."""
