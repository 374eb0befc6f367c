"""Handles bounces, complaints and automatic replies.

    parser          classifies a message, without side effects; `phrases` and `classifier` hold the rules
    lmtp_server     receives messages by SMTP or LMTP; `imap_poller` polls a mailbox; `webhooks` listen to relays
    handler         finds the delivery that a report is about, and applies the consequences
    complaint_rate  holds a campaign or a domain if too many readers complain

Nothing here ever replies to a mail.
"""
