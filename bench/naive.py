"""The naive way to send a campaign: one task per reader, everything done anew, a connection and a commit for each."""

from __future__ import annotations

import smtplib
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from sqlalchemy import select, update
from tests.support.builders import course_of
from tests.support.servers import HOST

from rugcourse.bootstrap import Runtime, sender
from rugcourse.db.models import DeliveryKind, DeliveryRow, SubscriberRow
from rugcourse.db.queries.claims import DeliveryJob
from rugcourse.delivery.composer import Composer, Personalisation
from rugcourse.delivery.template_cache import PreparedEmail, message_stream
from rugcourse.emails import catalogue, templates
from rugcourse.emails.mime import MimeSkeleton

READERS = 150


def naive_rate(runtime: Runtime, port: int) -> float:
    """Messages a second, in one process, to the same sink and the same database; each is sent and then written down."""
    course = course_of(runtime).course
    lesson = course.lessons[0]
    with runtime.database.read() as session:
        ids = session.scalars(select(SubscriberRow.id).order_by(SubscriberRow.id).limit(READERS)).all()
    begun = time.perf_counter()
    for subscriber_id in ids:
        _send_one(runtime, port, subscriber_id, lesson.slug)
    return len(ids) / (time.perf_counter() - begun)


def _send_one(runtime: Runtime, port: int, subscriber_id: int, slug: str) -> None:
    templates._first_pass.cache_clear()  # noqa: SLF001 - nothing is kept from one reader to the next
    templates._second_pass.cache_clear()  # noqa: SLF001
    course = course_of(runtime).course
    lesson = course.lesson(slug)
    assert lesson is not None
    with runtime.database.read() as session:
        person = session.get_one(SubscriberRow, subscriber_id)
    reader = DeliveryJob(
        *(subscriber_id, DeliveryKind.LESSON, 1, subscriber_id, person.email, person.domain, person.name),
        *(person.language, False, course.slug, "", 1, 1, 1, 0, None, person.security_stamp, None),
    )
    template = catalogue.lesson_email(course, lesson, person.language, runtime.branding, runtime.links)
    ours = sender(runtime.settings)
    skeleton = MimeSkeleton.make(ours, template.subject, person.language, message_stream(DeliveryKind.LESSON, course))
    prepared = PreparedEmail(template, skeleton, course, lesson, person.language)
    values = Composer(runtime.links, runtime.settings.sender_domain).values(reader, prepared, Personalisation())
    html, text = template.write(values)
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{ours.name} <{ours.address}>"
    message["To"] = person.email
    message["Subject"] = template.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = runtime.links.message_id(reader.ref, "courses.example")
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    with smtplib.SMTP(HOST, port) as server:
        server.send_message(message)
    with runtime.database.write() as session:
        session.execute(
            update(DeliveryRow).where(DeliveryRow.subscriber_id == subscriber_id).values(settled_at=datetime.now(UTC))
        )
