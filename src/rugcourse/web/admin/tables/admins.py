"""Lists about the work of admins: the team, the audit log, imports and bulk actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup
from starlette.requests import Request

from rugcourse.auth import page_data
from rugcourse.auth.page_data import AuditLog, Team
from rugcourse.db.models import AdminRow, JobKind
from rugcourse.i18n import N_, translations
from rugcourse.subscribers import background_jobs
from rugcourse.web.admin.tables.table import Cell, ColumnKind, Table, TableColumn, TableOrder, arranged, order_from
from rugcourse.web.browsers import browser_name
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import phrase_of, preferred_language, runtime_of, words_of

_ENTRIES_A_PAGE = 50
_JOBS_SHOWN = 30
_LABELS = "admin/audit-log-labels"

_AUDIT_LOG = (
    TableColumn("when", N_("When"), ColumnKind.TIME),
    TableColumn("who", N_("Who")),
    TableColumn("what", N_("What")),
    TableColumn("about", N_("About")),
    TableColumn("before", N_("Before")),
    TableColumn("after", N_("After")),
)


_LOGINS = (
    TableColumn("when", N_("When"), ColumnKind.TIME),
    TableColumn("what", N_("What")),
    TableColumn("who", N_("Who")),
    TableColumn("network", N_("Network")),
    TableColumn("browser", N_("Browser")),
)


class AuditLogTable(NamedTuple):
    """A page of the audit log, and on its first page the latest attempts to log in."""

    table: Table
    logins: Table


def audit_log(request: Request, fields: Mapping[str, str]) -> AuditLogTable:
    """Return changes, newest first. `before`: older than this entry."""
    language = preferred_language(request)
    before = whole_number(fields.get("before", ""))
    found = runtime_of(request).database.query(page_data.audit_log, _ENTRIES_A_PAGE, before or None)
    actions, gettext = words_of(language, _LABELS, "action_names"), translations(language).gettext
    rows = [
        (
            Cell(change.at),
            Cell(who or gettext("command line")),
            Cell(actions.get(change.action, change.action)),
            _as_text(phrase_of(language, _LABELS, "subject", change.subject)),
            _as_text(phrase_of(language, _LABELS, "facts", change.before)),
            _as_text(phrase_of(language, _LABELS, "facts", change.after)),
        )
        for change, who in found.entries
    ]
    next_page = {"before": str(found.more)} if found.more else {}
    table = Table("audit-log", N_("Audit log"), _AUDIT_LOG, rows, TableOrder("when", True), after=next_page)
    return AuditLogTable(table, _logins(found, language))


def audit_log_list(request: Request, fields: Mapping[str, str]) -> Table:
    return audit_log(request, fields).table


def _logins(found: AuditLog, language: str) -> Table:
    names, gettext = words_of(language, "admin/security-events", "event_names"), translations(language).gettext
    rows = [
        (
            Cell(event.at),
            Cell(names.get(event.kind, event.kind)),
            Cell(who or gettext("unknown")),
            Cell(event.network),
            Cell(browser_name(event.user_agent) or gettext("unknown browser")),
        )
        for event, who in found.events
    ]
    return Table("login-attempts", N_("Login attempts"), _LOGINS, rows, TableOrder("when", True))


def _as_text(shown: Markup) -> Cell:
    """Return a cell whose value is the text of some HTML, its lines behind each other."""
    return Cell(shown.replace("<br>", "; ").striptags().strip("; "), html=shown)


_TEAM = (
    TableColumn("address", N_("Address"), sorts=True),
    TableColumn("role", N_("Role"), sorts=True),
    TableColumn("second_factor", N_("Two-step verification"), sorts=True),
)


class TeamTable(NamedTuple):
    """The team, in the order of the rows of its list."""

    table: Table
    admins: list[AdminRow]
    found: Team


def team(request: Request, fields: Mapping[str, str]) -> TeamTable:
    """Return all admins."""
    language = preferred_language(request)
    found = runtime_of(request).database.query(page_data.team)
    roles, gettext = words_of(language, "admin/role-names", "role_names"), translations(language).gettext
    by_address = {one.email: one for one in found.admins}
    rows = [
        (
            Cell(one.email, note=_state_of(one, language)),
            Cell(roles[one.role]),
            Cell(gettext("yes") if one.totp_secret or one.id in found.with_passkeys else gettext("no")),
        )
        for one in found.admins
    ]
    order = order_from(fields, _TEAM, TableOrder("id"))
    rows_in_order = arranged(rows, _TEAM, order)
    admins = [by_address[str(row[0].value)] for row in rows_in_order]
    return TeamTable(Table("team", N_("Team"), _TEAM, rows_in_order, order), admins, found)


def team_list(request: Request, fields: Mapping[str, str]) -> Table:
    return team(request, fields).table


def _state_of(one: AdminRow, language: str) -> str:
    gettext = translations(language).gettext
    if one.disabled_at:
        return gettext("disabled")
    return "" if one.password_hash else gettext("has never logged in")


_JOBS = (
    TableColumn("what", N_("What"), sorts=True),
    TableColumn("when", N_("When"), ColumnKind.TIME, sorts=True),
    TableColumn("who", N_("Who"), sorts=True),
    TableColumn("status", N_("Status"), sorts=True),
)


def jobs(request: Request, fields: Mapping[str, str]) -> Table:
    """Return the newest imports and bulk actions, or with `kind` those of one kind."""
    language = preferred_language(request)
    found = runtime_of(request).database.query(background_jobs.newest, _JOBS_SHOWN)
    kinds = words_of(language, "admin/job-names", "job_kinds")
    states = words_of(language, "admin/job-names", "job_states")
    kind = fields.get("kind", "") if fields.get("kind") in {*JobKind} else ""
    rows = [
        (
            Cell(f"{kinds[one.kind]} {one.id}", href=f"/admin/jobs/{one.id}", note=str(one.params.get("file") or "")),
            Cell(one.created_at),
            Cell(found.who.get(one.admin_id) if one.admin_id is not None else None),
            Cell(states[one.state], status=""),
        )
        for one in found.jobs
        if kind in {"", one.kind}
    ]
    order = order_from(fields, _JOBS, TableOrder("when", True))
    filters = {"kind": kind} if kind else {}
    return Table("jobs", N_("Bulk actions so far"), _JOBS, arranged(rows, _JOBS, order), order, filters)
