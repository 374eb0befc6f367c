"""Every kind of mail as a reader gets it, without a database."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.emails import HOUSE, LINKS, MAIL, NOW, SENDER, outgoing, parse

from rugcourse.content import Course, Lesson
from rugcourse.content.model import Message
from rugcourse.db.models import DeliveryKind
from rugcourse.db.queries.due_enrolments import NextDue
from rugcourse.db.queries.subscribers import Agreed
from rugcourse.delivery.composer import Composer, Personalisation
from rugcourse.delivery.template_cache import PreparedEmail, message_stream
from rugcourse.emails import catalogue
from rugcourse.emails.branding import Branding
from rugcourse.emails.mime import MimeSkeleton
from rugcourse.emails.templates import EmailTemplate

_BODY = (
    "A paragraph with **bold** and *italic* words and [a link](https://elsewhere.example/a?b=1&c=2).\n\n"
    "## A heading\n\n- one\n- two\n\n1. first\n2. second\n\n> A quotation.\n\n---\n\nThe end."
)
_COURSE_EMAILS = {
    DeliveryKind.CONFIRM: catalogue.confirm_email,
    DeliveryKind.REMINDER: catalogue.reminder_email,
    DeliveryKind.WELCOME: catalogue.welcome_email,
    DeliveryKind.ALREADY_SUBSCRIBED: catalogue.already_subscribed_email,
    DeliveryKind.MAGIC_LINK: catalogue.magic_link_email,
    DeliveryKind.IMPORTED: catalogue.imported_email,
}


def write_email(
    kind: DeliveryKind,
    course: Course,
    language: str,
    branding: Branding = HOUSE,
    lesson: Lesson | None = None,
    *,
    measuring: bool = True,
) -> tuple[str, str]:
    """Return the HTML and the text of a mail in which all that is optional is there.

    `lesson`: of a mail with one; by default the last, which has the test and the next step.
    """
    lesson = (lesson or course.lessons[-1]) if kind == DeliveryKind.LESSON else None
    template = _template(kind, course, language, branding, lesson)
    skeleton = MimeSkeleton.make(SENDER, template.subject, language, message_stream(kind, course))
    composer = Composer(LINKS, "c.example")
    draft = composer.draft(
        outgoing(kind=kind, language=language, measuring=measuring),
        PreparedEmail(template, skeleton, course, lesson, language),
        Personalisation(
            recap=course.lessons[0].texts[language].quiz[0],
            next_due=NextDue(datetime(2026, 11, 24, 7, tzinfo=UTC), "Europe/Amsterdam"),
            agreed=Agreed(NOW, "Open day", "I want to learn about my back. " * 4, news=True),
            reminds_of=MAIL.delivery_id,
        ),
    )
    _, html, text = parse(composer.write(draft, NOW, eight_bit=True))
    return html, text


def _template(
    kind: DeliveryKind, course: Course, language: str, branding: Branding, lesson: Lesson | None
) -> EmailTemplate:
    if lesson is not None:
        return catalogue.lesson_email(course, lesson, language, branding, LINKS, any_ground=True)
    if kind == DeliveryKind.BROADCAST:
        return catalogue.message_email(course, _message(language), language, branding, LINKS, is_news=True)
    return _COURSE_EMAILS[kind](course, language, branding, LINKS)


def _message(language: str) -> Message:
    text = {"subject": "Closed on Friday", "preheader": "We are back on Monday.", "title": "Closed", "body": _BODY}
    return Message.model_validate({"texts": {language: text}})
