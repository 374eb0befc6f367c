"""Proposes lessons, and the front page of their course, from an article and its cuts.

Whoever owns the article may use its sentences. Anybody else may use its facts only: then no sentence of it with more
than six words is proposed, the body stays empty, and the section is there to read beside the editor. Titles are the
headings of the article in both cases, so that the author knows which lesson is which; `overlap` finds those that are
still its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rugcourse.articles.cuts import ArticlePart, Cuts, parts
from rugcourse.articles.model import Article, ArticleBlock, lesson_level
from rugcourse.articles.names import FURTHER, IN_SHORT, INTRODUCTION, is_called, without_number
from rugcourse.articles.overlap import LONGEST
from rugcourse.articles.proposal import source_blocks
from rugcourse.articles.rich_text import BlockKind
from rugcourse.articles.sentences import cut_at_word, sentences_of
from rugcourse.content.markdown import words_of
from rugcourse.content.model import PREHEADER_LIMIT, SUBJECT_LIMIT
from rugcourse.i18n import N_, translations

LONGEST_LINE, LONGEST_BODY, LONGEST_SLUG = 400, 30_000, 60  # characters, as `rugcourse.content.model` allows
MOST_FACTS, MOST_SUMMARY, MOST_SOURCES = 200, 12, 100
_LONGEST_HIGHLIGHT = 200  # characters of a sentence to remember
_FEWEST_WORDS = 4  # of a sentence to remember
_WORDS_OF_SLUG = 4

_INTRODUCTION, _PART = N_("Introduction"), N_("Part %(number)s")
_NO_SLUG = re.compile(r"[^a-z0-9]+")
_NO_WORDS = frozenset({
    "de", "het", "een", "en", "van", "in", "op", "is", "dat", "te", "voor", "met", "aan", "of", "bij", "wat",
    "hoe", "kan", "mijn", "je", "the", "a", "an", "and", "on", "to", "for", "with", "what", "how", "my", "your",
    "der", "die", "das", "den", "dem", "ein", "eine", "und", "von", "zu", "für", "fur", "mit", "auf", "im", "ist",
    "was", "wie", "ihr", "ihre",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProposedLesson:
    """A lesson that a part of an article proposes. Each field is valid in a lesson, or empty.

    `question`: the stem of a quiz question. `section`: the part of the article, as Markdown with headings of levels 2
    and 3. `facts`: its sentences. `words`: how many it has.
    """

    slug: str
    title: str
    subject: str
    preheader: str
    highlight: str
    today: str
    question: str
    body: str
    section: str
    facts: tuple[str, ...]
    words: int


@dataclass(frozen=True, slots=True)
class ProposedPage:
    """The front page that an article proposes. Each field is valid in a course, or empty."""

    title: str
    tagline: str
    summary: tuple[str, ...]
    sources: tuple[str, ...]


def draft_lessons(article: Article, cuts: Cuts, language: str, *, own_text: bool = False) -> tuple[ProposedLesson, ...]:
    """Propose a lesson for each part. Raises InvalidCuts.

    `language`: of the lessons, for a title where the article has none. `own_text`: the author may use the article's
    sentences.
    """
    lessons: list[ProposedLesson] = []
    slugs: set[str] = set()
    for number, part in enumerate(parts(article, cuts), 1):
        title = _title(part, number, language)
        slug = _free_slug(title, slugs)
        slugs.add(slug)
        lessons.append(_lesson(part, title, slug, own_text=own_text))
    return tuple(lessons)


def proposed_page(article: Article, cuts: Cuts, *, own_text: bool = False) -> ProposedPage:
    """Propose the front page: its summary is a list at the beginning, or else the headings. Raises InvalidCuts."""
    of_lessons = parts(article, cuts)
    first = [sentence for sentence in _sentences(of_lessons[0].blocks) if len(sentence) <= LONGEST_LINE]
    lines = _short_list(of_lessons)
    if not lines or not all(_usable(line, own_text=own_text) for line in lines):
        headings = (part.heading for part in of_lessons)
        lines = [
            _line(without_number(one.text))
            for one in headings
            if one and not is_called(one.text, INTRODUCTION | FURTHER)
        ]
    sources = (_line(line) for block in source_blocks(article) for line in block.text.split("\n"))
    return ProposedPage(
        title=_line(article.title),
        tagline=first[0] if first and own_text else "",
        summary=tuple(filter(None, lines))[:MOST_SUMMARY],
        sources=tuple(filter(None, sources))[:MOST_SOURCES],
    )


def _lesson(part: ArticlePart, title: str, slug: str, *, own_text: bool) -> ProposedLesson:
    section = section_of(part)
    facts = tuple(_sentences(part.blocks))
    preheader = cut_at_word(facts[0], PREHEADER_LIMIT, "…") if facts and own_text else ""
    question = _question(part, facts)
    return ProposedLesson(
        slug=slug,
        title=title,
        subject=_subject(title),
        preheader=preheader,
        highlight=_highlight(part, facts) if own_text else "",
        today="",
        question=question if _usable(question, own_text=own_text) else "",
        body=section if own_text and len(section) <= LONGEST_BODY else "",
        section=section,
        facts=tuple(fact for fact in facts if len(fact) <= LONGEST_LINE)[:MOST_FACTS],
        words=sum(block.words for block in part.blocks if block is not part.heading),
    )


def section_of(part: ArticlePart) -> str:
    """Return the Markdown of a part without its heading, which is the title of the lesson."""
    blocks = part.blocks[1:] if part.heading else part.blocks
    highest = min((block.level for block in blocks if block.is_heading), default=0)
    return "\n\n".join(_markdown(block, highest) for block in blocks)


def _markdown(block: ArticleBlock, highest: int) -> str:
    if not block.is_heading:
        return block.markdown
    return f"{'#' * lesson_level(block.level, highest)} {block.markdown.lstrip('#').lstrip()}"


def _title(part: ArticlePart, number: int, language: str) -> str:
    words = translations(language)
    if part.heading is not None and (title := _line(without_number(part.heading.text))):
        return title
    inner = next((_line(without_number(block.text)) for block in part.blocks if block.is_heading), "")
    if number == 1:
        return words.gettext(_INTRODUCTION)
    return inner or words.gettext(_PART) % {"number": number}


def _line(text: str) -> str:
    """Return a text as one line of a course, cut at a word if it is too long."""
    return cut_at_word(" ".join(text.split()), LONGEST_LINE, "…")


def _subject(title: str) -> str:
    """Return a subject: calm, so without exclamation marks and symbols."""
    calm = "".join(one for one in title.replace("!", "") if unicodedata.category(one) not in {"So", "Cs"})
    words = cut_at_word(" ".join(calm.split()), SUBJECT_LIMIT).split()
    if len(words) < len(calm.split()):
        while len(words) > 1 and words[-1].lower() in _NO_WORDS:
            words.pop()
    return " ".join(words)


def _highlight(part: ArticlePart, facts: Sequence[str]) -> str:
    """Return the sentence to remember: one that is stressed, or else the first short one."""
    stressed = (piece for block in part.blocks if not block.is_heading for piece in block.stressed)
    for sentence in (*stressed, *facts[1:], *facts[:1]):  # the first one is the preheader already
        line = " ".join(sentence.split())
        if len(line) <= _LONGEST_HIGHLIGHT and len(words_of(line)) >= _FEWEST_WORDS and not line.endswith((":", "?")):
            return line
    return ""


def _question(part: ArticlePart, facts: Sequence[str]) -> str:
    heading = (_line(without_number(part.heading.text)),) if part.heading else ()
    return next((one for one in (*heading, *facts) if one.endswith("?") and len(one) <= LONGEST_LINE), "")


def _sentences(blocks: Iterable[ArticleBlock]) -> Iterator[str]:
    for block in blocks:
        if not block.is_heading:
            yield from (" ".join(one.split()) for one in sentences_of(block.text))


def _short_list(of_lessons: Sequence[ArticlePart]) -> list[str]:
    """Return the items of the list that sums the article up: that below such a line, or else the first one."""
    found: list[str] = []
    for part in of_lessons:
        before: ArticleBlock | None = None
        for block in part.blocks:
            if block.kind is BlockKind.LIST:
                lines = [_line(line) for line in block.text.split("\n")]
                if before is not None and is_called(before.text, IN_SHORT):
                    return lines
                found = found or (lines if part is of_lessons[0] else [])
            before = block
    return found


def _usable(text: str, *, own_text: bool) -> bool:
    return own_text or len(words_of(text)) <= LONGEST


def _free_slug(title: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", title.lower().replace("ß", "ss")).encode("ascii", "ignore").decode()
    words = [word for word in _NO_SLUG.sub(" ", plain).split() if word]
    telling = [word for word in words if word not in _NO_WORDS] or words
    slug = "-".join(telling[:_WORDS_OF_SLUG])[:LONGEST_SLUG].strip("-") or "lesson"
    number = 1
    free = slug
    while free in taken:
        number += 1
        free = f"{slug[: LONGEST_SLUG - len(str(number)) - 1].rstrip('-')}-{number}"
    return free
