"""Tables of the API: tokens, and the requests that carried an idempotency key."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base


class ApiTokenRow(Base):
    """A token with which a program acts as an admin. `token_hash`: SHA-256 of it, so that a copied table opens nothing.

    `hint`: its first characters, by which people recognise it. `scopes`: separated by spaces. `expires_at`: None for
    one that does not expire.
    """

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(80))
    scopes: Mapped[str] = mapped_column(String(300))
    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]  # to the minute
    revoked_at: Mapped[datetime | None]


class IdempotencyKeyRow(Base):
    """A request with an idempotency key that was carried out, kept for a day. Both are keyed hashes."""

    __tablename__ = "idempotency_key"

    token_id: Mapped[int] = mapped_column(ForeignKey("api_token.id"), primary_key=True, autoincrement=False)
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(index=True)
