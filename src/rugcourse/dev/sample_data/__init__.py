"""Gives a demo a history: made-up readers and admins, and six weeks of what they did.

It is not written into tables. The production code sends, plans, counts and forgets as it would have, on a clock that
jumps from one event to the next; only the mail server is simulated. So the ledger balances, and pages show what they
would show (`docs/decisions/0048-sample-data.md`).

people       who the readers are and what becomes of them, generated from a seed
texts        what readers and admins wrote
mail_server  takes their mail, in this process
readers      what readers do: sign up, open, answer, write, leave; and what their mail servers report
admins       what the admins did: an import, campaigns, an A/B test, tags, requests of readers
history      plays it all in order, up to the moment at which the demo begins
"""
