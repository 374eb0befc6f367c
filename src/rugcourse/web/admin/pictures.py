"""The library of pictures: upload one, see where each is shown, delete what nobody shows (editors)."""

from __future__ import annotations

from io import BytesIO
from typing import Annotated, NamedTuple

import structlog
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from rugcourse.auth.sessions import AdminIdentity
from rugcourse.i18n import N_, translations
from rugcourse.picture_library import storing, usage
from rugcourse.picture_library.files import PictureNotFound
from rugcourse.picture_library.usage import PictureInUse
from rugcourse.picture_storage.storage import StorageUnavailable
from rugcourse.pictures.errors import EncoderUnavailable, InvalidPicture, PictureProblem
from rugcourse.web.admin.auth import Editor, admin_page
from rugcourse.web.rendering import READ, preferred_language, runtime_of

router = APIRouter()

log = structlog.get_logger()

_A_PAGE = 24
BUSY = N_("Pictures can't be made ready now, as too many are being uploaded at once. Try again in a minute.")
NO_STORAGE = N_(
    "The picture was not kept: the folder or bucket for pictures can't be used now. Try again later. The page "
    "“Delivery” says what is wrong."
)
_LONGEST_NAME = 200


class PictureUpload(NamedTuple):
    """The form of an upload. `answer`: `address` where a script asks."""

    file: UploadFile | None
    answer: str


async def _uploaded(request: Request, _identity: Editor) -> PictureUpload:
    """Return the form, once it is an editor who sends it: FastAPI would read fields before it knows.

    The file is read when its turn to be made ready has come.
    """
    form = await request.form()
    file = form.get("file")
    return PictureUpload(file if isinstance(file, UploadFile) else None, str(form.get("answer", "")))


Uploaded = Annotated[PictureUpload, Depends(_uploaded)]


@router.api_route("/admin/pictures", methods=READ)
def library_page(
    request: Request, identity: Editor, after: Annotated[str, Query()] = "", done: Annotated[str, Query()] = ""
) -> HTMLResponse:
    """Show the pictures, newest first. `after`: the digest of the last one on the page before."""
    return _page(request, identity, after=after, done=done)


@router.post("/admin/pictures")
def upload_picture(request: Request, identity: Editor, sent: Uploaded) -> Response:
    """Keep a picture. `answer` is `address` where a script asks: it gets what a text names it by, or what is wrong."""
    runtime = runtime_of(request)
    file, answer = sent
    try:
        name = (file.filename or "")[-_LONGEST_NAME:] if file else ""
        content = file.file if file else BytesIO()
        ref = storing.upload(runtime.database, runtime.clock, content, name, identity.admin_id)
    except InvalidPicture as error:
        said = problem_in(error.problem, preferred_language(request))
        return _refusal(request, identity, said, 422, answer)
    except EncoderUnavailable as error:
        log.warning("picture_not_made", error=str(error))
        said = translations(preferred_language(request)).gettext(BUSY)
        return _refusal(request, identity, said, 503, answer)
    except StorageUnavailable as error:
        log.warning("picture_storage_unavailable", error=str(error))
        said = translations(preferred_language(request)).gettext(NO_STORAGE)
        return _refusal(request, identity, said, 503, answer)
    if answer == "address":
        return PlainTextResponse(ref.address)
    return RedirectResponse(f"/admin/pictures?done=uploaded#p-{ref.digest}", 303)


@router.post("/admin/pictures/{digest}/delete")
def delete_picture(request: Request, identity: Editor, digest: str) -> Response:
    """Delete a picture that no text shows and no mail showed."""
    runtime = runtime_of(request)
    try:
        usage.delete_picture(runtime.database, runtime.clock.now(), digest, identity.admin_id)
    except PictureInUse:
        return _page(request, identity, done="in-use", status=409)
    except PictureNotFound:
        return RedirectResponse("/admin/pictures?done=gone", 303)
    return RedirectResponse("/admin/pictures?done=deleted", 303)


def _refusal(request: Request, identity: AdminIdentity, said: str, status: int, answer: str) -> Response:
    if answer == "address":
        return PlainTextResponse(said, status)
    return _page(request, identity, wrong=said, status=status)


def problem_in(problem: PictureProblem, language: str) -> str:
    """Say what is wrong with a picture."""
    _ = translations(language).gettext
    return {
        PictureProblem.EMPTY: _("Choose a picture. The file is empty."),
        PictureProblem.TOO_LARGE: _("The picture is larger than 20 MB. Save it smaller, and try again."),
        PictureProblem.TOO_MANY_PIXELS: _(
            "The picture has too many pixels: it may have 50 million, or 5 million if it is a WebP. Save it smaller, "
            "or as JPEG, and try again."
        ),
        PictureProblem.UNKNOWN_TYPE: _("This is no picture that can be used. Save it as JPEG, PNG, WebP or GIF."),
        PictureProblem.DAMAGED: _("The picture is damaged or not complete. Save it again, and try again."),
        PictureProblem.NOT_PREPARED: _("This is no picture that can be used. Save it as JPEG, PNG, WebP or GIF."),
    }[problem]


def _page(
    request: Request, identity: AdminIdentity, *, after: str = "", done: str = "", wrong: str = "", status: int = 200
) -> HTMLResponse:
    found = runtime_of(request).database.query(usage.library_page, _A_PAGE, after or None)
    values = {"found": found, "done": done, "wrong": wrong}
    return admin_page(request, identity, "pictures", values, status)
