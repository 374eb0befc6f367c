"""Which section of help each admin page leads to."""

from __future__ import annotations

from rugcourse.help_pages.documents import PATH

# The path of a route → page of `docs/`, and the anchor of a heading on it.
HELP_TOPICS: dict[str, str] = {
    "/admin": "admin#dashboard",
    "/admin/getting-started": "your-own-look#first-steps",
    "/admin/deliverability": "admin#delivery",
    "/admin/suppressions": "admin#suppressed-addresses",
    "/admin/lessons/{course}/{slug}/email-check": "admin#email-check",
    "/admin/campaigns/{campaign_id}/email-check": "admin#email-check",
    "/admin/new-course": "own-course#from-an-article-to-the-first-lesson",
    "/admin/new-course/article": "own-course#from-an-article-to-the-first-lesson",
    "/admin/courses/{course}/article": "own-course#from-an-article-to-the-first-lesson",
    "/admin/new-course/pack": "courses#passing-a-course-on",
    "/admin/courses/{course}": "own-course#later",
    "/admin/courses/{course}/parts/{part}": "courses#how-often-lessons-come",
    "/admin/lessons": "admin#lessons-and-courses",
    "/admin/lessons/{course}/{slug}": "courses#tags",
    "/admin/lessons/{course}/{slug}/history": "admin#lessons-and-courses",
    "/admin/lessons/{course}/{slug}/publish": "courses#questions-that-measure",
    "/admin/campaigns": "admin#campaigns",
    "/admin/campaigns/new": "admin#send-a-message-to-a-group",
    "/admin/campaigns/compare": "admin#results",
    "/admin/campaigns/{campaign_id}": "admin#after-the-start",
    "/admin/campaigns/{campaign_id}/what": "admin#what-who-and-when",
    "/admin/campaigns/{campaign_id}/who": "admin#what-who-and-when",
    "/admin/campaigns/{campaign_id}/when": "admin#what-who-and-when",
    "/admin/campaigns/{campaign_id}/pace": "admin#what-who-and-when",
    "/admin/campaigns/{campaign_id}/review": "admin#review-and-start",
    "/admin/campaigns/{campaign_id}/results": "admin#results",
    "/admin/campaigns/{campaign_id}/mails": "admin#after-the-start",
    "/admin/subscribers": "admin#subscribers",
    "/admin/subscribers/{subscriber_id}": "admin#subscribers",
    "/admin/remarks": "admin#remarks",
    "/admin/pictures": "pictures#in-the-browser",
    "/admin/imports": "admin#import-a-list",
    "/admin/bulk-actions": "admin#bulk-actions",
    "/admin/jobs/{job_id}": "admin#bulk-actions",
    "/admin/ab-tests/{lesson_id}": "admin#ab-tests",
    "/admin/account": "admin#my-account",
    "/admin/team": "admin#team",
    "/admin/audit-log": "admin#audit-log",
    "/admin/api-tokens": "api#a-token",
    "/admin/webhooks": "webhooks#an-endpoint",
    "/admin/webhooks/{endpoint_id}": "webhooks#attempts",
    "/admin/settings": "your-own-look#your-own-look",
    "/admin/settings/{part}": "your-own-look#your-own-look",
    "/admin/help": "admin#the-admin-pages",
    "/admin/help/{page}": "admin#the-admin-pages",
}


def help_url(route: str) -> str:
    """Return the URL of the help for the page of a route: the list of help pages for one without a topic."""
    topic = HELP_TOPICS.get(route)
    return f"{PATH}/{topic}" if topic else PATH
