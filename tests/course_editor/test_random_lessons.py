"""Whatever an author writes: either the checks say no, or it works everywhere that readers meet it."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.support.builders import COURSE, LESSONS, course_of
from tests.support.pages import CHROME

from rugcourse.bootstrap import Runtime
from rugcourse.content import AuthoringErrors, Course, load_course
from rugcourse.content.model import without_invisible
from rugcourse.content.writer import file_names, to_file
from rugcourse.course_editor.file_sync import import_course
from rugcourse.course_editor.form_fields import clean, fields_of
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.course_editor.linter import check
from rugcourse.course_editor.merge import numbered
from rugcourse.db.models import EbookKind
from rugcourse.db.queries import courses
from rugcourse.ebooks import cache
from rugcourse.email_preview.sample import parts_of
from rugcourse.web.app import create_app

SLUG = "proef"

signs = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from(
        "🙂✅👍🏽你好שלוםمرحباกΩжé→½\u0301\u0308\u200b\u200d\ufe0f\u20e3\u202e\u00ad\u2028\ufffe{}[]()<>#*_`|&\\!~-+=:"
    ),
    st.characters(min_codepoint=32, max_codepoint=126),
)
anything = st.text(signs, max_size=25)
lines = st.one_of(*[anything.map(lambda text: f"Een {without_invisible(text)}".split("\n")[0])] * 4, anything)
markdown = st.lists(
    st.one_of(
        lines,
        st.sampled_from(
            [
                *("", "", "# Kop", "##", "- een", "  - twee", "    - drie", "3. drie", "1) een", "> zei ze", "---", "***"),
                *("```", "    code", "\tcode", "| a | b |", "|---|---|", "<b>vet</b>", "<!-- x -->", "&lt;&#0;&nbsp;"),
                *("[woord](https://x.example/a?b=c&d)", "<https://x.example>", "[x]: https://x.example", "[x][x]"),
                *("![a](https://x.example/a.png)", "{{ first_name }}", "{{ practice }}", "{{ naam }}", "{% x %}"),
                *("{{ safety_notice }}", "- {{ first_name }}", "**{{ practice }}**", "[x]({{ practice }})", "a  \nb\\"),
                *("👨‍👩‍👧 1️⃣", "# 🙂", "- ✅", "[🙂](https://x.example)", "***vet** en*", "* * *", "- - - a", "====="),
            ]
        ),
    ),
    min_size=1,
    max_size=12,
).map("\n".join)  # fmt: skip
written = st.fixed_dictionaries(
    {},
    optional={
        **{f"nl.{name}": lines for name in ("title", "subject", "preheader", "highlight", "today")},
        "nl.body": markdown,
        "nl.quiz.0.question": lines,
        "nl.quiz.0.options.0.text": lines,
        "nl.quiz.0.options.1.why": lines,
        "nl.further.0.title": lines,
        "nl.further.0.link": st.one_of(lines, st.just("https://x.example/"), lines.map("https://x.example/{}".format)),
    },
)
quick = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def course(runtime: Runtime) -> Course:
    """A course of one lesson: a book of it is made in no time."""
    shipped = course_of(runtime).course
    bare = {code: text.model_copy(update={"tiles": (), "sample": None}) for code, text in shipped.texts.items()}
    return shipped.model_copy(update={"slug": SLUG, "texts": bare, "lessons": numbered(shipped.lessons[:1])})


@quick
@given(written)
def test_lesson_that_passes_the_form_checks_renders_everywhere(
    runtime: Runtime, course: Course, tmp_path: Path, written: dict[str, str]
) -> None:
    lesson = course.lessons[0]
    lesson_draft = LessonDraft(course, lesson.slug, 1, clean({**fields_of(lesson), **written}, course.languages))
    if any(one.is_error for one in check(lesson_draft)):
        event("refused")
        return
    event("published")
    new = lesson_draft.course_with(lesson_draft.lesson())
    works_everywhere(runtime, new)
    assert load_course(write(new, tmp_path)) == new


@quick
@given(written)
def test_lesson_that_passes_the_file_checks_renders_everywhere(
    runtime: Runtime, course: Course, tmp_path: Path, written: dict[str, str]
) -> None:
    """As it is typed into a file: nothing cleans it."""
    document: Any = course.model_dump()
    text = document["lessons"][0]["texts"]["nl"]
    for name, value in written.items():
        put(text, name.split(".")[1:], value)
    folder = write(course, tmp_path)
    (folder / "01-welkom.nl.md").write_text(as_file(text), encoding="utf-8", newline="")
    try:
        new = load_course(folder)
    except AuthoringErrors as errors:
        for message in {one.message.split(":")[0] for one in errors.problems}:
            event(f"refused: {message[:60]}")
        return
    event("published")
    works_everywhere(runtime, new)


def works_everywhere(runtime: Runtime, course: Course) -> None:
    import_course(runtime.database, runtime.clock, [course])
    with runtime.database.read() as session:
        published = courses.load_course(session, SLUG)
    assert published is not None
    assert published.course == course
    cache.refresh_ebooks(runtime.database, runtime.clock, runtime.links, runtime.branding, runtime.course_cache)
    for language in course.languages:
        lesson = course.lessons[0]
        html, text = parts_of(runtime.sample_emails.of_lesson(course, lesson, language, runtime.clock.now()))
        assert html.strip()
        assert text.strip()
        page = TestClient(create_app(runtime), headers=CHROME).get(f"/{language}/{SLUG}/lessons/{lesson.slug}")
        assert page.status_code == 200
        pdf, epub, picture = (
            cache.get_ebook(runtime.database, runtime.clock, runtime.links, runtime.branding, published, language, kind)
            for kind in (EbookKind.PDF, EbookKind.EPUB, EbookKind.SHARE)
        )
        event("PDF/UA" if b"pdfuaid" in pdf else "PDF")
        assert pdf.startswith(b"%PDF")
        assert picture.startswith(b"\x89PNG")
        with zipfile.ZipFile(io.BytesIO(epub)) as archive:
            for name in archive.namelist():
                if name.endswith((".xhtml", ".opf")):
                    ET.fromstring(archive.read(name).decode())


def write(course: Course, folder: Path) -> Path:
    """The files of a course, in an empty folder."""
    shutil.rmtree(folder / "lessons", ignore_errors=True)
    target = folder / "lessons" / SLUG
    shutil.copytree(LESSONS / COURSE / "pictures", target / "pictures")
    for name, text in file_names(course).items():
        (target / name).write_text(to_file(text), encoding="utf-8")
    return target


def put(document: Any, path: list[str], value: str) -> None:
    """Set a value in plain data, such as `quiz.0.options.1.why`."""
    *around, last = path
    for part in around:
        if part == "further" and not document["further"]:
            document["further"] = [{"title": "Meer", "summary": "Een zin."}]
        document = document[int(part)] if part.isdecimal() else document[part]
    document[last] = value


def as_file(text: Any) -> str:
    """A file whose front matter is JSON, which is YAML: whatever stands in it is there as it was typed."""
    fields = {name: value for name, value in text.items() if name != "body"}
    return f"---\n{json.dumps(_plain(fields), ensure_ascii=False, indent=1)}\n---\n\n{text['body']}\n"


def _plain(value: Any) -> Any:
    """Without what is not said."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value
