"""The sections of the admin pages, and which one a page belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from rugcourse.db.models import Role
from rugcourse.i18n import N_


@dataclass(frozen=True, slots=True)
class Section:
    """A link of the navigation. `label`: a message id; `role`: the least one that sees it; `pages`: what is below it,
    by the first word behind `/admin/`.
    """

    path: str
    label: str
    pages: frozenset[str]
    role: Role = Role.ANALYST


SECTIONS = (
    Section("/admin", N_("Dashboard"), frozenset({"", "getting-started"})),
    Section("/admin/campaigns", N_("Campaigns"), frozenset({"campaigns"})),
    Section(
        "/admin/lessons",
        N_("Courses"),
        frozenset({"lessons", "courses", "new-course", "pictures", "ab-tests", "remarks"}),
    ),
    Section("/admin/subscribers", N_("Subscribers"), frozenset({"subscribers", "bulk-actions", "imports", "jobs"})),
    Section("/admin/deliverability", N_("Delivery"), frozenset({"deliverability", "suppressions"})),
    Section("/admin/settings", N_("Settings"), frozenset({"settings", "api-tokens", "webhooks"}), Role.OWNER),
    Section("/admin/team", N_("Team"), frozenset({"team"}), Role.OWNER),
    Section("/admin/audit-log", N_("Audit log"), frozenset({"audit-log"}), Role.OWNER),
)
ACCOUNT = Section("/admin/account", N_("My account"), frozenset({"account"}))  # in a menu of its own


def current_section(path: str) -> str:
    """Return the path of the section that a page belongs to, empty if to none, such as the login."""
    page = path.removeprefix("/admin").strip("/").partition("/")[0]
    return next((one.path for one in (*SECTIONS, ACCOUNT) if page in one.pages), "")
