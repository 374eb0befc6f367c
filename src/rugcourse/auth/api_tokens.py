"""Tokens with which programs use the API (RFC 6750). One acts as its admin, within its scopes.

A token is shown once, when it is created. It ends when it expires, when it is revoked, and with the account of its
admin; an admin whose role shrinks takes its tokens along.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from rugcourse.auth.admins import hash_token
from rugcourse.auth.roles import includes
from rugcourse.content.model import without_invisible
from rugcourse.db.models import ApiTokenRow, AuditAction, Role
from rugcourse.db.queries import admins, api_tokens
from rugcourse.errors import InvalidInput, NotFoundError
from rugcourse.i18n import N_

PREFIX = "rc_"  # so that scanners for leaked secrets can recognise one
LONGEST_NAME = 80
LONGEST_DAYS = 3650
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_SEEN = timedelta(minutes=1)  # so often at most its use is written down


class Scope(StrEnum):
    """What a token may do. It needs the role that the admin pages need for the same, see `ROLE_OF`."""

    SUBSCRIBERS_READ = "subscribers:read"
    SUBSCRIBERS_WRITE = "subscribers:write"
    COURSES_READ = "courses:read"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    SUPPRESSIONS_READ = "suppressions:read"
    SUPPRESSIONS_WRITE = "suppressions:write"


# A list of subscribers can be taken away, which an analyst may not do.
ROLE_OF = {one: Role.ANALYST if one in {Scope.COURSES_READ, Scope.CAMPAIGNS_READ} else Role.EDITOR for one in Scope}


class InvalidTokenRequest(InvalidInput):
    """A token can't be made so. The message says why."""


class TokenNotFound(NotFoundError):
    """There is no token with this number."""


@dataclass(frozen=True, slots=True)
class ApiClient:
    """Who uses the API: a token, and the admin as whom it acts. `is_unseen`: its use is to be written down again."""

    token_id: int
    admin_id: int
    scopes: frozenset[Scope]
    is_unseen: bool


@dataclass(frozen=True, slots=True)
class NewToken:
    """`secret`: the token itself, which nothing shows again."""

    id: int
    secret: str


def create(
    session: Session, now: datetime, email: str, name: str, scopes: Collection[str], days: int | None
) -> NewToken:
    """Create a token that acts as the admin with an address. `days`: until it expires; None for never.

    Raises InvalidTokenRequest.
    """
    admin = admins.by_email(session, email)
    if admin is None or admin.disabled_at is not None or admin.password_hash is None:
        raise InvalidTokenRequest(N_("No admin who can log in has this address."))
    chosen = _scopes(scopes)
    if missing := [one for one in chosen if not includes(Role(admin.role), ROLE_OF[one])]:
        raise InvalidTokenRequest(f"{admin.email} is an {admin.role} and may not have the scope {missing[0]}.")
    label = without_invisible(" ".join(name.split())).strip()
    if not label or len(label) > LONGEST_NAME:
        raise InvalidTokenRequest(f"Give the token a name of at most {LONGEST_NAME} characters, such as what uses it.")
    if days is not None and not 0 < days <= LONGEST_DAYS:
        raise InvalidTokenRequest(f"A token lasts 1 to {LONGEST_DAYS} days.")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiTokenRow(
        token_hash=hash_token(secret),
        hint=secret[:8],
        name=label,
        scopes=" ".join(chosen),
        admin_id=admin.id,
        created_at=now,
        expires_at=None if days is None else now + timedelta(days=days),
    )
    token_id = api_tokens.add(session, row)
    after = {"name": label, "scopes": row.scopes, "hint": row.hint}
    admins.record_change(session, now, admin.id, AuditAction.API_TOKEN_CREATE, f"token {token_id}", None, after)
    return NewToken(token_id, secret)


def find_client(session: Session, now: datetime, secret: str) -> ApiClient | None:
    """Return who uses a token, or None if it is unknown, expired or revoked, or its admin may not log in any more."""
    found = api_tokens.by_hash(session, hash_token(secret)) if _TOKEN.fullmatch(secret) else None
    if found is None:
        return None
    row, admin = found
    is_over = row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now)
    if is_over or admin.disabled_at is not None:
        return None
    allowed = {one for one in Scope if includes(Role(admin.role), ROLE_OF[one])}
    is_unseen = row.used_at is None or now - row.used_at > _SEEN
    return ApiClient(row.id, admin.id, frozenset(allowed & set(row.scopes.split())), is_unseen)


def mark_used(session: Session, now: datetime, token_id: int) -> None:
    """Write down that a token was used."""
    api_tokens.mark_used(session, token_id, now)


def listed(session: Session) -> Sequence[tuple[ApiTokenRow, str]]:
    """Return all tokens, the newest first, with the address of the admin of each."""
    return api_tokens.everything(session)


def revoke(session: Session, now: datetime, token_id: int, admin_id: int | None) -> None:
    """End a token for good. Raises TokenNotFound."""
    row = api_tokens.find(session, token_id, lock=True)
    if row is None:
        raise TokenNotFound
    if row.revoked_at is None:
        row.revoked_at = now
        admins.record_change(session, now, admin_id, AuditAction.API_TOKEN_REVOKE, f"token {token_id}")


def _scopes(wanted: Collection[str]) -> list[Scope]:
    unknown = sorted(set(wanted) - {*Scope})
    if unknown or not wanted:
        known = ", ".join(Scope)
        said = f"{unknown[0]!r} is no scope" if unknown else "A token needs a scope"
        raise InvalidTokenRequest(f"{said}; there are: {known}.")
    return [one for one in Scope if one in wanted]
