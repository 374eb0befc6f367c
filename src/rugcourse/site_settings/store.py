"""Reads and saves the settings of a site."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from rugcourse.content.picture_search import pictures_in_document
from rugcourse.db.bulk import upsert
from rugcourse.db.models import AuditAction, SiteSettingsRow
from rugcourse.db.queries import admins, heartbeats, pictures
from rugcourse.errors import InvalidState
from rugcourse.site_settings.model import SiteSettings

log = structlog.get_logger()

_ONLY = 1  # the id of the one row
_CLOSED = "getting_started_closed"


class SettingsChangedMeanwhile(InvalidState):
    """Somebody else saved the settings after this form was opened. Nothing was changed."""


class PictureGone(InvalidState):
    """Pictures that were chosen have been deleted meanwhile. Nothing was changed. `addresses`: theirs."""

    def __init__(self, addresses: Collection[str]) -> None:
        super().__init__(f"{', '.join(addresses)}: no longer here; upload it again")
        self.addresses = addresses


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """The settings with the number of their revision (0: never saved), and who saved them."""

    settings: SiteSettings
    revision: int = 0
    saved_at: datetime | None = None
    saved_by: str | None = None


def load(session: Session) -> StoredSettings:
    """Return the stored settings."""
    row = session.get(SiteSettingsRow, _ONLY, populate_existing=True)
    if row is None:
        return StoredSettings(SiteSettings())
    admin = admins.find(session, row.admin_id) if row.admin_id is not None else None
    return StoredSettings(_read(row.document)[0], row.revision, row.saved_at, admin.email if admin else None)


def _read(document: Mapping[str, object]) -> tuple[SiteSettings, dict[str, object]]:
    """Return what this release can read, and what it can't: another one may have written that, and keeps it."""
    try:
        return SiteSettings.model_validate(document), {}
    except ValidationError as error:
        names = {str(one["loc"][0]) for one in error.errors()}
        log.warning("site_settings_left_out", names=sorted(names))
        readable = {name: value for name, value in document.items() if name not in names}
        return SiteSettings.model_validate(readable), {name: document[name] for name in names if name in document}


def revision(session: Session) -> int:
    """Return the number of the current revision; 0 if nothing was ever saved."""
    return session.scalar(select(SiteSettingsRow.revision)) or 0


def save(session: Session, now: datetime, admin_id: int | None, settings: SiteSettings, seen: int) -> None:
    """Save the settings, with the changes in the audit log. `seen`: the revision that the form showed.

    Raises SettingsChangedMeanwhile and PictureGone.
    """
    row = session.get(SiteSettingsRow, _ONLY, with_for_update=True, populate_existing=True)
    if (row.revision if row else 0) != seen:
        raise SettingsChangedMeanwhile
    before = row.document if row else {}
    after = {**_read(before)[1], **settings.document()}
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    if not changed:
        return
    _require_pictures(session, settings)
    if row is None:
        row = _first_row(session, now)
    row.document, row.revision, row.saved_at, row.admin_id = after, seen + 1, now, admin_id
    admins.record_change(
        session,
        now,
        admin_id,
        AuditAction.SITE_CHANGE_SETTINGS,
        ", ".join(sorted(changed)),
        {name: before.get(name) for name in sorted(changed)},
        {name: after.get(name) for name in sorted(changed)},
    )
    session.flush()


def _first_row(session: Session, now: datetime) -> SiteSettingsRow:
    """Insert the row. Raises SettingsChangedMeanwhile if another transaction does that at the same moment."""
    values = {"id": _ONLY, "revision": 0, "document": {}, "saved_at": now}
    session.execute(upsert(session, SiteSettingsRow).values(**values).on_conflict_do_nothing(index_elements=["id"]))
    row = session.get(SiteSettingsRow, _ONLY, with_for_update=True, populate_existing=True)
    if row is None or row.revision:
        raise SettingsChangedMeanwhile
    return row


def close_getting_started(session: Session) -> None:
    """Show the list of first steps no more."""
    heartbeats.set_value(session, _CLOSED, "yes")


def is_getting_started_closed(session: Session) -> bool:
    return heartbeats.get_value(session, _CLOSED) is not None


def record_test_email(session: Session, now: datetime, admin_id: int, email: str) -> None:
    """Write into the audit log that an admin has sent themselves a test mail."""
    admins.record_change(session, now, admin_id, AuditAction.SITE_SEND_TEST, email)


def _require_pictures(session: Session, settings: SiteSettings) -> None:
    wanted = pictures_in_document(settings.document())
    here = pictures.sizes(session, [ref.digest for ref in wanted])
    if gone := [ref.address for ref in wanted if ref.digest not in here]:
        raise PictureGone(gone)
