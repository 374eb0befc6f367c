"""Resolves the numbered links of mails."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy.orm import Session

from rugcourse.content import LessonText, MessageText
from rugcourse.content.languages import text_for
from rugcourse.content.markdown import link_targets
from rugcourse.db.course_cache import CourseCache
from rugcourse.db.models import DeliveryKind
from rugcourse.db.queries.email_events import MailRead


def target_of(session: Session, course_cache: CourseCache, mail: MailRead, number: int) -> str | None:
    """Return the target of link `number` in the lesson version that the mail was pinned to, or None."""
    if mail.lesson_version_id is None or mail.language is None:
        return None
    text: LessonText | MessageText
    if mail.kind == DeliveryKind.BROADCAST:
        text = text_for(course_cache.message(session, mail.lesson_version_id).texts, mail.language)
    else:
        text = text_for(course_cache.version(session, mail.lesson_version_id).texts, mail.language)
    targets = _targets(text)
    return targets[number] if number < len(targets) else None


@lru_cache(maxsize=512)
def _targets(text: LessonText | MessageText) -> tuple[str, ...]:
    further = text.further if isinstance(text, LessonText) else ()
    return (*link_targets(text.body), *(one.link for one in further if one.link))
