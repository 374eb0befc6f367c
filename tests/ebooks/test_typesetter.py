"""typst runs in a process of its own: whatever happens to it, the process that asked goes on and says what it was."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.support.builders import COURSE, LESSONS, course_of

from rugcourse.bootstrap import Runtime, make_ebooks, make_ebooks_later
from rugcourse.content import load_course
from rugcourse.course_editor.form_fields import fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.linter import check
from rugcourse.db.models import EbookKind
from rugcourse.ebooks import cache, signs, typesetter
from rugcourse.ebooks.document import Book, book_of
from rugcourse.ebooks.typesetter import TypesettingFailed, make_pdf, make_picture, shown_signs
from rugcourse.emails.branding import Author, Branding
from rugcourse.errors import RugcourseError
from rugcourse.web.app import create_app

HOUSE = Branding("Practice", Author("Stijn", {"nl": "Een regel", "en": "A line"}), "Straat 1")


@pytest.fixture(scope="module")
def book() -> Book:
    return book_of(load_course(LESSONS / COURSE), "nl", HOUSE, "https://c.example")


def let_typst_be(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Another program in its place."""
    monkeypatch.setattr(typesetter, "_COMMAND", (sys.executable, "-c", f"import sys, os, time; {code}"))


CRASHES = {
    "killed": ("os.kill(os.getpid(), 9)", "ended with code -9"),
    "an error": ("sys.stdin.read(); raise MemoryError('no room')", "ended with code 1 MemoryError: no room"),
    "nothing said": ("sys.stdin.read()", "could not be run"),
    "nonsense": ("sys.stdin.read(); print('Segmentation fault')", "could not be run"),
    "gone at once": ("sys.exit(3)", "ended with code 3"),
    "hangs": ("time.sleep(60)", "not done after 0.5 seconds"),
    "hangs with output": ("sys.stdout.write('{}'); sys.stdout.flush(); time.sleep(60)", "not done after 0.5 seconds"),
}


@pytest.mark.parametrize(("code", "message"), CRASHES.values(), ids=CRASHES)
def test_a_process_that_does_not_end_well_is_one_clear_error(
    book: Book, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    let_typst_be(monkeypatch, code)
    monkeypatch.setattr(typesetter, "_LONGEST_SECONDS", 0.5 if "0.5" in message else 20.0)
    begun = time.monotonic()
    with pytest.raises(TypesettingFailed, match=message) as caught:
        make_pdf(book)
    assert isinstance(caught.value, RugcourseError)
    assert time.monotonic() - begun < 20


def test_a_process_that_can_not_be_started_is_the_same_error(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetter, "_COMMAND", ("/nowhere/python",))
    with pytest.raises(TypesettingFailed, match="could not be run"):
        make_picture(book)


def test_what_typst_refuses_is_the_same_error(book: Book) -> None:
    with pytest.raises(TypesettingFailed):
        make_picture({"language": "nl"})
    assert make_picture(book).startswith(b"\x89PNG")


def test_this_process_loads_no_typst_and_the_other_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUGCOURSE_SECRET_KEYS", "secret")
    assert not [name for name in typesetter._environment() if name.startswith("RUGCOURSE_")]
    script = (
        "import sys; from rugcourse.ebooks import cache; from rugcourse.ebooks.typesetter import shown_signs;"
        "print(sorted(shown_signs('a🙂→')), 'typst' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    assert run.stdout.strip() == "['a', '→'] False"


def test_a_file_beside_the_product_is_not_taken_for_typst(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "typst.py").write_text("raise SystemExit(7)", encoding="ascii")
    monkeypatch.chdir(tmp_path)
    assert shown_signs("é→") == {"é", "→"}


def test_advice_about_signs_is_left_out_where_typst_can_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signs, "_known", {})
    let_typst_be(monkeypatch, "sys.exit(3)")
    course = load_course(LESSONS / COURSE)
    lesson = course.lessons[0]
    typed = {**fields_of(lesson), "nl.highlight": "Onthoud dit 🙂"}
    assert check(LessonDraft(course, lesson.slug, 1, typed)) == []
    monkeypatch.undo()
    assert [one.kind for one in check(LessonDraft(course, lesson.slug, 1, typed))] == ["left-out"]


def test_pages_are_served_while_a_book_hangs_and_it_is_made_when_typst_is_well_again(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    course_of(runtime)
    client = TestClient(create_app(runtime))
    picture = f"/nl/{COURSE}/share.png"
    began, may_end = tmp_path / "began", tmp_path / "may-end"
    hang = f"import pathlib; pathlib.Path({str(began)!r}).touch()\nwhile not pathlib.Path({str(may_end)!r}).exists(): time.sleep(0.05)"
    with monkeypatch.context() as patched:
        let_typst_be(patched, hang)
        patched.setattr(cache, "_WAIT_SECONDS", 0.2)
        first = threading.Thread(target=client.get, args=(picture,))
        first.start()
        while not began.exists():
            time.sleep(0.05)
        assert client.get(picture).status_code == 404  # another book is still being built
        assert client.get(f"/nl/{COURSE}").status_code == 200
        assert first.is_alive()
        may_end.touch()
        first.join(60)
        make_ebooks(runtime)
    assert client.get(picture).content.startswith(b"\x89PNG")


def test_no_more_than_some_requests_wait_for_books(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_waiting", threading.BoundedSemaphore(1))
    with cache._turn(), pytest.raises(TypesettingFailed, match="too many"), cache._turn():
        pass
    with cache._turn():
        pass


def test_books_come_after_the_first_pages(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rugcourse.bootstrap._EBOOKS_AFTER_SECONDS", 0.3)
    course_of(runtime)
    timer = make_ebooks_later(runtime)
    assert (timer.daemon, set(EbookKind) & kinds_missing(runtime)) == (True, set(EbookKind))
    timer.join(120)
    assert kinds_missing(runtime) == set()


def test_an_error_beside_the_pages_is_logged_and_ends_nothing(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Runtime) -> None:
        raise OSError("no space")

    monkeypatch.setattr("rugcourse.bootstrap._EBOOKS_AFTER_SECONDS", 0.0)
    monkeypatch.setattr("rugcourse.bootstrap.make_ebooks", fail)
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    make_ebooks_later(runtime).join(10)
    assert raised == []
    assert "ebooks_not_made" in "".join(capfd.readouterr())


def kinds_missing(runtime: Runtime) -> set[EbookKind]:
    return {kind for _, _, kind in cache.out_of_date(runtime.database, runtime.links, runtime.branding)}
