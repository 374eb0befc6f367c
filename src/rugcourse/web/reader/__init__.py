"""Pages behind the links of a reader's mails."""
