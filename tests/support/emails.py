"""Mails that are composed without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from tests.support.builders import COURSE

from rugcourse.content import Course, Lesson
from rugcourse.db.models import DeliveryKind
from rugcourse.db.queries.claims import DeliveryJob
from rugcourse.delivery.composer import Composer, Personalisation
from rugcourse.delivery.template_cache import PreparedEmail, message_stream
from rugcourse.emails import catalogue as mails
from rugcourse.emails.branding import Author, Branding
from rugcourse.emails.mime import MimeSkeleton, Sender
from rugcourse.links import Links, MailRef, Signer

LINKS = Links("https://c.example", Signer((b"a-key-for-tests-0123456789",)))
HOUSE = Branding("Fysio {{ 7*7 }} & Zn", Author("Stijn", {"nl": "Een regel", "en": "A line"}), "Straat 1")
SENDER = Sender("Fysio", "cursus@c.example", "", "c.example", feedback_id="c.example")
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
MAIL = MailRef(7, 7)


def outgoing(**changes: Any) -> DeliveryJob:
    fields = {
        "id": 7, "kind": DeliveryKind.LESSON, "campaign_id": 1, "subscriber_id": 1, "email": "sam@x.example",
        "domain": "x.example", "name": "Sam Jansen", "language": "nl", "measuring": False, "course": COURSE, "course_hash": "h", "course_id": 1,
        "lesson_version_id": 1, "lesson_id": 1, "attempts": 0, "message_id": None, "stamp": 7, "due_at": None,
    }  # fmt: skip
    return DeliveryJob(**{**fields, **changes})


def compose(
    course: Course,
    lesson: Lesson,
    language: str = "nl",
    *,
    eight_bit: bool = True,
    recap: Any = None,
    bounce_address: str = "",
    **changes: Any,
) -> bytes:
    template = mails.lesson_email(course, lesson, language, HOUSE, LINKS)
    prepared = PreparedEmail(
        template,
        MimeSkeleton.make(SENDER, template.subject, language, message_stream(DeliveryKind.LESSON, course)),
        course,
        lesson,
        language,
    )
    composer = Composer(LINKS, "c.example", bounce_address=bounce_address)
    draft = composer.draft(outgoing(**changes), prepared, Personalisation(recap))
    return composer.write(draft, NOW, eight_bit=eight_bit)


def parse(raw: bytes) -> tuple[EmailMessage, str, str]:
    message: Any = message_from_bytes(raw, policy=policy.default)
    return message, message.get_body(("html",)).get_content(), message.get_body(("plain",)).get_content()
