"""The frequent requests from mails: opens, clicks and answers.

A GET never changes anything that matters, as mail scanners fetch every link; readers act by pressing a button. These
are plain Starlette routes: at a thousand requests a second, the cost of a framework counts.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from rugcourse.learning.answers import QuestionInMail, QuestionRef, RecordedAnswer, SubmittedAnswer
from rugcourse.learning.recap import RECAP_NUMBER
from rugcourse.links import MailRef, TokenPurpose
from rugcourse.tracking.recorder import TrackingHit
from rugcourse.web.access import Access, access
from rugcourse.web.group_commits import GroupCommits
from rugcourse.web.reader.access import personal_page
from rugcourse.web.rendering import NotFound, runtime_of

# A transparent image of one pixel (GIF89a).
_PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00"
    b"\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
_NOT_KEPT = {"Cache-Control": "no-store"}
_NO_OPTION = -1


@access(Access.LINK)
async def pixel(request: Request) -> Response:
    mail = runtime_of(request).signer.read_mail(TokenPurpose.OPEN, request.path_params["token"])
    await _group_commits(request).fetches.do(_hit(request, mail, None))
    return Response(_PIXEL, media_type="image/gif", headers=_NOT_KEPT)


@access(Access.LINK)
async def click(request: Request) -> Response:
    """Redirect to the target of a link. It is looked up in the lesson that was sent, not taken from the URL."""
    delivery_id, stamp, number = runtime_of(request).signer.read(TokenPurpose.CLICK, request.path_params["token"], 3)
    target = await _group_commits(request).fetches.do(_hit(request, MailRef(delivery_id, stamp), number))
    if target is None:
        raise NotFound
    return RedirectResponse(target, 302, headers=_NOT_KEPT)


@access(Access.LINK)
async def answer(request: Request) -> Response:
    """GET: show the question with the option of the link preselected. POST: save the answer and show the result."""
    token = request.path_params["token"]
    delivery_id, stamp, number, preselected = runtime_of(request).signer.read(TokenPurpose.ANSWER, token, 4)
    asked = QuestionRef(MailRef(delivery_id, stamp), number)
    if request.method != "POST":
        asking = await _group_commits(request).questions.do(asked)
        if asking is None:
            raise NotFound
        return _answer_form(request, asking, token, preselected)
    async with request.form() as form:
        option = _option(form.get("o", ""))
    taken = await _group_commits(request).answers.do(SubmittedAnswer(asked, option))
    if taken is None:
        raise NotFound
    if taken.answered is None:
        return _answer_form(request, taken.asking, token, preselected)
    return _answered_page(request, taken, token)


routes = [
    Route("/o/{token}.gif", pixel, methods=["GET"]),
    Route("/l/{token}", click, methods=["GET"]),
    Route("/a/{token}", answer, methods=["GET", "POST"]),
]


def _group_commits(request: Request) -> GroupCommits:
    groups: GroupCommits = request.app.state.groups
    return groups


def _hit(request: Request, mail: MailRef, link: int | None) -> TrackingHit:
    return TrackingHit(mail, link, request.method, request.headers.get("user-agent", ""))


def _option(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) <= 2 else _NO_OPTION


def _answer_form(request: Request, asking: QuestionInMail, token: str, option: int) -> HTMLResponse:
    values = {"asking": asking, "token": token, "option": option, "recap": asking.number == RECAP_NUMBER}
    return personal_page(request, asking.published, asking.language, "answer", values)


def _answered_page(request: Request, taken: RecordedAnswer, token: str) -> HTMLResponse:
    asking, signer = taken.asking, runtime_of(request).signer
    values = {
        "asking": asking,
        "answered": taken.answered,
        "token": token,
        "lesson_path": f"/w/{signer.sign_mail(TokenPurpose.LESSON, asking.mail.ref)}",
        "own_path": f"/p/{signer.sign_mail(TokenPurpose.PREFERENCES, asking.mail.ref)}",
    }
    return personal_page(request, asking.published, asking.language, "answered", values)
