"""Mail that comes back: bounces, complaints, and answers of machines.

`read` says what a message is, and nothing else. It comes in by one of three doors: `listen` (SMTP and LMTP), `fetch` (a
mailbox), `providers` (the webhooks of relays). `take` finds the delivery that it is about and does what follows;
`reputation` says when too many complain. Nothing here ever answers.
"""
