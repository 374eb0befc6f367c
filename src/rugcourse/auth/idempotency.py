"""Requests that may be sent again (the header `Idempotency-Key`): the first one counts, and a repeat changes nothing.

The key is kept in the transaction of the change: a request whose answer was lost did both, or neither. Keys are kept
for a day, and belong to a token.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from rugcourse.db.models import IdempotencyKeyRow
from rugcourse.db.queries import api_tokens
from rugcourse.errors import ConflictError, InvalidInput

KEPT = timedelta(days=1)
LONGEST_KEY = 200


class KeyReused(ConflictError):
    """The idempotency key was used for another request before. Use a new one for each request."""


class InvalidKey(InvalidInput):
    """An idempotency key has 1 to 200 visible ASCII characters."""


def once(
    session: Session, now: datetime, token_id: int, key: str, request_hash: str, act: Callable[[Session], object]
) -> bool:
    """Carry out a request, unless it was before; returns whether it was carried out now. An empty key: always do it.

    `request_hash`: a keyed hash of what is asked. Raises KeyReused, InvalidKey, and what `act` raises; then the key is
    free again.
    """
    if not key:
        act(session)
        return True
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidKey
    api_tokens.lock(session, token_id)
    api_tokens.forget_answers(session, now - KEPT)
    before = api_tokens.answer_of(session, token_id, key)
    if before is not None:
        if before.request_hash != request_hash:
            raise KeyReused
        return False
    act(session)
    api_tokens.keep_answer(
        session, IdempotencyKeyRow(token_id=token_id, key=key, request_hash=request_hash, created_at=now)
    )
    return True
