"""Programs that use the API."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.support.admins import make_admin

from rugcourse.auth import api_tokens
from rugcourse.auth.api_tokens import Scope
from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role

EMAIL = "api@x.example"


def make_token(runtime: Runtime, *scopes: Scope, email: str = EMAIL, days: int | None = 30) -> str:
    """A token of an admin who is there already; without scopes: with all of them."""
    made = runtime.database.run(api_tokens.create, runtime.clock.now(), email, "a test", scopes or (*Scope,), days)
    return made.secret


def client_of(app: FastAPI, secret: str) -> TestClient:
    """A program with a token."""
    return TestClient(app, headers={"authorization": f"Bearer {secret}"}, follow_redirects=False)


def make_client(app: FastAPI, runtime: Runtime, clock: VirtualClock, *scopes: Scope) -> TestClient:
    """A program with a new token of a new owner."""
    make_admin(runtime.database, clock, EMAIL, Role.OWNER)
    return client_of(app, make_token(runtime, *scopes))
