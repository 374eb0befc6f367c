"""Mails before they are sent: `sample` renders one, `linter` says what is wrong with it, `spamassassin` scores it."""
