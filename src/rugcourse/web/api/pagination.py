"""Lists in pages. A cursor is signed, so that it can only be one that was given out, for the same list."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Generic, TypeVar

from fastapi import Query, Request, Response
from pydantic import BaseModel

from rugcourse.links import BadToken, TokenPurpose
from rugcourse.web.api.problems import ApiError
from rugcourse.web.rendering import runtime_of

MOST = 200


class PagedList(IntEnum):
    """The lists that have pages. A cursor of one is none of another."""

    SUBSCRIBERS = 1
    SUPPRESSIONS = 2


Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=200, description="`next` of the page before. Empty: the first page.")]


class Page(BaseModel, Generic[Item]):
    """A page of a list. `next`: the cursor of the page after it; None on the last one."""

    data: list[Item]
    next: str | None = None


def read_cursor(request: Request, which: PagedList, cursor: str) -> int:
    """Return the id behind which a page begins; 0 for the first. Raises ApiError."""
    if not cursor:
        return 0
    try:
        (of_list, last) = runtime_of(request).signer.read(TokenPurpose.API_CURSOR, cursor, 2)
    except BadToken:
        of_list = last = 0
    if of_list != which:
        raise ApiError(400, "The cursor is none of this list. Begin with the first page again.")
    return last


def page_of(
    request: Request, response: Response, which: PagedList, data: list[Item], last_id: int | None
) -> Page[Item]:
    """Return a page. `last_id`: of its last entry, if there are more. The header `Link` names the next (RFC 8288)."""
    response.headers["Cache-Control"] = "no-store"  # it holds addresses
    if last_id is None:
        return Page(data=data)
    cursor = runtime_of(request).signer.sign(TokenPurpose.API_CURSOR, which, last_id)
    following = request.url.include_query_params(cursor=cursor)
    response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Page(data=data, next=cursor)
