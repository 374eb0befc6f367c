"""Render and assembly of a real lesson per subscriber, against MJML + Jinja + EmailMessage done anew each time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from rugcourse.content import load_course
from rugcourse.db.models import DeliveryKind
from rugcourse.db.queries.claims import DeliveryJob
from rugcourse.delivery.composer import Composer, Personalisation
from rugcourse.delivery.template_cache import PreparedEmail, message_stream
from rugcourse.email_preview.sample import SAMPLE_DELIVERY
from rugcourse.emails import catalogue, templates
from rugcourse.emails.branding import Author, Branding
from rugcourse.emails.mime import MimeSkeleton, Sender
from rugcourse.links import Links, Signer

_COURSE = Path("lessons/oorzaken-van-rugpijn")
ROUNDS = 15
OURS_PER_ROUND = 400
NAIVE_PER_ROUND = 20

LINKS = Links("https://courses.example", Signer((b"a key for the bench",)))
HOUSE = Branding("De Praktijk", Author("Stijn", {"nl": "Fysiotherapeut", "en": "Physiotherapist"}), "Straat 1")
SENDER = Sender("De Praktijk", "cursus@courses.example", "", "courses.example")
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)


def mean_lesson_bytes(number: int) -> int:
    """How large the message of lesson `number` is, over all languages."""
    course = load_course(_COURSE)
    return round(statistics.mean(len(lesson_message(number, language)) for language in course.languages))


def lesson_message(number: int = 1, language: str = "nl") -> bytes:
    """The message of lesson `number`, for somebody."""
    prepared = _prepare(number, language)
    composer = Composer(LINKS, "courses.example")
    return composer.write(composer.draft(_reader(1), prepared, Personalisation()), NOW, eight_bit=True)


def compare_rendering() -> dict[str, Any]:
    """Milliseconds per message of both ways, in turns, and how many times faster ours is (median over rounds)."""
    course = load_course(_COURSE)
    lesson = course.lessons[1]
    prepared = _prepare(lesson.number, "nl")
    composer = Composer(LINKS, "courses.example")

    def ours(number: int, *, eight_bit: bool) -> bytes:
        return composer.write(composer.draft(_reader(number), prepared, Personalisation()), NOW, eight_bit=eight_bit)

    def naive(number: int) -> bytes:
        """What a straightforward implementation does for each subscriber."""
        fresh = catalogue.lesson_email(course, lesson, "nl", HOUSE, LINKS)
        mail = _reader(number).ref
        html, text = fresh.write(composer.values(_reader(number), prepared, Personalisation()))
        message = EmailMessage(policy=SMTP)
        message["From"] = f"{SENDER.name} <{SENDER.address}>"
        message["To"] = _reader(number).email
        message["Subject"] = fresh.subject
        message["Date"] = format_datetime(NOW)
        message["Message-ID"] = LINKS.message_id(mail, "courses.example")
        message["List-Unsubscribe"] = f"<{LINKS.unsubscribe(mail)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        return message.as_bytes()

    size = len(ours(1, eight_bit=True))
    rounds = [
        (
            _milliseconds(lambda number: ours(number, eight_bit=True), OURS_PER_ROUND),
            _milliseconds(lambda number: ours(number, eight_bit=False), OURS_PER_ROUND),
            _milliseconds(naive, NAIVE_PER_ROUND),
        )
        for _ in range(ROUNDS)
    ]
    return {
        "message_bytes": size,
        "ours_8bit_ms": round(statistics.median(one[0] for one in rounds), 4),
        "ours_quoted_printable_ms": round(statistics.median(one[1] for one in rounds), 4),
        "naive_ms": round(statistics.median(one[2] for one in rounds), 3),
        "times_faster_8bit": round(statistics.median(one[2] / one[0] for one in rounds), 1),
        "times_faster_quoted_printable": round(statistics.median(one[2] / one[1] for one in rounds), 1),
        "target_times_faster": 20,
    }


def _milliseconds(make: Callable[[int], bytes], count: int) -> float:
    # The naive way must not profit from what Jinja keeps of templates it has seen.
    templates._first_pass.cache_clear()  # noqa: SLF001
    templates._second_pass.cache_clear()  # noqa: SLF001
    begun = time.perf_counter()
    for number in range(count):
        make(number + 1)
    return 1000 * (time.perf_counter() - begun) / count


def _prepare(number: int, language: str) -> PreparedEmail:
    course = load_course(_COURSE)
    lesson = course.lessons[number - 1]
    template = catalogue.lesson_email(course, lesson, language, HOUSE, LINKS)
    stream = message_stream(DeliveryKind.LESSON, course)
    return PreparedEmail(
        template, MimeSkeleton.make(SENDER, template.subject, language, stream), course, lesson, language
    )


def _reader(number: int) -> DeliveryJob:
    return SAMPLE_DELIVERY._replace(
        id=number,
        subscriber_id=number,
        email=f"reader{number}@example.org",
        name="Sam Jansen",
        language="nl",
        course="oorzaken-van-rugpijn",
        lesson_version_id=2,
        lesson_id=2,
    )
