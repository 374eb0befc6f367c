"""The files of pictures, for mails and pages."""

from __future__ import annotations

import re

import structlog
from fastapi import APIRouter, Request, Response

from rugcourse.picture_library.files import PictureNotFound, picture_file
from rugcourse.picture_storage.storage import StorageUnavailable
from rugcourse.pictures.reference import DIGEST, FOLDER, MEDIA_TYPES
from rugcourse.web.access import Access, access
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()

log = structlog.get_logger()

_FILE = re.compile(rf"({DIGEST})-([1-9][0-9]{{0,3}})\.(jpg|png)")
_FOR_EVER = "public, max-age=31536000, immutable"  # its address is its hash
_FOR_NOW = "public, max-age=60"


@router.api_route(f"/{FOLDER}/{{file}}", methods=READ)
@access(Access.PUBLIC)
def picture(request: Request, file: str) -> Response:
    """Return a picture in one of its widths. Who opens it in a window of its own gets a page that may do nothing."""
    found = _FILE.fullmatch(file)
    if found is None:
        raise PictureNotFound
    digest, width, extension = found.groups()
    try:
        content, is_final = picture_file(runtime_of(request).database, digest, int(width), extension)
    except StorageUnavailable as error:
        log.warning("picture_storage_unavailable", error=str(error))
        raise
    headers = {
        "Cache-Control": _FOR_EVER if is_final else _FOR_NOW,
        "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    }
    return Response(content, media_type=MEDIA_TYPES[extension], headers=headers)
