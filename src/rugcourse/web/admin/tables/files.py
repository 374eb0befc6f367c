"""Lists as CSV: exactly what their pages show, by the same functions. Each file is in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from rugcourse.db.models import Role
from rugcourse.i18n import translations
from rugcourse.subscribers import admin_actions
from rugcourse.web.admin.auth import Analyst, require_role
from rugcourse.web.admin.tables import admins, campaigns, people
from rugcourse.web.admin.tables.table import Table, csv_of
from rugcourse.web.rendering import NotFound, preferred_language, runtime_of

router = APIRouter()


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list that can be had as a file. `role`: the least one that may; those with addresses are for editors, as the
    list of subscribers is, or for owners, as their page is.
    """

    page: Callable[[Request, Mapping[str, str]], Table]
    role: Role


LISTS = {
    "campaigns": ListFile(campaigns.campaigns_list, Role.ANALYST),
    "campaigns-compared": ListFile(campaigns.compared, Role.ANALYST),
    "campaign-results": ListFile(campaigns.results_list, Role.ANALYST),
    "campaign-answers": ListFile(campaigns.answers_list, Role.ANALYST),
    "learning-gain": ListFile(campaigns.gain_list, Role.ANALYST),
    "ab-tests": ListFile(campaigns.ab_tests_list, Role.EDITOR),
    "campaign-mails": ListFile(people.campaign_mails, Role.EDITOR),
    "remarks": ListFile(people.remarks_list, Role.EDITOR),
    "suppressions": ListFile(people.suppressions_list, Role.EDITOR),
    "jobs": ListFile(admins.jobs, Role.EDITOR),
    "audit-log": ListFile(admins.audit_log_list, Role.OWNER),
    "team": ListFile(admins.team_list, Role.OWNER),
}
_KEPT = frozenset({"campaign", "lesson", "state", "kind", "archived", "sort"})  # of the fields; other pages follow


async def _fields(request: Request, _identity: Analyst) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str) and name in _KEPT}


@router.post("/admin/lists/{list_name}")
def list_file(
    request: Request, identity: Analyst, list_name: str, fields: Annotated[dict[str, str], Depends(_fields)]
) -> Response:
    """Return a list as a file, and record that in the audit log."""
    if list_name not in LISTS:
        raise NotFound
    one = LISTS[list_name]
    require_role(request, identity, one.role)
    first = one.page(request, fields)
    runtime, language = runtime_of(request), preferred_language(request)
    about = {name: text[:100] for name, text in first.fields.items()}
    runtime.database.run(admin_actions.record_file, runtime.clock.now(), identity.admin_id, list_name, about)
    content = csv_of(
        first,
        lambda after: one.page(request, {**fields, **after}),
        translations(language).gettext,
        language,
        runtime.site.zone,
    )
    headers = {"Content-Disposition": f'attachment; filename="{list_name}.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(content, media_type="text/csv; charset=utf-8", headers=headers)
