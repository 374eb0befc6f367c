"""A/B tests of two subjects of a lesson or broadcast: start, results and stop. For editors."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.campaigns import ab_tests
from rugcourse.campaigns.ab_tests import AbTestRunning, NoSubject, SameWording
from rugcourse.web.admin.auth import Editor, admin_page, typed_fields
from rugcourse.web.admin.tables.campaigns import ab_tests_list, lesson_ab_tests
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()

Id = Annotated[int, Path(ge=1, lt=2**31)]
_REFUSALS: dict[type[Exception], str] = {NoSubject: "no-subject", SameWording: "same", AbTestRunning: "runs"}


@router.api_route("/admin/ab-tests/{lesson_id}", methods=READ)
def ab_tests_page(request: Request, identity: Editor, lesson_id: Id) -> HTMLResponse:
    return _page(request, identity, lesson_id, {}, "")


@router.post("/admin/ab-tests/{lesson_id}")
def ab_tests_submit(
    request: Request, identity: Editor, lesson_id: Id, typed: Annotated[dict[str, str], Depends(typed_fields)]
) -> Response:
    """Start or stop a test."""
    runtime = runtime_of(request)
    if typed.get("action") == "stop":
        runtime.database.run(ab_tests.stop, runtime.clock.now(), lesson_id, identity.admin_id)
        return RedirectResponse(f"/admin/ab-tests/{lesson_id}", 303)
    subjects = {
        name.partition(".")[2]: " ".join(text.split()) for name, text in typed.items() if name.startswith("subject.")
    }
    try:
        minimum = whole_number(typed.get("minimum", ""), 6) or ab_tests.DEFAULT_SAMPLE
        runtime.database.run(ab_tests.begin, runtime.clock.now(), lesson_id, subjects, minimum, identity.admin_id)
    except tuple(_REFUSALS) as error:
        return _page(request, identity, lesson_id, typed, _REFUSALS[type(error)])
    return RedirectResponse(f"/admin/ab-tests/{lesson_id}", 303)


def _page(
    request: Request, identity: AdminIdentity, lesson_id: int, typed: dict[str, str], notice: str
) -> HTMLResponse:
    found = lesson_ab_tests(request, lesson_id)
    values = {
        "texts": found.page.texts,
        "tests": found.tables,
        "file": ab_tests_list(request, {"lesson": str(lesson_id)}),
        "running": next((one for one in found.page.held if one.row.decided_at is None), None),
        "typed": typed,
        "least": ab_tests.MIN_SAMPLE,
        "usual": ab_tests.DEFAULT_SAMPLE,
        "days": ab_tests.DAYS_TO_ACT,
        "notice": notice,
    }
    return admin_page(request, identity, "ab-tests", values, 400 if notice else 200)
