"""Tables of admins: accounts, sessions, second factors, security events, the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, BigId, JsonObject, check, one_of
from rugcourse.db.models.values import Role


class AdminRow(Base):
    """An admin. Without a password they have not accepted their invitation yet."""

    __tablename__ = "admin"
    __table_args__ = (one_of("role", Role), check("email", "email = lower(email)"))

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    language: Mapped[str | None] = mapped_column(String(2))  # of their pages; None: that of the site or the browser
    role: Mapped[str] = mapped_column(String(12))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    totp_secret: Mapped[str | None] = mapped_column(String(300))  # encrypted
    totp_step: Mapped[int | None] = mapped_column(BigInteger)  # time step of the last used code: none works twice
    invite_token_hash: Mapped[str | None] = mapped_column(
        String(64)
    )  # SHA-256 of the token that sets the password, once
    invite_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    first_login_at: Mapped[datetime | None]  # starts the period in which a second factor must be set up
    reset_token_hash: Mapped[str | None] = mapped_column(String(64))  # SHA-256 of the token that resets the password
    reset_expires_at: Mapped[datetime | None]


class AdminSessionRow(Base):
    """A session of an admin. `token_hash`: SHA-256 of the cookie, so that a copied table gives no access."""

    __tablename__ = "admin_session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id"), index=True)
    second_factor_due: Mapped[bool]  # the password was right, the second factor is still missing
    code_attempts: Mapped[int] = mapped_column(default=0, server_default="0")  # attempts at the second factor
    user_agent: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class PasskeyRow(Base):
    """A passkey of an admin (WebAuthn). `credential`: its id, base64url; `uses`: the device's signature counter."""

    __tablename__ = "admin_passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id"), index=True)
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCodeRow(Base):
    """A recovery code, which replaces the second factor once and is deleted then. SHA-256 of 80 random bits."""

    __tablename__ = "admin_recovery_code"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    admin_id: Mapped[int] = mapped_column(ForeignKey("admin.id"), index=True)


class SecurityEventRow(Base):
    """A login, a failed login, or a refused action. `network`: the IP address without the part of the device."""

    __tablename__ = "security_event"
    __table_args__ = (
        Index("ix_security_event_admin_id", "admin_id", "id"),
        Index("ix_security_event_at", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))  # None: the account does not exist
    network: Mapped[str] = mapped_column(String(43))
    user_agent: Mapped[str] = mapped_column(String(120))


class ChallengeRow(Base):
    """A challenge for a passkey, deleted when it is answered.

    `bound_to`: SHA-256 of the purpose, the person and the browser session that it was made for.
    """

    __tablename__ = "admin_challenge"

    challenge: Mapped[str] = mapped_column(String(120), primary_key=True)
    bound_to: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]


class AuditLogRow(Base):
    """The audit log: who changed what, with the values before and after. Append-only."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))  # None: on the command line
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(300), index=True)
    before: Mapped[JsonObject | None] = mapped_column(JSON)
    after: Mapped[JsonObject | None] = mapped_column(JSON)
