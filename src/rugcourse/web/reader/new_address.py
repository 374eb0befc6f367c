"""Changes a reader's address: requested on their own page, confirmed by a link that is mailed to the new address."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rugcourse.enrolment import new_address
from rugcourse.enrolment.new_address import AddressNotConfirmable, AddressRequest
from rugcourse.enrolment.preferences import NotAReader
from rugcourse.enrolment.reader import Reader
from rugcourse.enrolment.signup import normalise_email
from rugcourse.links import TokenPurpose
from rugcourse.locales import known_language
from rugcourse.privacy.subscriber_emails import ReaderNotice
from rugcourse.web.access import Access, access
from rugcourse.web.forms import pad_response_time
from rugcourse.web.reader.access import find_reader, rights_page
from rugcourse.web.rendering import READ, NotFound, RateLimited, render, runtime_of

router = APIRouter()


@router.api_route("/p/{token}/address", methods=READ)
@access(Access.LINK)
def address_page(request: Request, token: str) -> Response:
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    if reader.has_left:
        return RedirectResponse(f"/p/{token}", 303)
    return _address_page(request, reader, token)


@router.post("/p/{token}/address")
@access(Access.LINK)
def address_submit(request: Request, token: str, address: Annotated[str, Form(alias="email")] = "") -> Response:
    """Request a change. Response and time are the same whether or not the new address is known."""
    begun = time.monotonic()
    runtime = runtime_of(request)
    reader = find_reader(request, TokenPurpose.PREFERENCES, token)
    if reader.has_left:
        return RedirectResponse(f"/p/{token}", 303)
    if not reader.may_exercise_rights(runtime.clock.now()):
        return _address_page(request, reader, token)
    email = normalise_email(address)
    if email is None:
        return _address_page(request, reader, token, address, notice="wrong")
    if not request.app.state.limits.allows_signup(request.client.host if request.client else None):
        raise RateLimited
    try:
        request_new_address(request, reader.subscriber.id, email)
    except NotAReader:
        return RedirectResponse(f"/p/{token}", 303)
    pad_response_time(begun)
    return _address_page(request, reader, token, email, notice="sent")


@router.api_route("/n/{token}", methods=READ)
@access(Access.LINK)
def new_address_page(request: Request, token: str) -> HTMLResponse:
    runtime = runtime_of(request)
    change_id, secret = runtime.signer.read(TokenPurpose.NEW_ADDRESS, token, 2)
    try:
        change, person = runtime.database.query(new_address.find_change, runtime.clock.now(), change_id, secret)
    except AddressNotConfirmable:
        raise NotFound from None
    return _new_address_page(request, person.language, done=change.confirmed_at is not None)


@router.post("/n/{token}")
@access(Access.LINK)
def new_address_submit(request: Request, token: str) -> HTMLResponse:
    """Confirm a change. The notice to the old address does not name the new one, as others may read it."""
    runtime = runtime_of(request)
    change_id, secret = runtime.signer.read(TokenPurpose.NEW_ADDRESS, token, 2)
    try:
        change = runtime.database.run(new_address.confirm, runtime.clock.now(), runtime.signer, change_id, secret)
    except AddressNotConfirmable:
        raise NotFound from None
    if change.email_before is not None:
        request.app.state.outbox.tell_reader(ReaderNotice.ADDRESS_CHANGED, change.email_before, change.language)
    return _new_address_page(request, change.language, done=True)


def request_new_address(request: Request, subscriber_id: int, email: str) -> bool:
    """Ask a normalised address to confirm. Returns whether it was mailed. Raises NotAReader."""
    if not may_request_address(request, email):
        return False
    runtime = runtime_of(request)
    asked = runtime.database.run(new_address.request_change, runtime.clock.now(), runtime.signer, subscriber_id, email)
    return send_address_request(request, email, asked)


def may_request_address(request: Request, email: str) -> bool:
    """Return whether an address may get another unsolicited mail today."""
    allowed: bool = request.app.state.limits.allows_mail(runtime_of(request).signer.digest(email))
    return allowed


def send_address_request(request: Request, email: str, asked: AddressRequest | None) -> bool:
    """Mail a request to confirm, or a notice that the address is in use. Returns whether it was asked to confirm."""
    if asked is None:
        return False
    outbox, links = request.app.state.outbox, runtime_of(request).links
    if asked.link is None:
        outbox.tell_reader(ReaderNotice.ADDRESS_IN_USE, email, asked.language, links.my_page(asked.language))
        return False
    outbox.tell_reader(ReaderNotice.NEW_ADDRESS, email, asked.language, links.new_address(*asked.link))
    return True


def _address_page(request: Request, reader: Reader, token: str, email: str = "", *, notice: str = "") -> HTMLResponse:
    hours = int(new_address.VALID.total_seconds()) // 3600
    values = {"present": reader.subscriber.email, "email": email, "notice": notice, "hours": hours}
    return rights_page(request, token, "address", values)


def _new_address_page(request: Request, language: str, *, done: bool) -> HTMLResponse:
    """Render the page without personal data, as anybody can have typed the address that got the link."""
    language = known_language(language, runtime_of(request).settings.default_language)
    response = render(request, language, "new-address", {"done": done, "other_language_path": None})
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
