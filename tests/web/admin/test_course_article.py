"""A course from an article: uploaded, cut on one screen, made into lessons, and written with the article beside it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from tests.support.admin_pages import form_of, post
from tests.support.articles import docx, heading, paragraph, picture
from tests.support.builders import shipped_pictures
from tests.support.pictures import png
from tests.support.rows import everything

from rugcourse.bootstrap import Runtime
from rugcourse.picture_library.usage import library_page

ARTICLE = """# Sleeping well

Sleep is not a luxury. It repairs the body and sorts the day.

## Why do you sleep?

While you sleep, your brain clears away what it does not need. Muscles recover as well.
**Deep sleep comes mostly in the first hours.** So an early night pays off.

## What keeps you awake?

Bright light tells the brain that it is day. Coffee works for six hours.

- Light in the evening
- Coffee after noon

## What can you do?

Go to bed at the same time each day. Get up when you can't sleep, and read something dull.

## Sources

- Handbook of sleep, 2020
"""
MADE = "/admin/courses/sleeping-well"
CUTS = f"{MADE}/article"


def upload(browser: TestClient, content: bytes = ARTICLE.encode(), name: str = "sleep.md", **fields: str) -> str:
    form = {"form": form_of(browser)["form"], "language": "en", **fields}
    files = {"file": (name, content)} if content else None
    answer = browser.post("/admin/new-course/article", data=form, files=files)
    return answer.headers["location"] if answer.status_code == 303 else unescape(answer.text)


def press(browser: TestClient, action: str, **fields: str) -> str:
    seen = re.search(r'name="seen" value="(\d+)"', browser.get(CUTS).text)
    assert seen
    return post(browser, CUTS, action=action, seen=seen[1], **fields)


def lessons_shown(browser: TestClient) -> list[str]:
    """The first words of each lesson on the screen."""
    return re.findall(r'<h2 id="l\d+">.*?</div>.*?<p>(?:<b>)?([^<]{1,20})', browser.get(CUTS).text, re.DOTALL)


def test_headings_become_lessons_with_their_section_beside_the_editor(editor: TestClient) -> None:
    assert upload(editor) == CUTS
    shown = editor.get(CUTS).text
    assert lessons_shown(editor) == [
        "Why do you sleep?",
        "What keeps you awake",
        "What can you do?",
    ]
    assert "Handbook of sleep" in shown.partition('class="block unused"')[2]
    assert press(editor, "make") == f"{MADE}?done=made"
    page = editor.get(MADE).text
    assert page.count("<li data-lesson=") == 3
    assert "Sleeping well" in page
    slug = re.findall(r'data-lesson="([^"]+)"', page)[0]
    lesson = unescape(editor.get(f"/admin/lessons/sleeping-well/{slug}").text)
    assert "Why do you sleep?" in lesson
    assert "From the article" in lesson
    assert "While you sleep, your brain clears away" in lesson
    part = unescape(editor.get(f"{MADE}/parts/page").text)
    assert "Handbook of sleep, 2020" in part


def test_cuts_are_moved_by_hand_and_what_is_left_out_stays_visible(editor: TestClient) -> None:
    upload(editor)
    blocks = {
        text: number for number, text in re.findall(r'id="b(\d+)">\s*<p>(?:<b>)?([^<]{1,12})', editor.get(CUTS).text)
    }
    press(editor, f"merge:{blocks['What keeps y']}")
    assert lessons_shown(editor) == ["Why do you sleep?", "What can you do?"]
    press(editor, f"start:{blocks['Bright light']}")
    assert lessons_shown(editor)[1] == "Bright light tells t"
    press(editor, f"leave-out:{blocks['Go to bed at']}")
    assert "Go to bed at" in editor.get(CUTS).text.rpartition('class="block unused" id="b11"')[2]
    assert editor.get(CUTS).text.count("Include") == 5
    press(editor, f"use:{blocks['Go to bed at']}")
    assert editor.get(CUTS).text.count("Include") == 4
    press(editor, "propose")
    assert len(lessons_shown(editor)) == 3


def test_a_start_is_moved_to_the_next_or_another_paragraph_of_the_same_or_the_lesson_before(editor: TestClient) -> None:
    upload(editor)
    page = editor.get(CUTS).text
    [start] = re.findall(r'data-cut="(\d+)"[^>]*>\s*<h2 id="l2"', page)
    moves = re.findall(rf'value="(move:{start}:\d+)"', page)
    earlier, later = (int(one.rpartition(":")[2]) for one in moves)
    assert press(editor, f"move:{start}:{earlier}") == f"{CUTS}#b{earlier}"
    assert lessons_shown(editor)[1].startswith("While you sleep")
    press(editor, f"move:{earlier}:{later}")
    assert lessons_shown(editor)[1] == "Bright light tells t"
    assert len(lessons_shown(editor)) == 3
    first = re.findall(r'<h2 id="l1".*?id="b(\d+)"', page, re.DOTALL)[0]
    assert f'data-cut="{first}"' not in page


@pytest.mark.parametrize(
    "action", ["move:2:4", "move:5:1", "move:5:8", "move:5:9999", "move:5:-1", "move:x", "move:5:"]
)
def test_a_start_is_not_moved_over_another_one_or_off_the_article(editor: TestClient, action: str) -> None:
    upload(editor)
    before = lessons_shown(editor)
    press(editor, action)
    assert lessons_shown(editor) == before


def test_an_article_is_cut_also_where_a_lesson_was_written_before(editor: TestClient) -> None:
    upload(editor)
    for title in ("My own lesson", "Can you do"):
        post(editor, f"{MADE}/lessons", title=title)
    assert f'href="{CUTS}"' in editor.get(MADE).text
    assert "The course already has 2 lessons." in editor.get(CUTS).text
    assert press(editor, "make") == f"{MADE}?done=made"
    page = editor.get(MADE).text
    assert re.findall(r'data-lesson="([^"]+)"', page) == [
        "my-own-lesson", "can-you-do", "why-do-you-sleep", "keeps-you-awake", "can-you-do-2",
    ]  # fmt: skip
    assert f'href="{CUTS}"' not in page
    assert "From the article" in editor.get("/admin/lessons/sleeping-well/can-you-do-2").text
    assert "From the article" not in editor.get("/admin/lessons/sleeping-well/can-you-do").text


def test_an_article_with_too_many_lessons_for_its_course_is_not_cut(
    editor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(editor)
    post(editor, f"{MADE}/lessons", title="My own lesson")
    monkeypatch.setattr("rugcourse.course_editor.article_source.MOST_LESSONS", 3)
    assert press(editor, "make") == f"{MADE}?done=too-many"
    assert editor.get(MADE).text.count("<li data-lesson=") == 1
    assert len(lessons_shown(editor)) == 3


def test_lessons_of_an_own_text_begin_with_it_and_others_with_nothing(editor: TestClient, runtime: Runtime) -> None:
    upload(editor)
    press(editor, "make")
    slug = re.findall(r'data-lesson="([^"]+)"', editor.get(MADE).text)[0]
    own = unescape(editor.get(f"/admin/lessons/sleeping-well/{slug}").text)
    body = own.partition('name="en.body"')[2].partition(">")[2].partition("</textarea>")[0]
    assert "your brain clears away" in body
    assert upload(editor, title="In other words", rewrite="yes") == "/admin/courses/in-other-words/article"
    seen = re.search(r'name="seen" value="(\d+)"', editor.get("/admin/courses/in-other-words/article").text)
    assert seen
    post(editor, "/admin/courses/in-other-words/article", action="make", seen=seen[1])
    where = f"/admin/lessons/in-other-words/{slug}"
    page = unescape(editor.get(where).text)
    assert page.partition('name="en.body"')[2].partition(">")[2].startswith("</textarea>")
    saved = re.search(r'name="saved" value="(\d+)"', page)
    assert saved
    copied = {"en.body": "While you sleep, your brain clears away what it does not need.", "saved": saved[1]}
    post(editor, where, **copied, action="save")
    assert "is copied word for word" in unescape(editor.get(where).text)
    assert "is copied word for word" in unescape(editor.get("/admin/courses/in-other-words").text)


def test_facts_are_ticked_off(editor: TestClient) -> None:
    upload(editor)
    press(editor, "make")
    slug = re.findall(r'data-lesson="([^"]+)"', editor.get(MADE).text)[0]
    where = f"/admin/lessons/sleeping-well/{slug}"
    assert post(editor, f"{CUTS}/{slug}", fact=["0", "2", "999", "-1", "x"]) == f"{where}#facts"
    page = editor.get(where).text
    assert re.findall(r'name="fact" value="(\d+)" checked', page) == ["0", "2"]
    assert "2 of " in page


def test_lessons_are_made_once(editor: TestClient) -> None:
    upload(editor)
    seen = re.search(r'name="seen" value="(\d+)"', editor.get(CUTS).text)
    assert seen
    assert press(editor, "make").endswith("done=made")
    before = editor.get(MADE).text.count("<li data-lesson=")
    assert post(editor, CUTS, action="make", seen=seen[1]).endswith("done=has-lessons")
    assert editor.get(MADE).text.count("<li data-lesson=") == before
    assert editor.get(CUTS).headers["location"] == MADE


def test_two_who_cut_at_once_are_told_of_each_other(editor: TestClient) -> None:
    upload(editor)
    seen = re.search(r'name="seen" value="(\d+)"', editor.get(CUTS).text)
    assert seen
    starts = re.findall(r'value="(start:\d+)"', editor.get(CUTS).text)
    post(editor, CUTS, action=starts[0], seen=seen[1])
    assert "someone else divided the article" in post(editor, CUTS, action=starts[1], seen=seen[1])


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"One", "a.txt", "only a word"),
        (b"%PDF-1.7 \n", "a.pdf", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 100, "a.doc", ".docx"),
        (b"PK\x03\x04 no zip", "a.docx", "damaged"),
        (ARTICLE.encode(), "a.exe", "Files of this kind"),
    ],
)
def test_what_cannot_be_read_is_refused_with_words_and_nothing_is_made(
    editor: TestClient, runtime: Runtime, content: bytes, name: str, said: str
) -> None:
    before = everything(runtime)
    answer = upload(editor, content, name)
    assert 'role="alert"' in answer
    assert said in answer.partition('role="alert"')[2].partition("</p>")[0]
    assert everything(runtime) == before


def test_a_pasted_text_is_as_good_as_a_file(editor: TestClient) -> None:
    assert upload(editor, b"", text=ARTICLE.replace("# ", "").replace("## ", "")).endswith("/article")


@pytest.mark.parametrize("action", ["start:99999", "merge:0", "use:-3", "level", "leave-out:x", "nonsense", "start:"])
def test_cuts_that_do_not_fit_change_nothing_or_are_refused(editor: TestClient, action: str) -> None:
    upload(editor)
    press(editor, action)
    assert editor.get(CUTS).status_code == 200


def test_what_is_pasted_from_word_becomes_markdown(editor: TestClient) -> None:
    html = "<p class=MsoNormal><b>Rest</b> is <a href='https://x.example/'>good</a><script>alert(1)</script></p><ul><li>One<li>Two</ul>"
    answer = editor.post("/admin/paste", data={**form_of(editor), "html": html})
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == "**Rest** is [good](https://x.example/)\n\n- One\n- Two"
    assert editor.post("/admin/paste", data={**form_of(editor), "html": "<p>" + "x" * 1_010_000}).status_code == 422
    assert editor.post("/admin/paste", data={"html": html}).status_code == 403


@pytest.mark.parametrize(("whose", "kept"), [("", ["photo"]), ("yes", [])])
def test_the_pictures_of_ones_own_article_go_into_the_library(
    editor: TestClient, runtime: Runtime, whose: str, kept: list[str]
) -> None:
    body = [heading("Sleeping well"), *(paragraph("Sleep repairs the body. " * 30) for _ in range(3))]
    media = {"word/media/photo.png": png(400, 300), "word/media/drawing.svg": b"<svg/>"}
    assert upload(editor, docx(*body, extra=media), "sleep.docx", rewrite=whose).endswith("/article")
    found = runtime.database.query(library_page, 100)
    shipped = {one.ref.name for one in shipped_pictures()}
    assert [one.ref.name for one in found.entries if one.ref.name not in shipped] == kept


def test_a_picture_of_the_article_is_in_the_lesson_of_its_section(editor: TestClient) -> None:
    body = [
        paragraph("Sleep", style="Titel"),
        *(one for name in ("Light", "Noise", "Heat") for one in (heading(name), paragraph("Sleep repairs. " * 60))),
        paragraph(picture("rId7", "A fan beside a bed")),
    ]
    file = docx(*body, extra={"word/media/fan.png": png(400, 300)}, images={"rId7": "media/fan.png"})
    page = upload(editor, file, "sleep.docx")
    shown = editor.get(page).text
    assert 'alt="A fan beside a bed" src="/pictures/' in shown
    assert "Not imported" not in shown
    seen = re.search(r'name="seen" value="(\d+)"', shown)
    assert seen is not None
    made = editor.post(page, data={**form_of(editor), "action": "make", "seen": seen[1]}, follow_redirects=False)
    assert made.headers["location"].endswith("?done=made")
    slug = page.split("/")[3]
    assert "![A fan beside a bed](pictures/fan-" in editor.get(f"/admin/lessons/{slug}/heat").text
    assert "![" not in editor.get(f"/admin/lessons/{slug}/noise").text
