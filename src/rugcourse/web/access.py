"""Who may use a page: each endpoint says so in one line, and the application does not start while one says nothing.

    @router.post("/{language}/{course}/signup")
    @access(Access.PUBLIC)
    def signup_submit(request: Request, …

An admin page says so in its signature, and by that it is enforced, with the CSRF token of its forms:

    @router.post("/admin/team")
    def team_submit(request: Request, identity: Owner, …

See `rugcourse.web.admin.auth` and `rugcourse.web.reader.access`. A test asks every route as everybody who may not, with
forms of ours and without (`tests/web/test_access.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import TypeVar

from starlette.routing import BaseRoute

from rugcourse.errors import ConfigError

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])


class Access(StrEnum):
    """Who a page is for."""

    PUBLIC = "public"  # everybody; it reads no cookie, so there is nothing that a foreign form could borrow
    LINK = "link"  # who holds a link that we signed for this purpose
    WEBHOOK = "webhook"  # a relay that proves who it is
    LOGIN = "login"  # everybody, on the way in; its forms must come from our own pages
    SESSION = "session"  # an admin who gave the password; the second factor may still be asked for
    ANALYST = "analyst"
    EDITOR = "editor"
    OWNER = "owner"


class MissingAccessRule(ConfigError):
    """A route does not say who it is for."""


def access(rule: Access) -> Callable[[Endpoint], Endpoint]:
    """Says who an endpoint is for."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.access = rule  # type: ignore[attr-defined]
        return endpoint

    return mark


def rule_of(route: BaseRoute) -> Access | None:
    """What the endpoint of a route says, or the dependency in its signature that lets an admin in."""
    dependencies = getattr(getattr(route, "dependant", None), "dependencies", ())
    marked = [getattr(route, "endpoint", None), *(one.call for one in dependencies)]
    return next((rule for one in marked if (rule := getattr(one, "access", None)) is not None), None)


def all_routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """These, and those of the routers that were included."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from all_routes(included.routes)


def require_rules(routes: Iterable[BaseRoute]) -> None:
    """Raises MissingAccessRule for the first route without one."""
    for route in all_routes(routes):
        if rule_of(route) is None:
            raise MissingAccessRule(
                f"{getattr(route, 'path', route)} needs @access(…) above its function, or an admin in its signature"
            )
