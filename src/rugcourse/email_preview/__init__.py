"""Pre-flight checks: `sample` renders a mail, `linter` finds its problems, `spamassassin` scores it."""
