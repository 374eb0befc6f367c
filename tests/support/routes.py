"""The routes of the application, by who may use them."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Route
from tests.support.admin_pages import log_in
from tests.support.pages import CHROME

from rugcourse.web.access import Access, all_routes, rule_of


def routes(app: FastAPI, *rules: Access) -> Iterator[tuple[str, str]]:
    """(method, path) of each route with one of these rules."""
    for route in all_routes(app.routes):
        assert isinstance(route, Route)
        if rule_of(route) in rules:
            yield from ((method, route.path) for method in sorted(route.methods or ()) if method != "HEAD")


def browser_of(app: FastAPI, email: str | None = None) -> TestClient:
    browser = TestClient(app, follow_redirects=False, headers=CHROME)
    if email is not None:
        assert log_in(browser, email).status_code == 303  # type: ignore[attr-defined]
    return browser
