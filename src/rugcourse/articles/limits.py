"""How large an article may be, and the errors that say so."""

from __future__ import annotations

from dataclasses import dataclass

from rugcourse.articles.errors import ArticleError
from rugcourse.articles.rich_text import BlockKind
from rugcourse.i18n import N_

MOST_BYTES = 50_000_000  # of a file
MOST_PASTED = 1_000_000  # bytes of what is pasted into the editor
MOST_TEXT_BYTES = 10_000_000  # of a file that is all text
MOST_WORDS = 1_000_000
MOST_HEADINGS = 500
MOST_BLOCKS = 20_000
MOST_TAGS = 1_500_000  # of HTML, with the pieces of text between them
MOST_SIGNS = 50_000  # that mean something in Markdown: each takes longer to read than a word, and text has few
_SIGNS = "*_[]<>&`!\\#"

_TOO_MANY_WORDS = N_("The article has more than %(most)s words. Upload a part of it, such as one chapter.")
_TOO_MANY_HEADINGS = N_("The article has more than %(most)s headings. Upload a part of it, such as one chapter.")
_TOO_MANY_BLOCKS = N_("The article has more than %(most)s paragraphs. Upload a part of it, such as one chapter.")
_TOO_MANY_SIGNS = N_("The article has more than %(most)s signs such as * and [. Upload one that is text.")
_TOO_MANY_TAGS = N_("The page has far more tags than text. Copy its text and paste that.")


@dataclass(slots=True)
class Gauge:
    """Counts what is read of an article, so that reading stops as soon as it is too much."""

    words: int = 0
    headings: int = 0
    blocks: int = 0
    signs: int = 0
    tags: int = 0

    def read(self, text: str) -> None:
        """Count the words and signs of a piece of text. Raises ArticleError."""
        self.words += len(text.split()) if len(text) < 100_000 else text.count(" ") + 1
        if self.words > MOST_WORDS:
            raise ArticleError(_TOO_MANY_WORDS, most=MOST_WORDS)
        self.signs += sum(map(text.count, _SIGNS))
        if self.signs > MOST_SIGNS:
            raise ArticleError(_TOO_MANY_SIGNS, most=MOST_SIGNS)

    def count_tag(self) -> None:
        """Count a tag, or a piece of text between two. Raises ArticleError."""
        self.tags += 1
        if self.tags > MOST_TAGS:
            raise ArticleError(_TOO_MANY_TAGS)

    def count(self, kind: BlockKind) -> None:
        """Count a block or an item of a list. Raises ArticleError."""
        self.blocks += 1
        self.headings += kind is BlockKind.HEADING
        if self.headings > MOST_HEADINGS:
            raise too_many_headings()
        if self.blocks > MOST_BLOCKS:
            raise too_many_blocks()


def too_many_blocks() -> ArticleError:
    return ArticleError(_TOO_MANY_BLOCKS, most=MOST_BLOCKS)


def too_many_headings() -> ArticleError:
    return ArticleError(_TOO_MANY_HEADINGS, most=MOST_HEADINGS)
