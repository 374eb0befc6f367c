"""`make messages` finds the text of every dialect, and changes nothing in a catalogue but what has to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from tools.messages import ROOT, begun, compare, extract, main, read, updated

HEADER = """# In Dutch.
msgid ""
msgstr ""
"Language: nl\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"""
IN_STEP = f"""{HEADER}
# The button.
msgid "Go"
msgstr "Ga"

#, python-format
msgid "One lesson"
msgid_plural "%(num)s lessons"
msgstr[0] "Eén les"
msgstr[1] "%(num)s lessen"

msgid "Stop"
msgstr "Stop"
"""


def messages(*ids: str | tuple[str, str]) -> Catalog:
    catalogue = Catalog()
    for identity in ids:
        catalogue.add(identity)
    return catalogue


USED = ("Stop", "Go", ("One lesson", "%(num)s lessons"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one file of each kind."""
    shutil.copy(ROOT / "babel.cfg", tmp_path)
    files = {
        "src/rugcourse/pages.py": "def page(_, text):\n    return _('Called ' 'twice'), _(text), self.gettext('By name')\n",
        "src/rugcourse/enrolment/consent_texts.py": "A = 'I ' 'agree'\nB = 'not listed'\nALL = (A,)\n",
        "templates/email/lesson.mjml": '<p>[[ _("In a mail") ]] {{ _("of a reader") }} [# _("none") #]</p>',
        "templates/web/admin/page.html": '{% if n %}{{ ngettext("One", "%(num)s", n) }}{% endif %}',
        "templates/ebook/book.xhtml": '<p>{{ _("In a book") }}</p>',
        "tests/test_pages.py": "_('Of a test')\n",
        "var/pages.py": "_('Left by a tool')\n",
        "locales/nl.po": HEADER,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_text_of_code_constants_and_all_templates_is_found_and_no_other(project: Path) -> None:
    found = {message.id for message in extract(project) if message.id}
    assert found == {"Called twice", "By name", "I agree", "In a mail", ("One", "%(num)s"), "In a book"}


def test_each_pattern_of_the_mapping_fits_a_file() -> None:
    lines = (ROOT / "babel.cfg").read_text(encoding="utf-8").splitlines()
    patterns = [line[1:-1].split(":")[1].strip() for line in lines if line.startswith("[") and ":" in line]
    assert len(patterns) > 5
    assert [pattern for pattern in patterns if not any(ROOT.glob(pattern.replace("**.", "**/*.")))] == []


def test_a_catalogue_in_step_is_left_as_it_is_whatever_the_order_of_the_text() -> None:
    assert updated(IN_STEP, "nl", messages(*USED)) == IN_STEP


def test_messages_appends_new_entries_untranslated_and_removes_old_ones() -> None:
    text = updated(IN_STEP, "nl", messages("New", *USED[1:]))
    assert text == IN_STEP.replace('msgid "Stop"\nmsgstr "Stop"', 'msgid "New"\nmsgstr ""')
    assert updated(text, "nl", messages("New", *USED[1:])) == text


def test_another_plural_is_another_message() -> None:
    changed = messages("Stop", "Go", ("One lesson", "%(num)s of them"))
    assert list(compare(read(IN_STEP, "nl"), changed).lines()) == [
        "is missing: 'One lesson'",
        "is used nowhere: 'One lesson'",
    ]
    assert '"Eén les"' not in updated(IN_STEP, "nl", changed)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('msgstr "Ga"', 'msgstr ""', "has no translation: 'Go'"),
        ('msgstr[1] "%(num)s lessen"', 'msgstr[1] ""', "has no translation: 'One lesson'"),
        ("# The button.", "#, fuzzy", "has no translation: 'Go'"),
        ("%(num)s lessen", "%(count)s lessen", "is translated with a mistake: "),
    ],
)
def test_a_translation_that_is_not_one_is_told(was: str, becomes: str, told: str) -> None:
    [line] = compare(read(IN_STEP.replace(was, becomes), "nl"), messages(*USED)).lines()
    assert line.startswith(told)


def test_the_check_fails_with_a_list_and_writes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], project) == 1
    assert "locales/nl.po: is missing: 'In a mail'" in capsys.readouterr().out
    assert (project / "locales" / "nl.po").read_text(encoding="utf-8") == HEADER
    assert not (project / "locales" / "messages.pot").exists()


def test_a_run_writes_the_template_and_the_catalogues_and_a_second_one_the_same(project: Path) -> None:
    assert main([], project) == 0
    first = (project / "locales" / "nl.po").read_text(encoding="utf-8")
    assert 'msgid "In a mail"\nmsgstr ""' in first
    assert "templates/email/lesson.mjml:1" in (project / "locales" / "messages.pot").read_text(encoding="utf-8")
    assert main([], project) == 0
    assert (project / "locales" / "nl.po").read_text(encoding="utf-8") == first


def test_a_new_language_begins_with_its_plurals_and_no_translation(project: Path) -> None:
    assert main(["--new", "pl"], project) == 0
    text = (project / "locales" / "pl.po").read_text(encoding="utf-8")
    assert "Polish" in text.splitlines()[0]
    assert "nplurals=3" in text
    assert text == begun("pl", extract(project))


@pytest.mark.parametrize(
    ("language", "told"),
    [("nl", "is there already"), ("xq", "no language"), ("../pl", "no code"), ("pt_BR", "no code"), ("PL", "no code")],
)
def test_a_language_that_is_there_or_is_none_is_refused(
    language: str, told: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--new", language], project) == 2
    assert told in capsys.readouterr().err
    assert sorted(path.name for path in (project / "locales").iterdir()) == ["nl.po"]
