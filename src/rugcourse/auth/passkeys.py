"""Passkeys (WebAuthn): registration, login, and use as a second factor.

A passkey replaces password and second factor: the device verifies its user, and the key works on this site only. A
challenge can be answered once, within five minutes. It is bound to its purpose, admin and browser session.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from rugcourse.auth import security_events
from rugcourse.auth.security_events import Origin, SecurityEventKind
from rugcourse.auth.sessions import AdminIdentity, IssuedSession, LoginFailed, open_session
from rugcourse.clock import Clock
from rugcourse.db.engine import Database
from rugcourse.db.models import AuditAction, PasskeyRow
from rugcourse.db.queries import admins
from rugcourse.errors import InvalidInput

_CHALLENGE_SECONDS = 300.0  # wall-clock seconds
_NAME = re.compile(r"[A-Za-z0-9_-]{1,1400}={0,2}")  # base64url
_MAX_RESPONSE = 20_000  # characters


class BadPasskey(InvalidInput):
    """The device's response can't be used: it is late, for another site, or its passkey is already registered."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The relying party. `id`: the host; `origin`: scheme, host and port, as browsers report it."""

    id: str
    origin: str
    name: str


def relying_party_of(base_url: str, name: str) -> RelyingParty | None:
    """Return the relying party of a base URL, or None where browsers allow no passkeys.

    They need a host name, and HTTPS except on localhost.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if _is_number(host) or not (parts.scheme == "https" or host == "localhost"):
        return None
    return RelyingParty(host, f"{parts.scheme}://{parts.netloc}", name)


def begin_registration(database: Database, clock: Clock, site: RelyingParty, identity: AdminIdentity) -> str:
    """Return the options to create a passkey, as JSON for the browser. The caller must have verified the password."""
    import webauthn  # noqa: PLC0415 - 12 MB with its cryptography, and most processes never see a passkey
    from webauthn.helpers.structs import (  # noqa: PLC0415
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    with database.write() as session:
        known = admins.passkeys_of(session, identity.admin_id)
        options = webauthn.generate_registration_options(
            rp_id=site.id,
            rp_name=site.name,
            user_name=identity.email,
            user_id=str(identity.admin_id).encode(),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=_from_base64url(one.credential_id)) for one in known],
        )
        _remember(session, clock, options.challenge, _registration_of(identity))
    return webauthn.options_to_json(options)


def finish_registration(
    database: Database, clock: Clock, site: RelyingParty, identity: AdminIdentity, answer: str, name: str
) -> None:
    """Store a new passkey, and end all other sessions. `answer`: the device's response as JSON. Raises BadPasskey."""
    import webauthn  # noqa: PLC0415 - see begin_registration

    try:
        challenge = _use_challenge(database, clock, _read(answer), _registration_of(identity))
        found = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - the input is untrusted, and the package's parsers raise anything
        raise BadPasskey from None
    credential = _to_base64url(found.credential_id)
    with database.write() as session:
        if admins.passkey(session, credential) is not None:
            raise BadPasskey
        row = PasskeyRow(admin_id=identity.admin_id, credential_id=credential, public_key=found.credential_public_key)
        row.sign_count, row.name, row.created_at = found.sign_count, name.strip()[:60], clock.now()
        session.add(row)
        admins.end_sessions(session, identity.admin_id, but=identity.session_id)
        admins.record_change(session, clock.now(), identity.admin_id, AuditAction.ADMIN_ADD_PASSKEY, identity.email)


def begin_login(database: Database, clock: Clock, site: RelyingParty, browser_token: str) -> str:
    """Return the options to log in by passkey, as JSON for the browser; they are the same for every visitor.

    `browser_token`: a random value that only this browser keeps until it responds.
    """
    return _begin_login(database, clock, site, _login_of(browser_token))


def finish_login(
    database: Database, clock: Clock, site: RelyingParty, answer: str, browser_token: str, origin: Origin
) -> IssuedSession:
    """Start a session for the owner of a passkey; no code is required. Raises LoginFailed."""
    return _finish_login(database, clock, site, answer, _login_of(browser_token), origin)


def begin_second_factor(database: Database, clock: Clock, site: RelyingParty, identity: AdminIdentity) -> str:
    """Return the options to use a passkey as second factor after the password, as JSON for the browser."""
    return _begin_login(database, clock, site, _second_factor_of(identity))


def finish_second_factor(
    database: Database, clock: Clock, site: RelyingParty, identity: AdminIdentity, answer: str, origin: Origin
) -> IssuedSession:
    """Replace the session that has only the password by a full one. Raises LoginFailed."""
    return _finish_login(database, clock, site, answer, _second_factor_of(identity), origin, identity)


def _begin_login(database: Database, clock: Clock, site: RelyingParty, bound_to: str) -> str:
    import webauthn  # noqa: PLC0415 - see begin_registration
    from webauthn.helpers.structs import UserVerificationRequirement  # noqa: PLC0415

    options = webauthn.generate_authentication_options(
        rp_id=site.id, user_verification=UserVerificationRequirement.REQUIRED
    )
    with database.write() as session:
        _remember(session, clock, options.challenge, bound_to)
    return webauthn.options_to_json(options)


def _finish_login(
    database: Database,
    clock: Clock,
    site: RelyingParty,
    answer: str,
    bound_to: str,
    origin: Origin,
    first_factor: AdminIdentity | None = None,
) -> IssuedSession:
    """Verify a response. `first_factor`: the session that has only the password, if it is to be replaced."""
    import webauthn  # noqa: PLC0415 - see begin_registration

    read = _read(answer)
    challenge = _use_challenge(database, clock, read, bound_to)
    with database.write() as session:
        name = str(read.get("id"))
        row = admins.passkey(session, name, lock=True) if _NAME.fullmatch(name) else None
        admin = admins.find(session, row.admin_id) if row else None
        if row is None or admin is None or admin.disabled_at is not None:
            raise LoginFailed
        if first_factor is not None and first_factor.admin_id != admin.id:
            raise LoginFailed
        try:
            found = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=site.id,
                expected_origin=site.origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except Exception:  # noqa: BLE001 - see above
            raise LoginFailed from None
        row.sign_count, row.used_at = found.new_sign_count, clock.now()
        if first_factor is not None:
            admins.end_session(session, admin.id, first_factor.session_id)
        security_events.record(session, clock.now(), SecurityEventKind.LOGIN_BY_PASSKEY, origin, admin_id=admin.id)
        return open_session(session, clock.now(), admin.id, origin.browser, second_factor_due=False)


def remove(database: Database, clock: Clock, identity: AdminIdentity, passkey_id: int) -> None:
    """Remove one of an admin's passkeys, and end all sessions but this one, as they may have been opened with it."""
    with database.write() as session:
        if admins.remove_passkey(session, identity.admin_id, passkey_id):
            admins.end_sessions(session, identity.admin_id, but=identity.session_id)
            admins.record_change(
                session, clock.now(), identity.admin_id, AuditAction.ADMIN_REMOVE_PASSKEY, identity.email
            )


def _registration_of(identity: AdminIdentity) -> str:
    return _bound_to("registration", str(identity.admin_id), str(identity.session_id))


def _second_factor_of(identity: AdminIdentity) -> str:
    return _bound_to("second factor", str(identity.admin_id), str(identity.session_id))


def _login_of(browser_token: str) -> str:
    return _bound_to("login", browser_token)


def _bound_to(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _remember(session: Session, clock: Clock, challenge: bytes, bound_to: str) -> None:
    now = clock.now()
    admins.add_challenge(session, _to_base64url(challenge), bound_to, now + clock.span(_CHALLENGE_SECONDS), now)


def _read(answer: str) -> dict[str, object]:
    """Parse a device's response. Raises LoginFailed."""
    try:
        found = json.loads(answer) if len(answer) <= _MAX_RESPONSE else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise LoginFailed
    return found


def _use_challenge(database: Database, clock: Clock, answer: dict[str, Any], bound_to: str) -> bytes:
    """Return the challenge of a response, which must be bound to `bound_to`, and mark it as used whatever the outcome.

    Raises LoginFailed.
    """
    try:
        said = json.loads(_from_base64url(answer["response"]["clientDataJSON"]))
        challenge = str(said["challenge"])
        raw = _from_base64url(challenge)
        challenge = _to_base64url(raw)  # only base64 characters reach the database
    except (KeyError, TypeError, ValueError, RecursionError):
        raise LoginFailed from None
    with database.write() as session:
        if not admins.use_challenge(session, challenge, bound_to, clock.now()):
            raise LoginFailed
    return raw


def _from_base64url(text: str) -> bytes:
    """Decode base64url with or without its padding. Raises ValueError."""
    return base64.urlsafe_b64decode(f"{text}===")  # more padding than needed is ignored


def _to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
