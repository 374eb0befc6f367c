"""The library of pictures: editors upload, see where each is shown, and delete what nobody shows."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import LESSON, form_of, log_in, post, typed
from tests.support.admins import make_admin
from tests.support.pictures import picture_file, png

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import Role
from rugcourse.picture_library import storing
from rugcourse.picture_library.storing import store_files
from rugcourse.picture_storage.folder import FolderStorage
from rugcourse.pictures.errors import EncoderUnavailable
from rugcourse.pictures.reference import parse_reference

PICTURE = picture_file("load", 1000, 20)
DRAWN = png(1200, 675, (20, 120, 90))


def test_an_editor_uploads_a_picture_and_puts_it_into_a_lesson(editor: TestClient, runtime: Runtime) -> None:
    answer = editor.post("/admin/pictures", data=form_of(editor), files={"file": ("Load.png", DRAWN, "text/html")})
    assert answer.status_code == 303
    page = editor.get(answer.headers["location"]).text
    (line,) = re.findall(r'value="!\[\]\((pictures/load-[^)]*)\)"', page)
    assert "No text shows it." in page
    ref = parse_reference(line)
    assert ref is not None
    assert editor.get(ref.path(600)).headers["content-type"] == "image/png"
    where = post(editor, LESSON, **typed(runtime, nl__body=f"Kijk\n\n![Een rug]({line})"), action="publish")
    assert post(editor, where, under_way="new").endswith("?done=published")
    assert (
        f'src="{ref.path(ref.at_least(800))}"'
        in editor.get(LESSON.replace("/admin/lessons", "/nl").replace("rugpijn/", "rugpijn/lessons/")).text
    )
    assert f'<a href="{LESSON}">' in editor.get("/admin/pictures").text


def test_a_script_gets_the_address_or_what_is_wrong(editor: TestClient) -> None:
    form = {**form_of(editor), "answer": "address"}
    good = editor.post("/admin/pictures", data=form, files={"file": ("Load.png", DRAWN)})
    assert good.headers["content-type"].startswith("text/plain")
    assert parse_reference(good.text)
    twice = editor.post("/admin/pictures", data=form, files={"file": ("Load.png", DRAWN)})
    assert twice.text == good.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"<script>alert(1)</script>", "This is no picture that can be used."),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This is no picture that can be used."),
        (png(9000, 9000)[:200], "too many pixels"),
        (bytes(21_000_000), "larger than 20 MB"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_to_do(editor: TestClient, content: bytes, said: str) -> None:
    page = editor.post("/admin/pictures", data=form_of(editor), files={"file": ("a.png", content)})
    assert page.status_code == 422
    assert said in page.text
    form = {**form_of(editor), "answer": "address"}
    short = editor.post("/admin/pictures", data=form, files={"file": ("a.png", content)})
    assert (short.status_code, short.headers["content-type"]) == (422, "text/plain; charset=utf-8")
    assert said in short.text


def test_without_a_file_it_asks_for_one(editor: TestClient) -> None:
    assert "Choose a picture." in editor.post("/admin/pictures", data=form_of(editor)).text


def test_a_far_too_large_upload_is_not_read_to_its_end(editor: TestClient) -> None:
    form = form_of(editor)
    assert editor.post("/admin/pictures", data=form, files={"file": ("a.png", bytes(26_000_000))}).status_code == 413


def test_who_comes_when_too_many_upload_is_told_to_come_back(
    editor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> object:
        raise EncoderUnavailable("busy")

    monkeypatch.setattr(storing, "upload", busy)
    page = editor.post("/admin/pictures", data=form_of(editor), files={"file": ("a.png", DRAWN)})
    assert page.status_code == 503
    assert "too many are being uploaded" in page.text


def test_an_upload_without_its_folder_says_where_to_look(editor: TestClient, runtime: Runtime, tmp_path: Path) -> None:
    runtime.database.picture_storage = FolderStorage(tmp_path / "unplugged")
    page = editor.post("/admin/pictures", data=form_of(editor), files={"file": ("a.png", DRAWN)})
    assert page.status_code == 503
    assert "The picture was not kept: the folder or bucket for pictures can&#39;t be used now" in page.text
    form = {**form_of(editor), "answer": "address"}
    short = editor.post("/admin/pictures", data=form, files={"file": ("a.png", DRAWN)})
    assert (short.status_code, short.headers["content-type"]) == (503, "text/plain; charset=utf-8")


def test_a_deleted_picture_leaves_no_file_in_its_folder(editor: TestClient, runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    runtime.database.picture_storage = FolderStorage(tmp_path / "kept")
    editor.post("/admin/pictures", data=form_of(editor), files={"file": ("a.png", DRAWN)})
    digest = min(file.name for file in (tmp_path / "kept").iterdir()).partition("-")[0]
    assert editor.post(f"/admin/pictures/{digest}/delete", data=form_of(editor)).headers["location"].endswith("deleted")
    assert list((tmp_path / "kept").iterdir()) == []


def test_an_analyst_neither_uploads_nor_deletes(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    make_admin(runtime.database, clock, "looks@x.example", Role.ANALYST)
    log_in(browser, "looks@x.example")
    runtime.database.run(store_files, clock.now(), [PICTURE])
    form = form_of(browser)
    assert browser.post("/admin/pictures", data=form, files={"file": ("a.png", DRAWN)}).status_code == 404
    assert browser.post(f"/admin/pictures/{PICTURE.ref.digest}/delete", data=form).status_code == 404
    assert browser.get(PICTURE.ref.path(1000)).status_code == 200


def test_an_unused_picture_is_deleted_and_a_used_one_is_not(editor: TestClient, runtime: Runtime) -> None:
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE])
    delete = f"/admin/pictures/{PICTURE.ref.digest}/delete"
    where = post(
        editor, LESSON, **typed(runtime, nl__body=f"Kijk\n\n![Een rug]({PICTURE.ref.address})"), action="publish"
    )
    assert "(draft)" in editor.get("/admin/pictures").text
    refused = editor.post(delete, data=form_of(editor))
    assert refused.status_code == 409
    assert "Not deleted: a text shows this picture" in refused.text
    assert editor.post(f"{where.rsplit('/', 1)[0]}/discard", data={**form_of(editor), "saved": "1"}).status_code == 303
    assert "(discarded draft)" in editor.get("/admin/pictures").text


def test_nobody_shows_it_so_it_goes(editor: TestClient, runtime: Runtime) -> None:
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE])
    delete = f"/admin/pictures/{PICTURE.ref.digest}/delete"
    assert editor.post(delete, data=form_of(editor)).headers["location"] == "/admin/pictures?done=deleted"
    assert editor.post(delete, data=form_of(editor)).headers["location"] == "/admin/pictures?done=gone"
    assert editor.get(PICTURE.ref.path(1000)).status_code == 404
    assert "The picture is deleted." in editor.get("/admin/pictures?done=deleted").text


def test_the_editor_says_what_is_wrong_with_a_picture_in_a_lesson(editor: TestClient, runtime: Runtime) -> None:
    form = form_of(editor)

    def said(body: str) -> str:
        return unescape(editor.post(f"{LESSON}/checks", data={**typed(runtime, nl__body=body), **form}).text)

    address = PICTURE.ref.address
    assert "there is no such picture: load" in said(f"![Een rug]({address})")
    assert "there is no such picture: ![Een rug](pictures/load.png)" in said("![Een rug](pictures/load.png)")
    runtime.database.run(store_files, runtime.clock.now(), [PICTURE])
    assert "there is no such picture" not in said(f"![Een rug]({address})")
    assert "write between the square brackets what the picture shows" in said(f"![]({address})")
    assert "a picture stands alone" in said(f"Kijk ![Een rug]({address}) eens")
    assert "Write it below the picture" in said(f'![Een rug]({address} "Een titel")')


def test_the_preview_of_a_mail_may_show_our_pictures_and_no_others(editor: TestClient, runtime: Runtime) -> None:
    form = {**typed(runtime), **form_of(editor), "shown": "nl"}
    policy = editor.post(f"{LESSON}/preview", data=form).headers["content-security-policy"]
    assert f"img-src data: {runtime.settings.base_url}/pictures/;" in policy
    assert "sandbox" in policy
