"""Tells other systems what happens: Standard Webhooks (https://www.standardwebhooks.com), signed and in order.

    something happens ─► a row for each endpoint that wants it, in the same transaction (`db.queries.webhook_events`)
    waiting ─► claimed under a lease ─► answered with 2xx: accepted
       ▲              ├─ anything else, or no answer: back to waiting, with a growing delay
       └──────────────┤
                      └─ after the last attempt: failed

Read in this order:

    endpoints   what an admin does with an endpoint: its URL, events and secrets
    networks    which addresses may be connected to
    connection  a network backend that connects only to those, and one request over it
    messages    the body of an event, and its signatures
    work        whether there is anything to do, without loading the rest
    dispatcher  claims, sends and settles, each endpoint on its own; every number of the retry rules

At least once, as an answer may be lost on its way: a repeated event has the same `webhook-id`. Of one person, an
endpoint gets the next event once it took the one before, or that was given up. For what relays tell us, see
`bounces.webhooks`.
"""
