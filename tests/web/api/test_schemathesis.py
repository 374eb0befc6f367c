"""Schemathesis plays against the API by its own description: every answer is one that the description names."""

from __future__ import annotations

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from limits import RateLimitItemPerMinute
from schemathesis import Case
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.support.admins import make_admin
from tests.support.api import EMAIL, make_token
from tests.support.builders import make_reader
from tests.support.routes import routes

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role
from rugcourse.web import rate_limits
from rugcourse.web.access import Access

load_all_checks()
# A description can't say which courses, cursors and addresses there are: a request may fit it and be refused.
NOT_CHECKED = [positive_data_acceptance]


def test_every_answer_is_as_the_description_says(
    app: FastAPI, runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_API_PER_MINUTE", "_CHALLENGES_PER_HOUR", "_ANYTHING_IN_ALL"):
        monkeypatch.setattr(rate_limits, name, RateLimitItemPerMinute(1_000_000))
    make_admin(runtime.database, clock, EMAIL, Role.OWNER)
    make_reader(runtime)
    headers = {"Authorization": f"Bearer {make_token(runtime)}"}
    asked = []

    def play(case: Case) -> None:
        case.call_and_validate(headers=headers, excluded_checks=NOT_CHECKED)
        asked.append(case.operation.label)

    description = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    for operation in description.get_all_operations():
        strategy = operation.ok().as_strategy()
        settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])(
            given(case=strategy)(play)
        )()
    assert {*asked} == {f"{method} {path}" for method, path in routes(app, Access.API)}
