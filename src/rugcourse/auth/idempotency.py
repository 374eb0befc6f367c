"""Requests that may be sent again (the header `Idempotency-Key`): the first one counts, and a repeat changes nothing.

The key is kept in the transaction of the change: a request whose answer was lost did both, or neither. Keys are kept
for a day, and belong to a token.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from rugcourse.db.models import IdempotencyKeyRow
from rugcourse.db.queries import api_tokens
from rugcourse.errors import ConflictError, InvalidInput
from rugcourse.links import Signer

KEPT = timedelta(days=1)
LONGEST_KEY = 200


class IdempotentRequest(NamedTuple):
    """A request of a token, with the key that its client chose, or "". `text`: all that is asked, as text."""

    token_id: int
    key: str
    text: str


class KeyReused(ConflictError):
    """The idempotency key was used for another request before. Use a new one for each request."""


class InvalidKey(InvalidInput):
    """An idempotency key has 1 to 200 visible ASCII characters."""


def once(
    session: Session,
    now: datetime,
    signer: Signer,
    request: IdempotentRequest,
    act: Callable[[Session], object],
) -> bool:
    """Carry out a request, unless it was before; returns whether it was carried out now. Without a key: always do it.

    Of key and request only keyed hashes are kept. Raises KeyReused, InvalidKey, and what `act` raises; then the key is
    free again.
    """
    if not request.key:
        act(session)
        return True
    if len(request.key) > LONGEST_KEY or not (request.key.isascii() and request.key.isprintable()):
        raise InvalidKey
    key, asked = signer.digest(request.key), signer.digest(request.text)
    api_tokens.lock(session, request.token_id)
    api_tokens.forget_keys(session, now - KEPT)
    before = api_tokens.find_key(session, request.token_id, key)
    if before is not None:
        if before.request_hash != asked:
            raise KeyReused
        return False
    act(session)
    api_tokens.keep_key(
        session, IdempotencyKeyRow(token_id=request.token_id, key_hash=key, request_hash=asked, created_at=now)
    )
    return True
