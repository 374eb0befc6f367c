"""The languages of the interface: what is in the folder of catalogues, and no path, whatever somebody asks for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.languages import with_french

from rugcourse import paths
from rugcourse.locales import check_language, known_language, languages
from rugcourse.settings import SettingsError, load_settings

ROOT = Path(__file__).parents[1]
# Where a language may be named: the source of messages, and data without which a language has none, or the default's.
NAMES_LANGUAGES = {
    "locales.py",
    "content/readability.py",  # formulas
    "settings.py",  # made-up values
    "privacy/privacy_notice.py",  # the page of a supervisor
    "dev/sample_data/admins.py",  # made-up people and texts in two languages
    "dev/sample_data/people.py",
    "dev/sample_data/texts.py",
    "bounces/classifier.py",  # ends of domains
    "content/question_cues.py",  # words that make an answer absolute or cautious
    "articles/drafts.py",  # words that say little, such as Dutch "de"
}
STRANGE = ["", "../nl", "nl/../en", "NL", "nl\0", "nl.po", "xx", "e" * 10_000]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of catalogues."""
    monkeypatch.setattr(paths, "folder", lambda _name: tmp_path)
    languages.cache_clear()
    yield tmp_path
    languages.cache_clear()


def test_a_catalogue_is_a_language(tmp_path: Path) -> None:
    assert languages() == ("de", "en", "nl")
    with with_french(tmp_path):
        assert languages() == ("de", "en", "fr", "nl")
    assert languages() == ("de", "en", "nl")


def test_code_names_no_language_but_where_it_is_data() -> None:
    source = ROOT / "src" / "rugcourse"
    files = [one for one in source.rglob("*.py") if "migrations" not in one.parts]
    naming = {
        file.relative_to(source).as_posix()
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in {"nl", "en", "de", "fr"}
    }
    assert naming == NAMES_LANGUAGES


def test_templates_name_no_language_but_to_say_that_a_text_is_english() -> None:
    for file in (one for one in (ROOT / "templates").rglob("*.*") if one.suffix != ".md"):
        text = file.read_text(encoding="utf-8").replace('lang="en"', "")
        assert not re.search(r"""["'/](nl|en|de|fr)["'/]""", text), file


def test_english_needs_no_catalogue(folder: Path) -> None:
    assert languages() == ("en",)


@pytest.mark.parametrize("name", ["nl.po.orig", "nl-old.po", "messages.pot", "NL.po", ".po"])
def test_a_file_that_is_not_named_like_a_language_is_none(folder: Path, name: str) -> None:
    (folder / name).write_text("")
    assert languages() == ("en",)


@pytest.mark.parametrize("code", STRANGE)
def test_what_is_no_language_is_the_default(code: str) -> None:
    assert known_language(code, "nl") == "nl"
    with pytest.raises(ValueError, match="there are: de, en, nl"):
        check_language(code)


def test_a_language_is_the_default_once_it_has_a_catalogue(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"RUGCOURSE_DEFAULT_LANGUAGE: 'fr' has no catalogue .* de, en, nl"):
        load_settings(default_language="fr")
    with with_french(tmp_path):
        lines = {"fr": "Explique le dos."}
        assert load_settings(default_language="fr", author_lines=lines).default_language == "fr"


def test_the_default_language_is_checked_where_it_is_not_set(folder: Path) -> None:
    """Somebody may have taken its catalogue away."""
    with pytest.raises(SettingsError, match="RUGCOURSE_DEFAULT_LANGUAGE: 'nl' has no catalogue"):
        load_settings()
