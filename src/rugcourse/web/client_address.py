"""Tells the doctor which client address a request is attributed to, and its X-Forwarded-For header."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from rugcourse.links import TokenPurpose
from rugcourse.web.access import Access, access
from rugcourse.web.rendering import NotFound, runtime_of

router = APIRouter()

_VALID_SECONDS = 300.0  # wall-clock seconds


@router.get("/health/client/{token}")
@access(Access.LINK)
def client_address(request: Request, token: str) -> JSONResponse:
    """Return both as JSON. Needs a token that is valid for minutes, as the setup of proxies is not public."""
    runtime = runtime_of(request)
    (at,) = runtime.signer.read(TokenPurpose.CLIENT_ADDRESS, token, 1)
    if abs(runtime.clock.now().timestamp() - at) > runtime.clock.span(_VALID_SECONDS).total_seconds():
        raise NotFound
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    told = {
        "client": request.client.host if request.client else "",
        "forwarded": [part.strip() for part in forwarded.split(",") if part.strip()],
    }
    return JSONResponse(told, headers={"Cache-Control": "no-store"})
