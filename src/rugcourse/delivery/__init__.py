"""How a message gets to one person: once, or visibly not at all.

    planned ─► submitting ─► accepted
       ▲           ├─ refused by the server for good: failed, with the server's words
       │           ├─ after the final dot, no answer: unknown
       └───────────┴─ surely before the final dot: back to planned, with a growing delay
    cancelled: from planned, when the reader left or paused, or when their hour has passed
    what came back (`rugcourse.bounces`): from accepted to failed; a lesson to cancelled, so that it comes again

Read in this order:

    plan       enrolments that are due become deliveries; the only place that decides about a day
    claim      takes a batch under a lease, decides what each message is, and pins that
    send       sends it, one message after the other, and settles it; the steps are listed there
    press      compiles a mail once per lesson version; `compose` fills it in for one reader
    smtp       one connection, and what can become of a message on it
    journal    what a worker writes on its own disk, so that a kill -9 leaves no doubt
    recover    takes back what dead workers held
    pace       limits: how fast; `holds`: whether at all
    provenance notices a database that is a copy or was put back
    resend     sends the unknown again, when an operator says so
    forecast   who gets what when, without sending
    audit      proves that the books balance
    preflight  what is to be said of a mail before it goes out; `spamassassin` asks that, `proof` writes one for nobody

The database is the truth. A task that arrives twice, late or never changes nothing: it only says "look now".
"""
