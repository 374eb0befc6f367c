"""What happened to a subscriber is told in sentences, whatever it was."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from rugcourse.db.models import DeliveryKind, DeliveryState, EventKind
from rugcourse.enrolment.consents import ConsentPurpose
from rugcourse.locales import languages
from rugcourse.subscribers.timeline import Moment
from rugcourse.web.rendering import phrase_of

AT = datetime(2026, 11, 27, tzinfo=UTC)
EVENTS = [
    *(kind.value for kind in EventKind if kind != EventKind.ANSWER),
    *(f"{kind} by a machine" for kind in (EventKind.OPEN, EventKind.CLICK)),
]
OTHERS = (
    "signed up",
    "answered right",
    "answered wrong",
    "test before",
    "test after",
    "helped",
    "did not help",
    "subscriber.pause",
)


def sentence(one: Moment, language: str = "en") -> str:
    return str(phrase_of(language, "admin/history", "sentence", one))


@pytest.mark.parametrize("language", languages())
def test_every_event_and_every_state_of_every_mail_has_a_sentence(language: str) -> None:
    of_mails = [*EVENTS, *(f"mail {state}" for state in DeliveryState)]
    moments = [Moment(AT, what, "Stress", kind) for what, kind in product(of_mails, DeliveryKind)]
    moments += [Moment(AT, what, one) for what, one in product(("consent", "no consent"), ConsentPurpose)]
    moments += [Moment(AT, what, "Stress") for what in OTHERS]
    said = {one: sentence(one, language) for one in moments}
    assert len({*said.values()}) == len(said)
    assert [one for one, words in said.items() if words == f"{one.what} {one.about}"] == []  # what has no sentence
    assert all(words[-1] in ".”“’‘" for words in said.values())


def test_titles_of_lessons_and_messages_are_named_and_shown_as_text() -> None:
    assert sentence(Moment(AT, "mail accepted", "<b>", "lesson")) == "Sent: the lesson “&lt;b&gt;”."
    assert sentence(Moment(AT, "open by a machine", "News", "broadcast")) == "A machine opened the message “News”."
    assert sentence(Moment(AT, "bounce", "", "welcome")) == "Did not arrive after all: the welcome email."
    assert sentence(Moment(AT, "subscriber.pause", "a@x.example")) == "paused by an admin (a@x.example)."
