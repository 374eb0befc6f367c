"""What readers and visitors wrote about lessons. For any role, as the pages about subscribers are."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from rugcourse.reports.remarks import remark_page
from rugcourse.web.admin.auth import Analyst, admin_page
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, preferred_language, runtime_of

router = APIRouter()

_A_PAGE = 50


@router.api_route("/admin/remarks", methods=READ)
def remarks_page(
    request: Request, identity: Analyst, lesson: Annotated[str, Query()] = "", before: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """Show remarks, newest first. `lesson`: the id of one lesson, else of all; `before`: older than this remark."""
    runtime = runtime_of(request)
    chosen, language = whole_number(lesson, 9) or None, preferred_language(request)
    found = runtime.database.query(
        remark_page, runtime.course_cache, chosen, whole_number(before) or None, _A_PAGE, language
    )
    return admin_page(request, identity, "remarks", {"found": found, "chosen": chosen})
