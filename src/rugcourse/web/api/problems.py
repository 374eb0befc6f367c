"""Errors of the API as `application/problem+json` (RFC 9457).

`type` is an address in the documentation, `title` the same for each problem of a type, `detail` what is wrong this time
and how to put it right.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from rugcourse.db.engine import BadValue
from rugcourse.enrolment.signup import NotAnAddress
from rugcourse.errors import ConflictError, InvalidInput, InvalidState, NotFoundError, RugcourseError, UnavailableError

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request can't be read",
    401: "A token is needed",
    403: "The token may not do this",
    404: "There is no such thing",
    405: "Not with this method",
    408: "The request took too long",
    409: "Not as things stand",
    412: "It has changed since",
    413: "The request is too large",
    415: "Send JSON",
    422: "A field can't be used",
    429: "Too many requests",
    500: "An error on our side",
    503: "Try again later",
}
_MOST_FIELDS = 50


class FieldProblem(BaseModel):
    """A field that can't be used. `pointer`: where it is (RFC 6901), such as `/schedule/hour`."""

    pointer: str
    detail: str


class ProblemDetails(BaseModel):
    """What went wrong."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None


class ApiError(RugcourseError):
    """A request that is refused. `status`: of the answer; `headers`: more of them."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.headers = status, dict(headers or {})


class InvalidFields(RugcourseError):
    """Fields of a body can't be used, beyond what its description says."""

    def __init__(self, fields: list[FieldProblem]) -> None:
        super().__init__("Correct the fields that are named and send the request again.")
        self.fields = fields


class ApiRoute(APIRoute):
    """A route whose errors are problems."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[None, None, Response]]:
        handle = super().get_route_handler()

        async def with_problems(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:  # noqa: BLE001 - whatever it is, the answer is JSON, and the log has the error
                return answer_to(error)

        return with_problems


def answer_to(error: Exception) -> Response:  # noqa: PLR0911 - a table
    """Return the answer to an error."""
    match error:
        case ApiError():
            return problem(error.status, error.message, headers=error.headers)
        case InvalidFields():
            return problem(422, error.message, error.fields)
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return problem(error.status_code, TITLES.get(error.status_code, str(error.detail)))
        case NotFoundError():
            return problem(404, "There is nothing at this address, or not for this token.")
        case NotAnAddress():
            return problem(422, "This is no email address.", [FieldProblem(pointer="/email", detail="No address.")])
        case InvalidInput() | BadValue():
            return problem(422, getattr(error, "message", "A value can't be stored."))
        case InvalidState() | ConflictError():
            return problem(409, error.message)
        case UnavailableError():
            return problem(503, "Nothing was changed. Send the request again.", headers={"Retry-After": "30"})
        case _:
            log.error("api_error", error=repr(error)[:500], exc_info=error)
            return problem(500, "The request may have been carried out. The log of the server has the error.")


def problem(
    status: int, detail: str, errors: list[FieldProblem] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a problem as an answer."""
    title = TITLES.get(status, "The request was refused")
    body = ProblemDetails(
        type=f"/api/v1/reference#problem-{status}", title=title, status=status, detail=detail, errors=errors
    )
    return JSONResponse(
        body.model_dump(exclude_none=True), status, {**(headers or {}), "Cache-Control": "no-store"}, MEDIA_TYPE
    )


def _invalid(error: RequestValidationError) -> Response:
    found = [
        FieldProblem(pointer="/" + "/".join(str(part) for part in one["loc"][1:])[:200], detail=str(one["msg"])[:300])
        for one in error.errors()[:_MOST_FIELDS]
    ]
    unreadable = any(one["type"] == "json_invalid" for one in error.errors())
    if unreadable:
        return problem(400, "The body is no JSON. Send an object, with `Content-Type: application/json`.")
    return problem(422, "Correct the fields that are named and send the request again.", found)
