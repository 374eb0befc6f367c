"""Owners choose a logo, an icon and photos of authors; pages, mails and e-books show them."""

from __future__ import annotations

import io
import re

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.support.admin_pages import log_in
from tests.support.admins import make_admin
from tests.support.builders import COURSE, course_of, make_reader, send_all
from tests.support.pages import inputs
from tests.support.pictures import picture_file
from tests.support.site_settings import drawing, save
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.delivery.dispatcher import Dispatcher
from rugcourse.ebooks.cache import book_pictures
from rugcourse.ebooks.document import book_of
from rugcourse.ebooks.epub import make_epub
from rugcourse.ebooks.typesetter import make_pdf
from rugcourse.email_preview.sample import parts_of
from rugcourse.picture_library.usage import PictureInUse, delete


@pytest.fixture
def owner(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    make_admin(runtime.database, clock)
    browser.headers["accept-language"] = "en"
    log_in(browser)
    return browser


def test_logo_stands_on_pages_in_mails_and_on_the_book(
    owner: TestClient, browser: TestClient, runtime: Runtime, dispatcher: Dispatcher, sink: Sink
) -> None:
    answer = save(owner, files={"logo": drawing(960, 120), "favicon": drawing(64, 64)}, logo_background="accent")
    assert answer.status_code == 303, answer.text
    page = browser.get(f"/nl/{COURSE}").text
    found = re.search(r'<img class="logo on-background" src="(/pictures/[0-9a-f]{32}-600\.png)" width="240"', page)
    assert found
    assert browser.get(found[1]).headers["content-type"] == "image/png"
    assert re.search(r'<link rel="icon" href="/pictures/[0-9a-f]{32}-64\.png">', page)
    make_reader(runtime, "reader@x.example")
    send_all(dispatcher)
    html, _ = parts_of(sink.to("reader@x.example")[-1].raw)
    assert re.search(rf'<img src="{re.escape(runtime.settings.base_url)}/pictures/[^"]+" width="240" height="30"', html)
    assert f'bgcolor="{runtime.site.tokens.light["accent"]}"' in html
    course = course_of(runtime).course
    book = book_of(course, "nl", runtime.branding, "https://x.example")
    shown = book_pictures(runtime.database, course, runtime.branding)
    assert book["logo"]["file"] in shown
    assert make_pdf(book, shown) != make_pdf(book, {})
    assert book["logo"]["file"].encode() in make_epub(book, runtime.clock.now(), shown)


def test_mail_names_the_sender_where_its_pictures_are_off(owner: TestClient, runtime: Runtime) -> None:
    save(owner, files={"logo": drawing(300, 100)}, practice="Rug & Co", logo_background="dark")
    html = owner.get("/admin/settings/mail").text
    assert re.search(r'alt="Rug &amp; Co"[^>]*color:#ffffff', html)
    assert "background-color:#000000" in html


def test_photo_of_a_portrait_becomes_a_square_with_the_face(
    owner: TestClient, browser: TestClient, runtime: Runtime
) -> None:
    answer = save(owner, "/authors", files={"author.main.photo": drawing(300, 400, "JPEG", "RGB")})
    assert answer.status_code == 303, answer.text
    photo = runtime.branding.author.photo
    assert photo is not None
    assert (photo.width, photo.height) == (300, 300)
    with Image.open(io.BytesIO(browser.get(photo.path(160)).content)) as small:
        assert small.size == (160, 160)
        blue = sum(small.convert("RGB").getpixel((80, row))[2] < 200 for row in range(160))  # type: ignore[index]
    assert blue > 80  # more of the upper half than of the lower
    lesson = browser.get(f"/nl/{COURSE}/lessons/{course_of(runtime).course.lessons[0].slug}").text
    assert photo.path(160) in lesson
    assert f"{runtime.settings.base_url}{photo.path(160)}" in owner.get("/admin/settings/mail").text
    course = course_of(runtime).course
    book = book_of(course, "nl", runtime.branding, "https://x.example")
    assert photo.file_name in book_pictures(runtime.database, course, runtime.branding)
    assert book["photo"]["file"] == photo.file_name


def test_removed_logo_gives_the_name_back(owner: TestClient, browser: TestClient, runtime: Runtime) -> None:
    save(owner, files={"logo": drawing(300, 100)})
    assert runtime.branding.logo is not None
    assert save(owner, logo_remove="yes").status_code == 303
    assert runtime.branding.logo is None
    assert 'class="logo' not in browser.get("/nl").text


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"<svg onload='alert(1)'/>", "This is no picture that can be used."),
        (drawing(300, 100)[:200], "The picture is damaged or not complete."),
        (b"GIF89a" + b"\xff\xff\xff\xff" + b"\0" * 40, "too many pixels"),
    ],
)
def test_what_is_no_picture_is_said_at_its_field_and_the_rest_is_kept(
    owner: TestClient, runtime: Runtime, file: bytes, sentence: str
) -> None:
    answer = save(owner, files={"logo": file}, phone="030")
    assert answer.status_code == 400
    assert sentence in answer.text
    assert 'value="030"' in answer.text
    assert runtime.site.revision == 0


def test_wide_icon_is_refused_and_a_good_upload_stays_in_the_form(owner: TestClient, runtime: Runtime) -> None:
    answer = save(owner, files={"favicon": drawing(300, 100), "logo": drawing(300, 100)})
    assert answer.status_code == 400
    assert "300 by 100 pixels" in answer.text
    form = inputs(answer.text)
    assert form["logo"].endswith("-300x100.png")


@pytest.mark.parametrize("address", ["https://x.example/a.png", "javascript:alert(1)", "pictures/../a.png", "{{ 7 }}"])
def test_address_that_is_no_picture_here_is_refused(owner: TestClient, runtime: Runtime, address: str) -> None:
    assert save(owner, logo=address).status_code == 400
    assert runtime.branding.logo is None


def test_picture_that_is_gone_is_said(owner: TestClient) -> None:
    answer = save(owner, logo=picture_file("load").ref.address)
    assert answer.status_code == 400
    assert "deleted meanwhile" in answer.text


def test_picture_of_the_settings_can_not_be_deleted(owner: TestClient, runtime: Runtime) -> None:
    save(owner, files={"logo": drawing(300, 100)})
    logo = runtime.branding.logo
    assert logo is not None
    with pytest.raises(PictureInUse):
        runtime.database.run(delete, runtime.clock.now(), logo.picture.digest, None)
    page = owner.get("/admin/pictures").text
    assert '<a href="/admin/settings">settings</a>' in page
