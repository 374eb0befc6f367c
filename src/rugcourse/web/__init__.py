"""The web pages.

    public     for visitors: the catalogue, the knowledge test, signing up
    reader     behind the links of a reader's mails
    admin      for those who run the courses
    tracking   the picture, links and questions of mails, by the thousand
    webhooks   what relays report

Each route says who it is for (`access`), and none can be added without. Before all of them stand `connections`,
`middleware` (size, time and headers of a request) and `rate_limits`.
"""
