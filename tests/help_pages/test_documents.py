"""Pages of the documentation become help."""

from __future__ import annotations

import re
import tomllib

import pytest
from tests.support.documented_commands import ROOT

from rugcourse.help_pages.documents import PAGES, UnknownHelpPage, help_document, help_documents
from rugcourse.locales import languages

DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_all_its_headings_with_anchors_of_their_own(name: str) -> None:
    text = re.sub(r"^```.*?^```", "", (DOCS / f"{name}.md").read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    sections = help_document(name, "en").sections
    assert [one.title for one in sections] == [
        re.sub(r"[`*]", "", one) for one in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    ]
    assert len({one.anchor for one in sections}) == len(sections)


@pytest.mark.parametrize("language", languages())
def test_links_within_help_lead_to_sections_that_exist(language: str) -> None:
    anchors = {(one.name, section.anchor) for one in help_documents(language) for section in one.sections}
    for page in help_documents(language):
        for section in page.sections:
            for href in re.findall(r'href="([^"]+)"', section.html):
                if href.startswith("#"):
                    assert (page.name, href[1:]) in anchors
                elif href.startswith("/"):
                    name, _, anchor = href.removeprefix("/admin/help/").partition("#")
                    assert (name, anchor or next(a for n, a in anchors if n == name)) in anchors
                else:
                    assert href.startswith("https://")


def test_links_to_files_that_are_no_help_become_words() -> None:
    html = "".join(one.html for one in help_document("privacy", "en").sections)
    assert "decision 26" in html
    assert "decisions/" not in html


def test_pictures_are_left_out_as_their_files_are_not_shipped() -> None:
    html = "".join(one.html for one in help_document("own-course", "en").sections)
    assert "<img" not in html
    assert "pictures/own-course" not in html


def test_merge_tags_and_tables_are_shown_as_they_stand_in_the_file() -> None:
    html = "".join(one.html for one in help_document("courses", "en").sections)
    assert "{{ first_name }}" in html
    assert "<table>" in html


@pytest.mark.parametrize("file", sorted(DOCS.glob("[a-z][a-z]/*.md")), ids=lambda one: f"{one.parent.name}-{one.name}")
def test_a_translation_has_the_sections_of_the_english_page(file: object) -> None:
    name, language = file.stem, file.parent.name  # type: ignore[attr-defined]
    translated, english = help_document(name, language), help_document(name, "en")
    assert translated.language == language
    assert [one.level for one in translated.sections] == [one.level for one in english.sections]
    assert [one.anchor for one in translated.sections] == [one.anchor for one in english.sections]
    assert [one.title for one in translated.sections] != [one.title for one in english.sections]


def test_a_page_without_a_translation_is_in_english() -> None:
    assert help_document("bounces", "nl").language == "en"


@pytest.mark.parametrize("name", ["", "..", "../admin", "admin.md", "nl/admin", "security", "/etc/passwd", "admin\0"])
def test_nothing_but_the_pages_of_help_is_read(name: str) -> None:
    with pytest.raises(UnknownHelpPage):
        help_document(name, "en")


def test_a_wheel_carries_every_page() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    carried = build["targets"]["wheel"]["force-include"]
    assert {f"docs/{name}.md" for name in PAGES} <= carried.keys()
    assert {f"docs/{one.name}" for one in DOCS.iterdir() if re.fullmatch(r"[a-z]{2}", one.name)} <= carried.keys()
    assert all(source == target.removeprefix("rugcourse/shipped/") for source, target in carried.items())
