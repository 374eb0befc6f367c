"""What readers and visitors wrote about lessons. For any role, as the pages about subscribers are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from rugcourse.db.models import Role
from rugcourse.web.admin.auth import Analyst, admin_page
from rugcourse.web.admin.tables.people import remarks
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ

router = APIRouter()


@router.api_route("/admin/remarks", methods=READ)
def remarks_page(
    request: Request, identity: Analyst, lesson: Annotated[str, Query()] = "", before: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """Show remarks, newest first. `lesson`: the id of one lesson, else of all; `before`: older than this remark."""
    listed = remarks(request, {"lesson": lesson, "before": before})
    values = {
        "table": listed.table,
        "lessons": listed.found.lessons,
        "chosen": whole_number(lesson, 9) or None,
        "may_take": identity.may(Role.EDITOR),
    }
    return admin_page(request, identity, "remarks", values)
