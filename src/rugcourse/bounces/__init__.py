"""Bounces, complaints and automatic replies.

    parser          says what a message is, and nothing else; `phrases` and `classifier` are its rules
    lmtp_server     receives them by SMTP or LMTP; `imap_poller` reads a mailbox; `webhooks` hear relays
    handler         finds the delivery that a report is about, and does what follows
    complaint_rate  holds a campaign or a domain where too many readers complain

Nothing here ever answers a mail.
"""
