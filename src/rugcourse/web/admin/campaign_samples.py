"""The mails of a campaign as their readers would get them, for looking at."""

from __future__ import annotations

from fastapi import Request

from rugcourse.content import Course
from rugcourse.db.models import CampaignKind, CampaignRow, Ground
from rugcourse.db.queries import campaigns
from rugcourse.web.rendering import NotFound, preferred_language, runtime_of


def course_of(request: Request, row: CampaignRow) -> Course:
    """Raises NotFound."""
    with runtime_of(request).database.read() as session:
        published = runtime_of(request).course_cache.of_campaign(session, row.id)
    if published is None:
        raise NotFound
    return published.course


def spoken_in(request: Request, row: CampaignRow, course: Course) -> tuple[str, ...]:
    """The languages that the campaign's mail is there in."""
    if row.kind != CampaignKind.BROADCAST:
        return course.languages
    with runtime_of(request).database.read() as session:
        message = campaigns.find_message(session, row.id)
    return tuple(message.texts) if message else ()


def mail_of(request: Request, row: CampaignRow, language: str, number: int = 1) -> bytes:
    """The message of a campaign in a language: of a course, that with lesson `number`. Raises NotFound."""
    runtime = runtime_of(request)
    course = course_of(request, row)
    if language not in spoken_in(request, row, course):
        raise NotFound
    now = runtime.clock.now()
    if row.kind != CampaignKind.BROADCAST:
        is_cohort = row.kind == CampaignKind.COHORT
        return runtime.sample_emails.of_lesson(course, course.lessons[number - 1], language, now, is_cohort=is_cohort)
    with runtime.database.read() as session:
        message = campaigns.find_message(session, row.id)
    if message is None:
        raise NotFound
    return runtime.sample_emails.of_message(course, message, language, now, is_news=row.ground == Ground.NEWS)


def mails_of(request: Request, row: CampaignRow, most: int | None = None) -> list[tuple[str, str, bytes]]:
    """(title, language, message) of the first `most` mails of a campaign in all their languages, or of all mails."""
    course = course_of(request, row)
    languages = spoken_in(request, row, course)
    if row.kind == CampaignKind.BROADCAST:
        return [(row.name, language, mail_of(request, row, language)) for language in languages]
    first = preferred_language(request)
    return [
        (
            f"{lesson.number}. {(lesson.texts.get(first) or lesson.texts[language]).title}",
            language,
            mail_of(request, row, language, lesson.number),
        )
        for lesson in course.lessons[:most]
        for language in languages
    ]
