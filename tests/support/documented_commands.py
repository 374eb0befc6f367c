"""Finds in the documentation what a reader is told to type: `rugcourse …`, `make …`, and the names of settings.

A command stands in a fenced block, or in inline code. Tables and sentences shorten: `rugcourse subscribers list`,
`show` means `rugcourse subscribers show` as well, and `rugcourse forecast`, `--who` means `rugcourse forecast --who`.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ENUMERATION = re.compile(r"`[^`]+`(?:(?:, | and |, and )`[^`]+`)*")
_SETTING = re.compile(r"\bRUGCOURSE_[A-Z][A-Z_]*\b")
_IN_A_CONTAINER = re.compile(r"^docker compose exec \w+ (?=rugcourse )")
_OF_THE_TESTS = {"RUGCOURSE_TEST_ALL"}


def documented() -> dict[str, str]:
    """Each command as it is documented → the first page that names it."""
    found: dict[str, str] = {}
    for page in PAGES:
        for command in commands_in(page.read_text(encoding="utf-8")):
            found.setdefault(command, page.name)
    return found


def commands_in(text: str) -> list[str]:
    """The commands that a page tells its readers to type, in the order of the page, blocks first."""
    blocks = [line for block in _FENCED.findall(text) for line in block.splitlines()]
    typed = [part.strip() for line in blocks for part in _without_comment(line).split("&&")]
    running_text = " ".join(_FENCED.sub("", text).split())
    inline = [command for group in _ENUMERATION.findall(running_text) for command in _written_out(group)]
    return [one for one in (*typed, *inline) if one.startswith(("rugcourse ", "make "))]


def settings_in(text: str) -> set[str]:
    """The settings that a text names, without the ending `_FILE`."""
    named = {name for name in _SETTING.findall(text) if not name.endswith("_")}
    return {name.removesuffix("_FILE") for name in named - _OF_THE_TESTS}


def _without_comment(line: str) -> str:
    return _IN_A_CONTAINER.sub("", re.sub(r"\s+#\s.*$", "", line).strip())


def _written_out(group: str) -> list[str]:
    """The commands of an enumeration, in full. Of `make bench` a measurement alone (`ARGS=claims`) is enough."""
    commands: list[str] = []
    for code in re.findall(r"`([^`]+)`", group):
        if re.fullmatch(r"ARGS=\w+", code):
            commands.append(f"make bench {code}")
        elif code.startswith(("rugcourse ", "make ")) or not commands:
            commands.append(code)
        elif code.startswith("--"):
            commands.append(f"{commands[-1]} {code}")
        elif re.fullmatch(r"[a-z]+", code):
            commands.append(f"{commands[-1].rpartition(' ')[0]} {code}")
    return commands
