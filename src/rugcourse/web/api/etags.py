"""Entity tags (RFC 9110, 8.8.3): a hash of what is shown, so that a program need not get again what it has."""

from __future__ import annotations

import hashlib

from fastapi import Response
from pydantic import BaseModel


def with_etag(shown: BaseModel, known: str) -> Response:
    """Return an answer with its tag, or 304 without a body if it is among the tags that are `known`."""
    body = shown.model_dump_json().encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    tags = {one.strip().removeprefix("W/") for one in known.split(",")}
    if tag in tags or "*" in tags:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
