"""What is compressed and what must not be (decision 47), and what caches and clients are told about it."""

from __future__ import annotations

import asyncio
import gzip
import re

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Message, Scope
from tests.support.builders import COURSE, lessons_to, ref

from rugcourse.bootstrap import Runtime
from rugcourse.links import TokenPurpose
from rugcourse.web.compression import CompressionMiddleware, accepts_gzip

TEXT = "<p>Een les van drie minuten.</p>" * 100
PUBLIC = [
    "/nl", f"/nl/{COURSE}", f"/nl/{COURSE}/test", f"/nl/{COURSE}/signup", f"/nl/{COURSE}/lessons/stress", f"/nl/{COURSE}/safety-notice",
    "/nl/privacy", "/nl/my-page", "/nl/nowhere", "/sitemap.xml",
]  # fmt: skip


def answered(response: Response, path: str = "/nl", accept_encoding: str = "gzip") -> tuple[dict[str, str], bytes]:
    """The headers and the body that a client gets for a response of the application."""
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [(b"accept-encoding", accept_encoding.encode())],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return await asyncio.Future()  # the client stays

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(CompressionMiddleware(response)(scope, receive, send))
    head, *rest = sent
    assert head["type"] == "http.response.start"
    headers = {name.decode(): value.decode() for name, value in head["headers"]}
    return headers, b"".join(message.get("body", b"") for message in rest)


@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_is_compressed_and_says_the_same(browser: TestClient, path: str) -> None:
    browser.headers["user-agent"] = "curl/8.5"  # whose readings are not counted
    packed, plain = (browser.get(path, headers={"accept-encoding": asked}) for asked in ("br, gzip", "identity"))
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    for answer in (packed, plain):
        assert "Accept-Encoding" in answer.headers["vary"]
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) * 0.6
    signed = re.compile(r'name="shown" value="[^"]+"')  # another one each time
    assert signed.sub("", packed.text) == signed.sub("", plain.text)


@pytest.mark.parametrize("purpose", ["p", "u", "w", "t", "p/data", "p/erase", "p/address"])
def test_a_page_of_one_person_is_never_compressed(
    browser: TestClient, runtime: Runtime, email: str, purpose: str
) -> None:
    letter, _, below = purpose.partition("/")
    kinds = {
        "p": TokenPurpose.PREFERENCES,
        "u": TokenPurpose.UNSUBSCRIBE,
        "w": TokenPurpose.LESSON,
        "t": TokenPurpose.RETEST,
    }
    mail = ref(runtime, lessons_to(runtime, email)[0].id)
    answer = browser.get(f"/{letter}/{runtime.signer.sign_mail(kinds[letter], mail)}/{below}".rstrip("/"))
    assert answer.status_code == 200
    assert len(answer.content) > 1_000
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/admin", "/admin/lessons", "/admin/subscribers?search=sam", "/admin/nowhere"])
def test_an_admin_page_is_never_compressed(editor: TestClient, path: str) -> None:
    answer = editor.get(path, headers={"accept-language": "de"})  # whose words are long
    assert len(answer.content) > 1_000
    assert "content-encoding" not in answer.headers


def test_a_static_file_is_kept_for_ever_in_both_encodings(browser: TestClient) -> None:
    [url] = re.findall(r'href="(/static/\w+/style.css)"', browser.get("/nl").text)
    packed, plain = (browser.get(url, headers={"accept-encoding": asked}) for asked in ("gzip", "identity"))
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    for answer in (packed, plain):
        assert answer.headers["vary"] == "Accept-Encoding"
        assert "immutable" in answer.headers["cache-control"]
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 3


def test_a_head_request_gets_the_headers_of_its_page(browser: TestClient) -> None:
    for path in (f"/nl/{COURSE}", "/sitemap.xml"):
        headers = browser.head(path).headers
        assert headers["content-encoding"] == "gzip"
        assert headers["content-length"] == browser.get(path).headers["content-length"]


def test_the_front_page_depends_on_the_language_of_the_browser(browser: TestClient) -> None:
    assert browser.get("/").headers["vary"] == "Accept-Language"


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "private, no-store"},
        {"ETag": '"1"'},
        {"Content-Range": "bytes 0-9/10"},
        {"Content-Encoding": "br"},
    ],
)
def test_what_is_private_encoded_partial_or_has_a_validator_passes_as_it_is(headers: dict[str, str]) -> None:
    told, body = answered(HTMLResponse(TEXT, headers=headers))
    assert body == TEXT.encode()
    assert "vary" not in told


@pytest.mark.parametrize(
    "response",
    [HTMLResponse("short"), Response(TEXT, media_type="image/png"), Response(TEXT, media_type="application/json")],
)
def test_what_is_short_or_no_text_passes_as_it_is(response: Response) -> None:
    told, body = answered(response)
    assert body == response.body
    assert "content-encoding" not in told


def test_what_comes_in_pieces_passes_as_it_is() -> None:
    told, body = answered(StreamingResponse(iter([TEXT, TEXT]), media_type="text/html"))
    assert body == (TEXT * 2).encode()
    assert "content-encoding" not in told


def test_another_reason_to_vary_is_kept() -> None:
    told, body = answered(HTMLResponse(TEXT, headers={"Vary": "Accept-Language"}))
    assert told["vary"] == "Accept-Language, Accept-Encoding"
    assert gzip.decompress(body) == TEXT.encode()
    assert int(told["content-length"]) == len(body)


def test_a_path_of_admins_passes_as_it_is_whatever_its_headers_say() -> None:
    assert answered(HTMLResponse(TEXT), path="/admin/new")[1] == TEXT.encode()


@pytest.mark.parametrize(
    "asked", ["gzip", "GZIP", "br, gzip", "gzip;q=0.1", "*", "gzip ; q=1.0 ,br", "deflate,gzip;q=1"]
)
def test_clients_that_take_gzip(asked: str) -> None:
    assert accepts_gzip(asked)


@pytest.mark.parametrize(
    "asked", ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "x-gzip", "gzipped", "*;q=0", "gzip;q=x", ",;="]
)
def test_clients_that_do_not(asked: str) -> None:
    assert not accepts_gzip(asked)
    assert answered(HTMLResponse(TEXT), accept_encoding=asked)[1] == TEXT.encode()


@given(st.text(alphabet="gzip*;q=0.1, x", max_size=200))
def test_any_header_has_an_answer(asked: str) -> None:
    assert accepts_gzip(asked) in {True, False}
