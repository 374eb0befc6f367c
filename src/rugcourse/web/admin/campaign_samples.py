"""Samples of a campaign's mails, as readers would get them."""

from __future__ import annotations

from fastapi import Request

from rugcourse.campaigns import page_data
from rugcourse.campaigns.page_data import CampaignMails
from rugcourse.content.languages import text_for
from rugcourse.db.models import CampaignRow, Ground
from rugcourse.web.rendering import NotFound, preferred_language, runtime_of


def campaign_mails(request: Request, row: CampaignRow) -> CampaignMails:
    """Return the content of a campaign's mails. Raises NotFound."""
    runtime = runtime_of(request)
    try:
        return runtime.database.query(page_data.campaign_mails, runtime.course_cache, row)
    except page_data.CampaignNotFound:
        raise NotFound from None


def mail_of(request: Request, row: CampaignRow, language: str, number: int = 1) -> bytes:
    """Return a mail of a campaign in a language; of a course, that of lesson `number`. Raises NotFound."""
    return _mail_of(request, row, campaign_mails(request, row), language, number)


def mails_of(request: Request, row: CampaignRow, most: int | None = None) -> list[tuple[str, str, bytes]]:
    """Return (title, language, message) of the first `most` mails of a campaign, or of all, in all languages."""
    made_of = campaign_mails(request, row)
    if not row.sends_course:
        return [(row.name, one, _mail_of(request, row, made_of, one, 1)) for one in made_of.languages]
    first = preferred_language(request)
    return [
        (
            f"{lesson.number}. {text_for(lesson.texts, first).title}",
            language,
            _mail_of(request, row, made_of, language, lesson.number),
        )
        for lesson in made_of.course.lessons[:most]
        for language in made_of.languages
    ]


def _mail_of(request: Request, row: CampaignRow, made_of: CampaignMails, language: str, number: int) -> bytes:
    if language not in made_of.languages:
        raise NotFound
    samples, now, course = runtime_of(request).sample_emails, runtime_of(request).clock.now(), made_of.course
    if row.sends_course:
        return samples.of_lesson(course, course.lessons[number - 1], language, now, any_ground=row.type.any_ground)
    if made_of.message is None:
        raise NotFound
    return samples.of_message(course, made_of.message, language, now, is_news=row.ground == Ground.NEWS)
