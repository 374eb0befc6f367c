"""From a file, or from what somebody pasted, to an article."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from rugcourse.articles.archives import open_archive
from rugcourse.articles.conversion import with_markdown
from rugcourse.articles.encodings import decoded
from rugcourse.articles.errors import ArticleError
from rugcourse.articles.html_reader import HtmlText, read_html
from rugcourse.articles.left_out import LeftOutCounts
from rugcourse.articles.limits import MOST_BYTES, MOST_HEADINGS, MOST_PASTED, MOST_TEXT_BYTES, too_many_headings
from rugcourse.articles.markdown_reader import markdown_to_html
from rugcourse.articles.media import with_sources
from rugcourse.articles.model import Article, ArticleBlock, lesson_level, title_index
from rugcourse.articles.opendocument import read_opendocument
from rugcourse.articles.rich_text import BlockKind, RichBlock, clean, tidied
from rugcourse.articles.structure import with_lists, with_structure
from rugcourse.articles.text_reader import read_text
from rugcourse.articles.word import read_word
from rugcourse.content.markdown import words_of
from rugcourse.i18n import N_

EXTENSIONS = (".docx", ".odt", ".html", ".htm", ".md", ".txt")
_ZIP, _OLE, _PDF, _RTF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF-", b"{\\rtf"
_FEWEST_WORDS = 2
_LONGEST_ALT = 250  # characters, which a screen reader reads out in one go
_LONGEST_TITLE = 400  # characters, as in a course
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?s:.{0,20000}?)\n---[ \t]*(?:\n|$)")

_TOO_LARGE = N_("The file is larger than %(most)s MB. Save it without pictures, and upload that.")
_TOO_LARGE_PASTED = N_("What you pasted is larger than %(most)s MB. Paste a part of it, or upload it as a file.")
_TOO_MUCH_TEXT = N_("The file has more text than an article. Upload a part of it, such as one chapter.")
_TOO_SHORT = N_("There is no text in it, or only a word, so there is nothing to make lessons of.")
_KIND = N_("Files of this kind can't be read. Save it as .docx, or copy the text and paste it.")
_OLD_WORD = N_("Old Word files and files with a password can't be read. Save it as .docx without a password.")
_PDF_FILE = N_("A PDF has no paragraphs, only places on a page. Open what it was made from and save that as .docx.")
_OTHER_CONTENT = N_("The name ends in %(extension)s, but something else is in the file. Save it anew as .docx.")


def read_article(data: bytes, filename: str) -> Article:
    """Read a file by the end of its name: .docx, .odt, .html, .htm, .md or .txt.

    Its pictures have a place and no address yet, see `rugcourse.articles.placed_pictures`. Raises ArticleError, whose
    message says what is wrong and how to correct it. Nothing is fetched from anywhere.
    """
    if len(data) > MOST_BYTES:
        raise ArticleError(_TOO_LARGE, most=MOST_BYTES // 1_000_000)
    extension = _checked_extension(data, filename)
    if extension in {".docx", ".odt"}:
        left_out = LeftOutCounts()
        read = read_word if extension == ".docx" else read_opendocument
        return _article(read_html(read(open_archive(data), left_out), left_out))
    if extension in {".html", ".htm"}:
        return _article(read_html(with_sources(decoded(data))))
    if len(data) > MOST_TEXT_BYTES:
        raise ArticleError(_TOO_MUCH_TEXT)
    text = decoded(data)
    return article_from_markdown(text) if extension == ".md" else article_from_text(text)


def article_from_text(text: str) -> Article:
    """Read plain text, as somebody pastes it. Raises ArticleError."""
    if len(text) > MOST_TEXT_BYTES:
        raise ArticleError(_TOO_MUCH_TEXT)
    return _article(HtmlText(read_text(text), LeftOutCounts(), ""))


def article_from_html(html: str) -> Article:
    """Read a page, or the HTML of a clipboard. Raises ArticleError."""
    if len(html) > MOST_BYTES:
        raise ArticleError(_TOO_LARGE, most=MOST_BYTES // 1_000_000)
    return _article(read_html(html))


def article_from_markdown(text: str) -> Article:
    """Read Markdown, with or without front matter. Raises ArticleError."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if matter := _FRONT_MATTER.match(text):
        text = text[matter.end() :]
    return _article(read_html(markdown_to_html(text)))


def markdown_from_html(html: str) -> str:
    """Return the Markdown of what is pasted into the editor from Word or a page; empty if there is no text in it.

    Headings become `##` and `###`, the two that lessons have. Raises ArticleError for more than 1 MB.
    """
    if len(html.encode("utf-8", "replace")) > MOST_PASTED:
        raise ArticleError(_TOO_LARGE_PASTED, most=MOST_PASTED // 1_000_000)
    read = [block for block in read_html(html).blocks if block.kind is not BlockKind.PICTURE]
    blocks = list(with_lists(list(tidied(read))))
    return "\n\n".join(markdown for _, markdown in with_markdown(_as_in_a_lesson(blocks)))


def _as_in_a_lesson(blocks: Sequence[RichBlock]) -> list[RichBlock]:
    """Return the blocks with headings of the two levels that lessons have."""
    highest = min((block.level for block in blocks if block.level), default=0)
    return [replace(block, level=lesson_level(block.level, highest)) if block.level else block for block in blocks]


def _article(read: HtmlText) -> Article:
    blocks = [*with_markdown(list(tidied(with_structure(list(tidied(read.blocks))))))]
    made = tuple(_block(index, block, markdown) for index, (block, markdown) in enumerate(blocks))
    if sum(block.words for block in made) < _FEWEST_WORDS:
        raise ArticleError(_TOO_SHORT)
    if sum(block.is_heading for block in made) > MOST_HEADINGS:
        raise too_many_headings()
    index = title_index(made)
    title = made[index].text if index is not None else clean(read.title).replace("\n", " ").strip()
    return Article(title[:_LONGEST_TITLE], index, made, read.left_out)


def _block(index: int, block: RichBlock, markdown: str) -> ArticleBlock:
    text = block.text
    if block.kind is BlockKind.PICTURE:
        alt = " ".join(text.split())[:_LONGEST_ALT]
        return ArticleBlock(index, block.kind, 0, "", "", 0, source=block.source, alt=alt)
    runs = [run for item in block.items for run in item.runs] or block.runs
    stressed = tuple(run.text.strip() for run in runs if run.strong or run.emphasis)
    return ArticleBlock(index, block.kind, block.level, markdown, text, len(words_of(text)), stressed)


def _checked_extension(data: bytes, filename: str) -> str:
    """Return the end of a file's name, in lower case, if what is in the file can be that. Raises ArticleError."""
    extension = PurePath(filename.replace("\\", "/")).suffix.lower()
    if data.startswith((_OLE, _RTF)):
        raise ArticleError(_OLD_WORD)
    if data.startswith(_PDF):
        raise ArticleError(_PDF_FILE)
    if extension not in EXTENSIONS:
        raise ArticleError(_KIND)
    if data.startswith(_ZIP) != (extension in {".docx", ".odt"}):
        raise ArticleError(_OTHER_CONTENT, extension=extension)
    return extension
