"""The papers for whoever runs an installation: complete, in the languages that have them, and what they tell to type is there."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest
from tests.support.builders import make_settings
from tests.support.commands import run
from tests.support.documented_commands import commands_in, documented
from tests.support.languages import with_french

from rugcourse.privacy.declarations import End, ProcessingPurpose, Whose
from rugcourse.privacy.inventory import INVENTORY
from rugcourse.privacy.papers import Paper, notice_text, paper, paper_language
from rugcourse.privacy.privacy_notice import notice, purposes_of_readers, supervisor_page, terms
from rugcourse.settings import SUPERVISOR, load_settings

LANGUAGES = ("nl", "en")  # German has none, see decision 41
EDPB = "https://www.edpb.europa.eu/about-edpb/about-edpb/members_en"


def typed_in(text: str) -> list[str]:
    """The commands that a paper tells to type, also within its lists."""
    return commands_in(re.sub(r"^ +", "", text, flags=re.MULTILINE))


@pytest.mark.parametrize("language", LANGUAGES)
def test_record_of_processing_lists_every_personal_column_with_purpose_and_end(tmp_path: Path, language: str) -> None:
    settings = make_settings(tmp_path, keep_left_days=41, processors="Example Host (hosting, Germany)")
    text = paper(Paper.RECORD, settings, language)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    words = terms(settings, language)
    for group in INVENTORY:
        if group.whose != Whose.NOBODY:
            said = (words.end(group.end), words.purpose(group.purpose)[0], *group.columns)
            named = [row for row in rows if row.startswith(f"| {group.table} |")]
            assert any(all(one in row for one in said) for row in named), group.table
    for told in ("Example Host (hosting, Germany)", "Autoriteit Persoonsgegevens", words.days(41)):
        assert told in text


@pytest.mark.parametrize("which", Paper)
def test_a_language_without_its_own_papers_gets_the_english_ones_whole(tmp_path: Path, which: Paper) -> None:
    settings = make_settings(tmp_path)
    with with_french(tmp_path):
        assert paper(which, settings, "de") == paper(which, settings, "en")
        assert notice_text(settings, "de") != notice_text(settings, "en")
        assert paper_language(which, "nl") == "nl"
        said = run("privacy", which.value, "--language", "de")
        assert said.stdout == paper(which, load_settings(), "en")
        assert f"there is no {which}.de.md in templates/privacy; this is the one in en" in said.stderr


@pytest.mark.parametrize("code", ["../record", "xx", "e" * 10_000, "en.md\0"])
def test_papers_are_in_no_language_that_is_a_path(tmp_path: Path, code: str) -> None:
    assert paper_language(Paper.RECORD, code) == "en"
    if "\0" not in code:
        assert run("privacy", "record", "--language", code).returncode == 2


@pytest.mark.parametrize(
    ("language", "supervisor", "page"),
    [
        ("nl", SUPERVISOR, "https://www.autoriteitpersoonsgegevens.nl"),
        ("nl", "Gegevensbeschermingsautoriteit", EDPB),
        ("en", SUPERVISOR, EDPB),
        ("de", SUPERVISOR, EDPB),
    ],
)
def test_the_supervisors_page_is_in_the_readers_language_or_the_list_of_all(
    tmp_path: Path, language: str, supervisor: str, page: str
) -> None:
    assert supervisor_page(make_settings(tmp_path, supervisor=supervisor), language) == page


@pytest.mark.parametrize(("language", "nobody"), [("nl", "niemand"), ("en", "nobody")])
def test_record_of_processing_states_transfers_and_retention_of_backups_and_bounces(
    tmp_path: Path, language: str, nobody: str
) -> None:
    settings = make_settings(tmp_path, keep_withdrawal_days=41, keep_bounce_mail_days=43, keep_left_days=47)
    text = paper(Paper.RECORD, settings, language)
    assert "RUGCOURSE_TRANSFERS" in text
    for days in (41, 43, 47):
        assert str(days) in text
    for told, expected in (("none", nobody), ("Relay (USA, standard clauses)", "Relay (USA, standard clauses)")):
        text = paper(Paper.RECORD, settings.model_copy(update={"transfers": told}), language)
        assert f": {expected}\n" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("which", Paper)
def test_documents_name_the_controller_and_only_existing_commands(tmp_path: Path, language: str, which: Paper) -> None:
    settings = make_settings(tmp_path, practice="Praktijk Zuid", dpo="Els de Wit", postal_address="Dorpsstraat 2, Ede")
    text = paper(which, settings, language)
    assert "Praktijk Zuid" in text
    assert "{{" not in text
    assert "{%" not in text
    known = {" ".join(command.split()[:3]) for command in documented()}
    told = [" ".join(command.split()[:3]) for command in typed_in(text)]
    assert [command for command in told if command not in known] == []
    assert bool(told) == (which != Paper.RECORD)


@pytest.mark.parametrize("language", [*LANGUAGES, "de"])
def test_notice_as_text_matches_the_privacy_page(tmp_path: Path, language: str) -> None:
    settings = make_settings(tmp_path)
    text = notice_text(settings, language)
    for chapter in notice(settings, language):
        assert f"## {chapter.title}\n" in text
        for line in chapter.lines:
            assert f"- {line}\n" in text
    words = terms(settings, language)
    for purpose in purposes_of_readers():
        assert f"- {words.purpose(purpose)[0]}: " in text


@pytest.mark.parametrize(
    ("language", "words"), [("nl", "f170fc524d525467"), ("en", "9ba1786e0f88d034"), ("de", "c25a9fbf660ef063")]
)
def test_date_of_the_privacy_notice_changes_with_its_text(tmp_path: Path, language: str, words: str) -> None:
    text = notice_text(make_settings(tmp_path), language)
    told = "set WORDS_OF in privacy/inventory.py to today, and what it was made from here"
    assert sha256(text.encode()).hexdigest()[:16] == words, told


@pytest.mark.parametrize("language", [*LANGUAGES, "de"])
def test_documents_describe_every_purpose_and_end(tmp_path: Path, language: str) -> None:
    words = terms(make_settings(tmp_path), language)
    assert len({words.purpose(one)[0] for one in ProcessingPurpose}) == len(ProcessingPurpose)
    assert [one for one in End if not words.end(one)] == []


@pytest.mark.parametrize("which", Paper)
def test_documents_have_the_same_chapters_and_commands_in_all_languages(tmp_path: Path, which: Paper) -> None:
    dutch, english = (paper(which, make_settings(tmp_path), language) for language in LANGUAGES)
    headings = [len(re.findall(r"^#+ ", text, re.MULTILINE)) for text in (dutch, english)]
    assert headings[0] == headings[1]
    typed = [[re.sub(r"--language \w+", "", one) for one in typed_in(text)] for text in (dutch, english)]
    assert typed[0] == typed[1]
