"""How a message gets to one person: once, or visibly not at all.

    planned ─► submitting ─► accepted
       ▲           ├─ refused by the server for good: failed, with the server's words
       │           ├─ after the final dot, no answer: unknown
       └───────────┴─ surely before the final dot: back to planned, with a growing delay
    cancelled: from planned, when the reader left or paused, or when their hour has passed
    what came back (`rugcourse.bounces`): from accepted to failed; a lesson to cancelled, so that it comes again

Read in this order:

    planner         enrolments that are due become deliveries; the only place that decides about a day
    claimer         takes a batch under a lease, decides what each message is, and pins that
    dispatcher      sends it, one message after the other, and settles it; the steps are listed there
    template_cache  compiles a mail once per lesson version; `composer` fills it in for one reader
    smtp            one connection, and what can become of a message on it
    journal         what a worker writes on its own disk, so that a kill -9 leaves no doubt
    recovery        takes back what dead workers held
    rate_limits     how fast; `holds`: whether at all
    restore_guard   notices a database that is a copy or was put back
    resend          sends the unknown again, when an operator says so; `send_next` the next lesson, when its reader asks
    forecast        who gets what when, without sending
    reconciliation  proves that the books balance

The database is the truth. A task that arrives twice, late or never changes nothing: it only says "look now".
"""
