"""Delivers each message to one person: once, or visibly not at all.

    planned ─► submitting ─► accepted
       ▲           ├─ refused by the server for good: failed, with the server's reply
       │           ├─ no reply after the final dot: unknown
       └───────────┴─ refused for now, or interrupted before the final dot: back to planned, with a growing delay
    cancelled: from planned, when the reader left or paused, or when their hour has passed
    bounced (`rugcourse.bounces`): from accepted to failed; a lesson to cancelled, so that it is sent again

Read in this order:

    planner         turns due enrolments into deliveries; the only place that decides about a day
    claimer         takes a batch under a lease, decides what each message is, and pins that
    dispatcher      sends the batch, one message after the other, and settles it; its docstring lists the steps
    template_cache  compiles a mail once per lesson version; `composer` fills it in for one reader
    smtp            one connection to the mail server, and the possible outcomes of a message on it
    journal         what a worker writes to its own disk, so that a kill -9 leaves no doubt
    recovery        takes over the deliveries of dead workers
    rate_limits     limits how fast mail goes out; `holds` stop it
    restore_guard   notices a database that is a copy or was restored from a backup
    resend          sends unknown deliveries again, if an admin decides so; `send_next` sends the next lesson on request
    forecast        says who gets what when, without sending
    reconciliation  proves that ledger and enrolments agree

The database is the truth. A task that arrives twice, late or never does no harm: it only says "look now".
"""
