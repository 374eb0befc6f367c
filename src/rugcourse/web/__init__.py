"""The web pages.

    public     for visitors: the catalogue, the knowledge test, signup
    reader     behind the links in a reader's mails
    admin      for those who run the courses
    tracking   opens, clicks and answers from mails, thousands at a time
    webhooks   reports of mail relays

Each route declares who may use it (`access`); the application does not start if one declares nothing. `connections`,
`middleware` (limits and headers of requests), `compression` and `rate_limits` apply to all routes.
"""
