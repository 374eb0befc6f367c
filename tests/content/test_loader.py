"""What authors can do wrong: each mistake is one clear error with file and line, and nothing is half published."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.builders import COURSE, LESSONS
from tests.support.languages import with_french, write_french_course

from rugcourse.bootstrap import Runtime
from rugcourse.content import AuthoringErrors, load_course, load_courses
from rugcourse.content.markdown import count_words
from rugcourse.course_editor.file_sync import import_courses

LESSON = "02-overbelasting.nl.md"
LIST = "06-specifieke-oorzaak.nl.md"
NOTICE = "safety-notice.nl.md"
BODY_LINE = (LESSONS / COURSE / LESSON).read_text(encoding="utf-8").split("\n---\n")[0].count("\n") + 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(LESSONS / COURSE, tmp_path / COURSE)
    return tmp_path / COURSE


def swap(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def field(name: str, value: str) -> Callable[[Path], None]:
    """Change a field of the lesson that is one line."""

    def change(folder: Path) -> None:
        text = (folder / LESSON).read_text(encoding="utf-8")
        changed = re.sub(rf"^{name}: .*$", lambda _: f"{name}: {value}", text, count=1, flags=re.MULTILINE)
        assert changed != text
        (folder / LESSON).write_text(changed, encoding="utf-8")

    return change


def body(first_words: str) -> Callable[[Path], None]:
    """Put words before the body of the lesson."""

    def change(folder: Path) -> None:
        front, text = (folder / LESSON).read_text(encoding="utf-8").split("\n---\n\n")
        (folder / LESSON).write_text(f"{front}\n---\n\n{first_words} {text}", encoding="utf-8")

    return change


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


MISTAKES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no front matter": (write(LESSON, b"Just text\n"), rf"{LESSON}:1: must begin with front matter"),
    "front matter without an end": (write(LESSON, b"---\ntitle: x\n"), rf"{LESSON}:1: .*no closing line"),
    "malformed YAML": (swap(LESSON, "title: ", "title: '"), rf"{LESSON}:\d+: the front matter is not valid YAML"),
    "a list for front matter": (write(LESSON, b"---\n- a\n---\nx\n"), rf"{LESSON}:2: .*must be fields"),
    "aliases that stand for a million values": (
        write(
            LESSON,
            ("---\na: &a [" + "x, " * 99 + "]\nb: &b [" + "*a, " * 99 + "]\nc: [" + "*b, " * 99 + "]\n---\nx").encode(),
        ),
        rf"{LESSON}:2: .*more than 10000 values",
    ),
    "an alias within itself": (write(LESSON, b"---\na: &a\n  b: *a\n---\nx"), rf"{LESSON}:2: "),
    "front matter 300 levels deep": (
        write(LESSON, b"---\na: " + b"[" * 300 + b"]" * 300 + b"\n---\nx"),
        rf"{LESSON}:2: .*more than 20 levels deep",
    ),
    "front matter 5,000 levels deep": (
        write(LESSON, b"---\na: " + b"[" * 5_000 + b"\n---\nx"),
        rf"{LESSON}:2: .*more than 20 levels deep",
    ),
    "a list for the name of a field": (
        write(LESSON, b"---\n? {a: [b]}\n: c\n---\nx"),
        rf"{LESSON}:2: .*where the name of a field belongs",
    ),
    "an empty file": (write(LESSON, b""), rf"{LESSON}:1: is empty"),
    "Latin-1 bytes": (write(LESSON, "---\ntitle: caf\xe9\n---\nx".encode("latin-1")), rf"{LESSON}:2: is not UTF-8"),
    "a NUL": (body("De\x00hele dag"), rf"{LESSON}:{BODY_LINE}: holds a control character"),
    "a huge file": (write(LESSON, b"x" * 300_000), rf"{LESSON}:1: is larger than 200 kB"),
    "an unknown field": (
        swap(LESSON, "highlight:", "hilite: x\nhighlight:"),
        rf"{LESSON}:5: there is no field `hilite`",
    ),
    "a missing field": (swap(LESSON, "subject:", "# subject:"), rf"{LESSON}:2: the field `subject` is missing"),
    "a number for text": (field("title", "12"), rf"{LESSON}:2: `title` must be text"),
    "a long subject": (
        field("subject", "lang " * 12),
        rf"{LESSON}:3: `subject` has \d+ characters; at most 50",
    ),
    "a long preheader": (
        field("preheader", "lang " * 20),
        rf"{LESSON}:4: `preheader` has",
    ),
    "shouting": (field("subject", "Kijk!"), rf"{LESSON}:3: `subject` has an exclamation mark"),
    "an emoji": (field("subject", "Kijk 😀"), rf"{LESSON}:3: `subject` has an emoji"),
    "two right answers": (
        swap(LESSON, "      - text: ", "      - right: true\n        text: "),
        rf"{LESSON}:8: question 'overbelasting-signaal' needs exactly one .* 2 are",
    ),
    "no right answer": (
        swap(LESSON, "        right: true\n", ""),
        rf"{LESSON}:8: question 'overbelasting-signaal' needs exactly one .* none is",
    ),
    "an answer without a reason": (
        swap(LESSON, "        why: ", "        because: "),
        rf"{LESSON}:\d+: the field `quiz.1.options.1.why` is missing",
    ),
    "too few answers": (
        swap("01-welkom.nl.md", "quiz:", "quiz: []\nold:"),
        r"01-welkom.nl.md:7: `quiz` has 0 items; at least 1",
    ),
    "an unknown merge tag": (
        body("Dag {{ naam }}."),
        rf"{LESSON}:{BODY_LINE}: {{{{ naam }}}} can't be used",
    ),
    "a picture": (
        body("![A back](https://example.org/back.png)"),
        rf"{LESSON}:{BODY_LINE}: a picture of another site .* or remove !\[A back\]\(https://example.org/back.png\)$",
    ),
    "HTML": (body("Kijk <video>"), rf"{LESSON}:{BODY_LINE}: HTML can't be used; remove <video> or write"),
    "template code": (body("{% for x in range(9**9) %}"), rf"{LESSON}:{BODY_LINE}: {{% for"),
    "an attribute in a tag": (body("{{ practice.__class__ }}"), rf"{LESSON}:{BODY_LINE}: {{{{"),
    "a missing translation": (lambda folder: (folder / "04-stress.en.md").unlink(), r"04-stress.en.md:1: is missing"),
    "a translation too many": (
        write("04-stress.fr.md", b"---\ntitle: x\n---\nx\n"),
        r"04-stress.fr.md:1: there is no course.fr.md",
    ),
    "a translation with another right answer": (
        swap("04-stress.en.md", "        right: true\n", ""),
        r"04-stress.en.md:8: question 'stress-lichaam'",
    ),
    "a translation with other questions": (
        swap("04-stress.nl.md", "id: stress-eerder", "id: stress-later"),
        r"04-stress.nl.md:\d+: `quiz` differs from 04-stress.en.md",
    ),
    "a question id used twice": (
        lambda folder: [
            swap(f"03-onderbelasting.{one}.md", "id: onderbelasting-gips", "id: overbelasting-signaal")(folder)
            for one in ("nl", "en")
        ],
        r"03-onderbelasting.en.md:8: the question id 'overbelasting-signaal' is also used in 02-",
    ),
    "a duplicate slug": (
        lambda folder: [
            (folder / f"04-stress.{one}.md").rename(folder / f"04-overbelasting.{one}.md") for one in ("nl", "en")
        ],
        r"the slug 'overbelasting' is used by 2 lessons",
    ),
    "a gap in the numbers": (
        lambda folder: [
            (folder / f"09-afronding.{one}.md").rename(folder / f"11-afronding.{one}.md") for one in ("nl", "en")
        ],
        r"11-afronding.en.md:1: lesson 9 is missing",
    ),
    "a tile to no lesson": (
        swap("course.nl.md", "lesson: stress", "lesson: stres"),
        r"course.nl.md:\d+: there is no lesson with the slug 'stres'",
    ),
    "a topic without a name": (
        swap("test.nl.md", "  stress: Stress\n", ""),
        r"test.nl.md:\d+: the topic 'stress' of a question is missing",
    ),
    "a level of no urgency": (
        swap(NOTICE, "urgency: today", "urgency: soon"),
        r"safety-notice.nl.md:26: `levels.3.urgency`: input should be 'emergency', 'now'",
    ),
    "a telephone number that is a number": (
        swap(NOTICE, 'number: "113"', "number: 113"),
        r"safety-notice.nl.md:64: `numbers.nl.3.number` must be text",
    ),
    "a telephone number that can't be dialled": (
        swap(NOTICE, "number: 0800-0113", "number: ask me"),
        r"safety-notice.nl.md:67: `numbers.nl.4.number` must be a telephone number",
    ),
    "a telephone number at a level that is not there": (
        lambda folder: [
            swap(f"safety-notice.{one}.md", "urgency: support", "urgency: appointment")(folder) for one in ("nl", "en")
        ],
        r"safety-notice.nl.md:65: there is no level with the urgency `support`",
    ),
    "an emergency with no number to call": (
        swap(NOTICE, "levels: [emergency]", "levels: [now]"),
        r"safety-notice.nl.md:7: no number under `numbers` names the level `emergency`",
    ),
    "a sign that is lost in translation": (
        swap(NOTICE, "      - Je spuit drugs.\n", ""),
        r"safety-notice.nl.md:26: `levels` differs from safety-notice.en.md",
    ),
    "a signature without a date": (
        swap(NOTICE, "reviewed: 2026-11-26", "reviewed_by:\n  name: A. Arts"),
        r"safety-notice.nl.md:\d+: `reviewed_by` needs `reviewed`",
    ),
    "the signs of a course whose signs have no levels": (
        write(NOTICE, b"---\ntitle: x\nline: y\n---\ntekst\n"),
        rf"{LIST}:\d+: {{{{ safety_notice }}}} stands here, but there is no safety-notice.nl.md with `levels`",
    ),
    "the signs of a course that has none": (
        lambda folder: [file.unlink() for file in folder.glob("safety-notice.*.md")],
        rf"{LIST}:\d+: {{{{ safety_notice }}}} stands here, but there is no safety-notice.nl.md",
    ),
    "a notice that is missing in one language": (
        lambda folder: (folder / NOTICE).unlink(),
        r"safety-notice.nl.md:1: is missing: the course is in en, nl",
    ),
    "an invitation to a test that there is not": (
        lambda folder: [file.unlink() for file in folder.glob("test.*.md")],
        r"09-afronding.en.md:\d+: `retest` invites to the knowledge test, and this course has none",
    ),
    "the signs in the middle of a sentence": (
        swap(LIST, "{{ safety_notice }}", "Kijk: {{ safety_notice }}"),
        rf"{LIST}:\d+: {{{{ safety_notice }}}} can't be used here; .* on a line of its own",
    ),
    "the signs in what is no lesson": (
        swap("course.nl.md", "\n---\n\n", "\n---\n\n{{ safety_notice }}\n\n"),
        r"course.nl.md:\d+: {{ safety_notice }} can't be used here",
    ),
    "a question that is about safety in one language": (
        swap(LIST, "    safety: true\n", ""),
        rf"{LIST}:\d+: `quiz` differs from 06-specifieke-oorzaak.en.md: .*`safety`",
    ),
    "a file with a strange name": (write("les2.md", b"x"), r"les2.md:1: is not named like"),
}


@pytest.mark.parametrize("name", list(MISTAKES))
def test_loader_reports_each_mistake_with_file_and_line(folder: Path, name: str) -> None:
    change, expected = MISTAKES[name]
    change(folder)
    with pytest.raises(AuthoringErrors) as caught:
        load_course(folder)
    assert re.search(expected, str(caught.value)), str(caught.value)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    for name in ("an unknown field", "a missing translation", "a tile to no lesson"):
        MISTAKES[name][0](folder)
    with pytest.raises(AuthoringErrors) as caught:
        load_courses(folder.parent)
    assert len(caught.value.problems) >= 3


def test_the_line_of_the_signs_is_the_line_of_their_tag(folder: Path) -> None:
    write(NOTICE, b"---\ntitle: x\nline: y\n---\ntekst\n")(folder)
    with pytest.raises(AuthoringErrors) as caught:
        load_course(folder)
    [problem] = [one for one in caught.value.problems if one.file.name == LIST]
    assert (folder / LIST).read_text(encoding="utf-8").split("\n")[problem.line - 1] == "{{ safety_notice }}"


def test_import_publishes_nothing_of_a_folder_with_a_mistake(runtime: Runtime, folder: Path) -> None:
    field("highlight", "Nieuw.")(folder)
    (folder / "03-onderbelasting.nl.md").write_text("")
    with runtime.database.read() as session:
        before = runtime.course_cache.courses(session)[0].content_hash
    with pytest.raises(AuthoringErrors):
        import_courses(runtime.database, runtime.clock, folder.parent)
    with runtime.database.read() as session:
        assert runtime.course_cache.courses(session)[0].content_hash == before


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(AuthoringErrors, match="no course"):
        load_courses(tmp_path)


def test_windows_line_ends_and_a_byte_order_mark_are_no_mistake(folder: Path) -> None:
    raw = (folder / LESSON).read_bytes()
    (folder / LESSON).write_bytes(b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"))
    assert load_course(folder) == load_course(LESSONS / COURSE)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_shipped_course_keeps_to_its_brief(language: str) -> None:
    course = load_course(LESSONS / COURSE)
    assert [lesson.slug for lesson in course.lessons] == [
        "welkom", "overbelasting", "onderbelasting", "stress", "zonder-oorzaak", "specifieke-oorzaak",
        "meer-oorzaken", "meerdere-oorzaken", "afronding",
    ]  # fmt: skip
    assert all(250 <= count_words(lesson.texts[language].body) <= 400 for lesson in course.lessons)
    assert len(course.tests[language].questions) == 8
    assert len({question.topic for question in course.tests[language].questions}) == 7
    assert len(course.texts[language].tiles) == 7
    assert [lesson.slug for lesson in course.lessons if lesson.texts[language].retest] == ["afronding"]


def test_a_merge_tag_outside_the_text_and_a_heading_without_words_are_told_with_their_line(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LESSONS, tmp_path / "lessons")) / COURSE
    file = folder / "01-welkom.nl.md"
    text = re.sub(
        r"^highlight: .*$", "highlight: Onthoud dit, {{ naam }}.", file.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    file.write_text(f"{text}\n\n##\n\n### \u200b\n\nKlaar.\n", encoding="utf-8")
    with pytest.raises(AuthoringErrors) as caught:
        load_course(folder)
    lines = file.read_text(encoding="utf-8").split("\n")
    assert [(one.line, one.message.partition(";")[0]) for one in caught.value.problems] == [
        (next(n for n, line in enumerate(lines, 1) if "naam" in line), "`{{ naam }}` is shown as it stands here"),
        (lines.index("##") + 1, "a heading without words"),
        (lines.index("### \u200b") + 1, "a heading without words"),
    ]


def test_a_course_may_be_in_one_language_of_the_interface(folder: Path) -> None:
    for file in folder.glob("*.nl.md"):
        file.unlink()
    assert load_course(folder).languages == ("en",)


def test_a_course_in_a_new_language_needs_no_other(tmp_path: Path) -> None:
    with with_french(tmp_path):
        assert load_course(write_french_course(tmp_path)).languages == ("fr",)


@pytest.mark.parametrize("part", ["test", "safety-notice", "01-kringloop", "03-afremmen"])
def test_a_language_that_a_course_begins_must_be_whole(tmp_path: Path, part: str) -> None:
    with with_french(tmp_path):
        folder = write_french_course(tmp_path)
        (folder / f"{part}.fr.md").rename(folder / f"{part}.en.md")
        with pytest.raises(AuthoringErrors) as caught:
            load_course(folder)
    assert sorted(f"{one.file.name}: {one.message.partition(':')[0]}" for one in caught.value.problems) == [
        f"{part}.en.md: there is no course.en.md", f"{part}.fr.md: is missing",
    ]  # fmt: skip


def test_a_course_without_a_front_page_is_told_which_to_write(folder: Path) -> None:
    for file in {*folder.glob("course.*"), *folder.glob("*.en.md")}:
        file.unlink()
    with pytest.raises(AuthoringErrors, match=r"course.nl.md:1: is missing: every course says what it is about"):
        load_course(folder)


def test_a_language_that_the_words_around_the_lessons_are_not_in_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LESSONS, tmp_path / "lessons"))
    for file in [*folder.glob("*.en.md"), *(folder / COURSE).glob("*.en.md")]:
        shutil.copy(file, file.with_name(file.name.replace(".en.", ".fr.")))
    with pytest.raises(AuthoringErrors, match=r"course.fr.md:1: a course can't be in 'fr' yet.* de, en, nl") as caught:
        load_course(folder / COURSE)
    assert len(caught.value.problems) == 1


def test_a_file_that_writes_accents_as_two_characters_is_no_other_version(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LESSONS, tmp_path / "lessons"))
    for file in folder.rglob("*.md"):
        file.write_text(unicodedata.normalize("NFD", file.read_text(encoding="utf-8")), encoding="utf-8")
    assert load_courses(folder) == load_courses(LESSONS)


def test_more_readings_than_the_form_of_a_lesson_shows_are_refused(folder: Path) -> None:
    file = folder / LIST
    more = "".join(f"  - title: T{n}\n    summary: S\n" for n in range(13))
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("further:\n", f"further:\n{more}", 1), encoding="utf-8")
    with pytest.raises(AuthoringErrors, match="`further` has 14 items; at most 12"):
        load_course(folder)
