"""`rugcourse courses derive`: drafts that say what is missing, in a folder where nothing can be overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.support.articles import docx, heading, paragraph, picture
from tests.support.commands import run
from tests.support.pictures import png

from rugcourse.content import LessonText
from rugcourse.content.front_matter import read_document

SENTENCE = "Zitten is niet slecht, zolang je het niet de hele dag doet. "
ARTICLE = docx(
    paragraph("Gezond zitten", style="Titel"),
    heading("Is zitten slecht?"),
    paragraph(SENTENCE * 5),
    heading("Staan"),
    paragraph(SENTENCE * 5),
    heading("Lopen"),
    heading("Met de hond", 2),
    paragraph(SENTENCE * 5),
    heading("Zonder hond", 2),
    paragraph(SENTENCE * 5),
)


@pytest.fixture
def article(tmp_path: Path) -> Path:
    file = tmp_path / "zitten.docx"
    file.write_bytes(ARTICLE)
    return file


def test_each_section_becomes_a_file_and_the_course_one_more(article: Path, tmp_path: Path) -> None:
    done = run("courses", "derive", article, "--out", tmp_path / "course", "--language", "nl", "--own-text")
    assert done.returncode == 0, done.stderr
    names = ["01-zitten-slecht.nl.md", "02-staan.nl.md", "03-lopen.nl.md", "course.nl.md"]
    assert sorted(file.name for file in (tmp_path / "course").iterdir()) == names
    lesson = read_document(tmp_path / "course" / names[0])
    assert lesson.fields["title"] == "Is zitten slecht?"
    assert lesson.fields["quiz"] == [{"id": "zitten-slecht-1", "question": "Is zitten slecht?"}]
    assert lesson.body == (SENTENCE * 5).strip()
    assert read_document(tmp_path / "course" / "course.nl.md").fields["summary"] == [
        "Is zitten slecht?",
        "Staan",
        "Lopen",
    ]


def test_the_pictures_of_ones_own_article_are_in_the_folder_and_in_their_lesson(tmp_path: Path) -> None:
    body = (heading("Sitting"), paragraph(SENTENCE * 9), paragraph(picture("rId7", "A chair")))
    file = docx(*body, extra={"word/media/chair.png": png(400, 300)}, images={"rId7": "media/chair.png"})
    (tmp_path / "a.docx").write_bytes(file)
    for own_text, count in (("--own-text", 1), ("", 0)):
        out = tmp_path / f"course{count}"
        done = run(
            "courses", "derive", tmp_path / "a.docx", "--out", out, "--language", "en", *filter(None, [own_text])
        )
        assert done.returncode == 0, done.stderr
        kept = [one.name for one in out.glob("pictures/*")]
        assert len(kept) == count
        body_of = read_document(next(out.glob("01-*.en.md"))).body
        assert [f"![A chair](pictures/{name})" in body_of for name in kept] == [True] * count


def test_it_says_what_is_still_to_write(article: Path, tmp_path: Path) -> None:
    said = run("courses", "derive", article, "--out", tmp_path / "course", "--language", "nl", "--own-text").stdout
    assert "01-zitten-slecht.nl.md: 60 words, 1 min; still to write: today, quiz.options" in said
    assert "course.nl.md: still to write: body" in said
    assert "3 lessons, and the page of the course" in said


def test_a_draft_is_a_lesson_once_the_rest_is_written(article: Path, tmp_path: Path) -> None:
    run("courses", "derive", article, "--out", tmp_path / "course", "--language", "nl", "--own-text")
    document = read_document(tmp_path / "course" / "01-zitten-slecht.nl.md")
    fields = {name: document.fields[name] for name in ("title", "subject", "preheader", "highlight")}
    option = {"text": "Ja", "why": "Omdat"}
    quiz = [{**document.fields["quiz"][0], "options": [{**option, "right": True}, option, option]}]
    with pytest.raises(ValidationError, match=r"today\n(?s:.*)quiz\.0\.options\n"):
        LessonText.model_validate({**fields, "quiz": document.fields["quiz"], "body": document.body})
    LessonText.model_validate({**fields, "today": "Sta op.", "quiz": quiz, "body": document.body})


def test_without_own_text_the_body_is_left_to_write(article: Path, tmp_path: Path) -> None:
    said = run("courses", "derive", article, "--out", tmp_path / "course", "--language", "nl").stdout
    assert "02-staan.nl.md: 60 words, 1 min; still to write: preheader, highlight, today, body, quiz" in said
    assert SENTENCE.strip() not in (tmp_path / "course" / "02-staan.nl.md").read_text()


def test_the_level_of_the_cuts_can_be_chosen(article: Path, tmp_path: Path) -> None:
    assert "4 lessons" in run("courses", "derive", article, "--out", tmp_path / "course", "--level", "3").stdout
    refused = run("courses", "derive", article, "--out", tmp_path / "other", "--level", "6")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "no headings of level 6" in refused.stderr


def test_a_folder_that_is_not_empty_stays_as_it_is(article: Path, tmp_path: Path) -> None:
    folder = tmp_path / "course"
    folder.mkdir()
    assert run("courses", "derive", article, "--out", folder).returncode == 0  # an empty one is used
    before = sorted(file.name for file in folder.iterdir())
    refused = run("courses", "derive", article, "--out", folder)
    assert refused.returncode == 2
    assert f"{folder} is not empty; choose a new folder" in refused.stderr
    assert sorted(file.name for file in folder.iterdir()) == before
    assert "is not empty" in run("courses", "derive", article, "--out", article).stderr


def test_nothing_is_written_when_not_all_can_be(article: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Path.write_text

    def full(self: Path, text: str, encoding: str) -> int:
        if self.name.startswith("course."):
            raise OSError(28, "No space left on device", str(self))
        return written(self, text, encoding=encoding)

    monkeypatch.setattr(Path, "write_text", full)
    refused = run("courses", "derive", article, "--out", tmp_path / "course")
    assert refused.returncode == 1
    assert "No space left on device; nothing was written" in refused.stderr
    assert list(tmp_path.iterdir()) == [article]


def test_what_is_not_used_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_text(
        f"<h1>T</h1><p>{SENTENCE * 200}<img src=x><h2>Bronnen</h2><p>Jansen en De Vries</p>", encoding="utf-8"
    )
    said = run("courses", "derive", file, "--out", tmp_path / "course").stderr
    assert "left out: pictures: 1" in said
    assert "4 words were not used" in said


def test_cuts_by_length_are_said(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("\n\n".join(f"{number}: {SENTENCE * 4}" for number in range(30)), encoding="utf-8")
    assert "lessons were cut by length" in run("courses", "derive", file, "--out", tmp_path / "course").stderr


def test_a_file_or_a_language_that_is_not_there_is_one_line(article: Path, tmp_path: Path) -> None:
    missing = run("courses", "derive", tmp_path / "none.docx", "--out", tmp_path / "course")
    assert (missing.returncode, "none.docx: No such file" in missing.stderr) == (2, True)
    unknown = run("courses", "derive", article, "--out", tmp_path / "course", "--language", "xx")
    assert (unknown.returncode, "'xx' has no catalogue" in unknown.stderr) == (2, True)
    assert not (tmp_path / "course").exists()
