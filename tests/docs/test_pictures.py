"""The pictures of README and documentation are there, are small, and are shown somewhere."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
_SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)|<img src=\"([^\"]+)\" alt=\"([^\"]*)\"")
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_MOST_BYTES = 600_000  # of the pictures of one page: whoever clones the repository gets them all


def shown() -> dict[Path, str]:
    """File → the words for those who do not see it, of each picture in README and docs."""
    found = {}
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        text = _CODE.sub("", page.read_text(encoding="utf-8"))
        for words, path, source, alternative in _SHOWN.findall(text):
            if not (path or source).startswith("http"):
                found[(page.parent / (path or source)).resolve()] = words or alternative
    return found


def test_each_picture_that_a_page_shows_is_there_and_said_in_words() -> None:
    pictures = shown()
    assert len(pictures) > 5
    assert {file.name for file in pictures if not file.is_file()} == set()
    assert {file.name for file, words in pictures.items() if len(words) < 10} == set()


def test_no_picture_is_left_that_no_page_shows_and_those_of_a_page_are_small() -> None:
    files = {file.resolve() for file in PICTURES.rglob("*") if file.is_file()}
    assert files == {file for file in shown() if PICTURES in file.parents}
    own = [file for file in files if file.parent.name == "own-course"]
    assert sum(file.stat().st_size for file in own) < _MOST_BYTES
