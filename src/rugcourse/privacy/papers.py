"""Documents that the GDPR asks of an operator, as Markdown, from the settings and the inventory.

A language may have its own templates (`templates/privacy`). In one without them the whole paper is English, also the
words in it that have a translation. They are drafts: the practice has to add what the software can't know, and is
responsible for them.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from jinja2 import FileSystemLoader, StrictUndefined

from rugcourse import paths
from rugcourse.emails.sandbox import Sandbox
from rugcourse.i18n import translations
from rugcourse.locales import SOURCE_LANGUAGE
from rugcourse.privacy.declarations import Group, ProcessingPurpose, Whose
from rugcourse.privacy.inventory import INVENTORY
from rugcourse.privacy.privacy_notice import Chapter, controller, ends_of, notice, summary, terms
from rugcourse.settings import Settings


class Paper(StrEnum):
    RECORD = "record"  # GDPR article 30
    DPIA = "dpia"  # article 35
    BREACH = "breach"  # articles 33 and 34, and what to do when somebody asks for something (articles 12 to 22)


def paper_language(which: Paper, wanted: str) -> str:
    """Return the language that a document is in for somebody who wants `wanted`: that one, or else English."""
    return wanted if f"{which}.{wanted}.md" in _templates().list_templates() else SOURCE_LANGUAGE


def paper(which: Paper, settings: Settings, wanted: str) -> str:
    """Return a document in the language that `paper_language` chooses."""
    language = paper_language(which, wanted)
    words = terms(settings, language)
    values: dict[str, object] = {
        "settings": settings,
        "controller": list(controller(settings, language)),
        "address": settings.reply_to or settings.sender_address,
        "purposes": [
            {
                "name": words.purpose(one)[0],
                "what": words.purpose(one)[1],
                "basis": words.basis(one),
                "tables": list(dict.fromkeys(group.table for group in INVENTORY if group.purpose == one)),
                "ends": [words.end(end) for end in ends_of(one)],
            }
            for one in ProcessingPurpose
            if one != ProcessingPurpose.CONTENT
        ],
        "columns": [
            {"group": group, "purpose": words.purpose(group.purpose)[0], "end": words.end(group.end)}
            for group in _personal()
        ],
    }
    return _templates().get_template(f"{which}.{language}.md").render(values)


def notice_text(settings: Settings, language: str) -> str:
    """Return the privacy notice as Markdown."""
    title = translations(language).gettext("What we keep, and for how long")
    chapters = (Chapter("", (summary(language),)), *notice(settings, language))
    parts = [f"# {title}"]
    for chapter in chapters:
        lines = "\n".join(f"- {line}" for line in chapter.lines)
        parts.append(f"## {chapter.title}\n\n{lines}" if chapter.title else "\n".join(chapter.lines))
    return "\n\n".join(parts) + "\n"


def _personal() -> list[Group]:
    return [group for group in INVENTORY if group.whose != Whose.NOBODY]


@cache
def _templates() -> Sandbox:
    return Sandbox(
        loader=FileSystemLoader(paths.folder("templates") / "privacy"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
