"""Renders sample mails without a reader, for previews and test mails. Their links open nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy

from rugcourse.content import Course, Lesson, Message, Question
from rugcourse.db.models import DeliveryKind
from rugcourse.db.queries.claims import DeliveryJob
from rugcourse.delivery.composer import Composer, Personalisation
from rugcourse.delivery.template_cache import PreparedEmail, message_stream
from rugcourse.emails import catalogue
from rugcourse.emails.branding import Branding
from rugcourse.emails.mime import MimeSkeleton, Sender
from rugcourse.emails.templates import EmailTemplate
from rugcourse.links import Links, Signer
from rugcourse.locales import SOURCE_LANGUAGE

SAMPLE_DELIVERY = DeliveryJob(
    id=1,
    kind=DeliveryKind.LESSON,
    campaign_id=1,
    subscriber_id=1,
    email="reader@example.org",
    domain="example.org",
    name="Sam",
    language=SOURCE_LANGUAGE,
    measuring=False,
    course="",
    course_hash="",
    course_id=1,
    lesson_version_id=1,
    lesson_id=1,
    attempts=0,
    message_id=None,
    stamp=1,
    due_at=None,
)


@dataclass(frozen=True, slots=True)
class SampleReader:
    """The imaginary reader of a sample: their name, and the recap."""

    name: str = "Sam"
    recap: Question | None = None


SOMEBODY = SampleReader()


@dataclass(frozen=True, slots=True)
class SampleEmails:
    """Renders samples for one installation."""

    base_url: str
    branding: Branding
    sender: Sender

    def of_lesson(
        self,
        course: Course,
        lesson: Lesson,
        language: str,
        now: datetime,
        reader: SampleReader = SOMEBODY,
        *,
        any_ground: bool = False,
    ) -> bytes:
        """Render a lesson. Raises TemplateError."""
        template = catalogue.lesson_email(course, lesson, language, self.branding, self._links, any_ground=any_ground)
        return self._write(template, course, lesson, language, now, reader, DeliveryKind.LESSON)

    def of_message(self, course: Course, message: Message, language: str, now: datetime, *, is_news: bool) -> bytes:
        """Render the message of a broadcast. Raises TemplateError."""
        template = catalogue.message_email(course, message, language, self.branding, self._links, is_news=is_news)
        return self._write(template, course, None, language, now, SOMEBODY, DeliveryKind.BROADCAST)

    def of_account(self, kind: DeliveryKind, course: Course, language: str, now: datetime) -> bytes:
        """Render the mail that asks to confirm a signup, the reminder of it, or the welcome. Raises TemplateError."""
        compilers = {
            DeliveryKind.CONFIRM: catalogue.confirm_email,
            DeliveryKind.REMINDER: catalogue.reminder_email,
            DeliveryKind.WELCOME: catalogue.welcome_email,
        }
        template = compilers[kind](course, language, self.branding, self._links)
        return self._write(template, course, None, language, now, SOMEBODY, kind)

    @property
    def _links(self) -> Links:
        return Links(self.base_url, Signer.from_texts(("a proof opens nothing",)))

    def _write(
        self,
        template: EmailTemplate,
        course: Course,
        lesson: Lesson | None,
        language: str,
        now: datetime,
        reader: SampleReader,
        kind: DeliveryKind,
    ) -> bytes:
        skeleton = MimeSkeleton.make(self.sender, template.subject, language, message_stream(kind, course))
        prepared = PreparedEmail(template, skeleton, course, lesson, language)
        composer = Composer(self._links, self.sender.list_domain)
        outgoing = SAMPLE_DELIVERY._replace(kind=kind, name=reader.name, language=language, course=course.slug)
        return composer.write(
            composer.draft(outgoing, prepared, Personalisation(reader.recap, reminds_of=outgoing.id)),
            now,
            eight_bit=True,
        )


def parts_of(message: bytes) -> tuple[str, str]:
    """Return the HTML and the text of a message."""
    parsed = message_from_bytes(message, policy=policy.default)
    html, text = parsed.get_body(("html",)), parsed.get_body(("plain",))
    return str(html.get_content()) if html else "", str(text.get_content()) if text else ""


def addressed(message: bytes, recipient: str) -> bytes:
    """Return the message with another `To`. The recipient is inserted as plain text."""
    return message.replace(f"To: {SAMPLE_DELIVERY.email}".encode(), f"To: {recipient}".encode(), 1)
