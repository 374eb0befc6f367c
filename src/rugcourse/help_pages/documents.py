"""Reads the pages of help from the files of the documentation.

A translation, `docs/<language>/<page>.md`, has the headings of the English page in the same order. Its anchors are
those of the English page, so that a link leads to the same section in every language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from rugcourse import paths
from rugcourse.errors import NotFoundError
from rugcourse.locales import SOURCE_LANGUAGE

PAGES = (
    "admin",
    "own-course",
    "courses",
    "pictures",
    "your-own-look",
    "delivery",
    "bounces",
    "privacy",
    "api",
    "webhooks",
)
PATH = "/admin/help"

_LINK = re.compile(r"(?:\.\./)?(?P<page>[a-z-]+)\.md(?P<anchor>#[\w-]+)?")
_TAKEN_FROM_ANCHORS = re.compile(r"[^\w\- ]")


class UnknownHelpPage(NotFoundError):
    """There is no page of help with this name."""


@dataclass(frozen=True, slots=True)
class HelpSection:
    """A heading and what stands below it. `level`: 1 for the title of the page. `paragraphs`: their plain text."""

    anchor: str
    title: str
    level: int
    html: Markup
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HelpDocument:
    """A page of help. `language`: that it is written in. The first section has its title."""

    name: str
    language: str
    sections: tuple[HelpSection, ...]

    @property
    def title(self) -> str:
        return self.sections[0].title


@lru_cache(maxsize=64)
def help_document(name: str, language: str) -> HelpDocument:
    """Return a page in a language, or else in English. Raises UnknownHelpPage."""
    if name not in PAGES:
        raise UnknownHelpPage
    folder = paths.folder("docs")
    translated = folder / language / f"{name}.md"
    if language == SOURCE_LANGUAGE or not translated.is_file():
        return HelpDocument(
            name, SOURCE_LANGUAGE, tuple(_sections((folder / f"{name}.md").read_text(encoding="utf-8")))
        )
    anchors = [one.anchor for one in help_document(name, SOURCE_LANGUAGE).sections]
    return HelpDocument(name, language, tuple(_sections(translated.read_text(encoding="utf-8"), anchors)))


def help_documents(language: str) -> tuple[HelpDocument, ...]:
    """Return all pages."""
    return tuple(help_document(name, language) for name in PAGES)


def _sections(text: str, anchors: Sequence[str] = ()) -> Iterator[HelpSection]:
    """Yield the sections of a page that begins with its title. `anchors`: of its headings, instead of its own."""
    tokens = list(_without_pictures(_markdown().parse(text)))
    begins = [place for place, token in enumerate(tokens) if token.type == "heading_open"]
    taken: dict[str, int] = {}
    for number, begin in enumerate(begins):
        body = tokens[begin + 3 : begins[number + 1] if number + 1 < len(begins) else len(tokens)]
        title = _plain(tokens[begin + 1])
        anchor = _anchor(title, taken)
        _link_to_help(body)
        yield HelpSection(
            anchor=anchors[number] if number < len(anchors) else anchor,
            title=title,
            level=int(tokens[begin].tag[1:]),
            html=Markup(_markdown().renderer.render(body, _markdown().options, {})),  # noqa: S704 - raw HTML is escaped
            paragraphs=tuple(filter(None, map(_plain, body))),
        )


def _anchor(title: str, taken: dict[str, int]) -> str:
    """Return the anchor that the pages of a repository give to a heading."""
    anchor = _TAKEN_FROM_ANCHORS.sub("", title.lower()).replace(" ", "-")
    taken[anchor] = taken.get(anchor, -1) + 1
    return f"{anchor}-{taken[anchor]}" if taken[anchor] else anchor


def _plain(token: Token) -> str:
    """Return the words of a paragraph, a cell or a block of code; empty for what has none of its own."""
    if token.type in {"fence", "code_block"}:
        return " ".join(token.content.split())
    if token.type != "inline":
        return ""
    return "".join(
        " " if one.type in {"softbreak", "hardbreak"} else one.content for one in token.children or []
    ).strip()


def _link_to_help(tokens: Sequence[Token]) -> None:
    """Let links between pages lead to help. Those to files that are no help become words."""
    for token in tokens:
        for one in token.children or []:
            if one.type == "link_open":
                href = _target(str(one.attrs["href"]))
                one.tag = "a" if href else "span"
                one.attrs = {"href": href} if href else {}
                inside_help = bool(href)
            elif one.type == "link_close":
                one.tag = "a" if inside_help else "span"


def _target(href: str) -> str:
    if href.startswith(("https://", "http://", "#")):
        return href
    match = _LINK.fullmatch(href)
    return f"{PATH}/{match['page']}{match['anchor'] or ''}" if match and match["page"] in PAGES else ""


def _without_pictures(tokens: Sequence[Token]) -> Iterator[Token]:
    """Leave out paragraphs that hold a picture: the files of pictures are not shipped."""
    places = iter(range(len(tokens)))
    for place in places:
        if tokens[place].type == "paragraph_open" and _holds_picture(tokens[place + 1]):
            next(places), next(places)  # its content and its end
        else:
            yield tokens[place]


def _holds_picture(token: Token) -> bool:
    return any(one.type == "image" for one in token.children or [])


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")
