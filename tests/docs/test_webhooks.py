"""docs/webhooks.md says what the code does: every event, its fields, and every number."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.builders import answer, make_pending, reader_with_lesson
from tests.support.webhook_receiver import add_endpoint, make_dispatcher, receiver

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import WEBHOOK_TEST, WebhookEvent
from rugcourse.db.queries.webhook_deliveries import KEPT_DAYS
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.outgoing_webhooks import endpoints
from rugcourse.outgoing_webhooks.connection import KEPT_CHARACTERS, TOTAL_SECONDS
from rugcourse.outgoing_webhooks.dispatcher import BACKOFF_SECONDS, DISABLE_DAYS

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
ROWS = {
    name: set(re.findall(r"`(\w+)`", fields))
    for name, fields in re.findall(r"^\| `([\w.]+)` \|.*\|(.*)\|$", PAGE, re.MULTILINE)
}


def test_every_event_is_documented_and_no_other_one() -> None:
    assert set(ROWS) == {*WebhookEvent, WEBHOOK_TEST}


def test_events_have_the_documented_fields(runtime: Runtime, dispatcher: Dispatcher) -> None:
    with receiver() as there:
        add_endpoint(runtime, there.url)
        email = reader_with_lesson(runtime, dispatcher)
        answer(runtime, email)
        make_pending(runtime)
        runtime.database.run(endpoints.send_test, runtime.clock.now(), 1)
        make_dispatcher(runtime).send_due()
        found = {one.payload["type"]: one.payload for one in there.received}
    assert len(found) == 5
    for name, told in found.items():
        assert set(told["data"]) - {"subscriber_id"} == ROWS[name]
    example = json.loads(PAGE.split("```json")[1].split("```")[0])
    assert example.keys() == found["question.answered"].keys()
    assert example["data"].keys() == found["question.answered"]["data"].keys()


def test_numbers_are_those_of_the_code() -> None:
    assert f"within {TOTAL_SECONDS:g} seconds" in PAGE
    assert f"first {KEPT_CHARACTERS} characters" in PAGE
    assert f"deleted {KEPT_DAYS} days" in PAGE
    assert DISABLE_DAYS == 5
    hours = ", ".join(f"{one / 3600:g}" for one in BACKOFF_SECONDS[3:-1])
    assert f"after 5 seconds, 5 and 30 minutes, {hours} and 24 hours" in PAGE
    assert BACKOFF_SECONDS[:3] == (5, 300, 1800)
