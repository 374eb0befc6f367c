"""Access rules: each endpoint declares who may use it, and the application does not start if one declares nothing.

    @router.post("/{language}/{course}/signup")
    @access(Access.PUBLIC)
    def signup_submit(request: Request, …

An admin page declares its role in its signature. The dependency enforces it, and checks the CSRF token of forms:

    @router.post("/admin/team")
    def team_submit(request: Request, identity: Owner, …

See `rugcourse.web.admin.auth` and `rugcourse.web.reader.access`. A test requests every route with each kind of visitor
that lacks access, with and without a valid CSRF token (`tests/web/test_access.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import TypeVar

from starlette.routing import BaseRoute

from rugcourse.errors import ConfigError

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])


class Access(StrEnum):
    """Who may use an endpoint."""

    PUBLIC = "public"  # everybody; no cookie is read, so that CSRF is not possible
    LINK = "link"  # holders of a link that was signed for this purpose
    WEBHOOK = "webhook"  # a mail relay that authenticates itself
    LOGIN = "login"  # everybody, to log in; forms must come from the same origin
    SESSION = "session"  # an admin after the password; the second factor may still be due
    ANALYST = "analyst"
    EDITOR = "editor"
    OWNER = "owner"
    API = "api"  # a program with a token, within its scopes


class MissingAccessRule(ConfigError):
    """A route does not declare who may use it."""


def access(rule: Access) -> Callable[[Endpoint], Endpoint]:
    """Declare who may use an endpoint."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.access = rule  # type: ignore[attr-defined]
        return endpoint

    return mark


def rule_of(route: BaseRoute) -> Access | None:
    """Return the access rule of a route's endpoint, or of the admin dependency in its signature, else None."""
    dependencies = getattr(getattr(route, "dependant", None), "dependencies", ())
    marked = [getattr(route, "endpoint", None), *(one.call for one in dependencies)]
    return next((rule for one in marked if (rule := getattr(one, "access", None)) is not None), None)


def all_routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Yield these routes, and those of included routers."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from all_routes(included.routes)


def require_rules(routes: Iterable[BaseRoute]) -> None:
    """Raise MissingAccessRule for the first route without an access rule."""
    for route in all_routes(routes):
        if rule_of(route) is None:
            raise MissingAccessRule(
                f"{getattr(route, 'path', route)} needs an @access(…) decorator, or an admin in its signature"
            )
