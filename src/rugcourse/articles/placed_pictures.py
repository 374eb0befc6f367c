"""Puts the pictures of an article at their places, once they are made anew and have an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rugcourse.articles.conversion import picture_markdown
from rugcourse.articles.model import Article, title_index
from rugcourse.articles.rich_text import BlockKind
from rugcourse.pictures.reference import PictureRef


def with_pictures(article: Article, made: Mapping[str, PictureRef]) -> Article:
    """Return the article with the pictures that were made, by their sources. The others count as left out.

    Blocks are numbered anew, so this comes before any cuts.
    """
    kept = [
        replace(block, markdown=picture_markdown(block.alt, made[block.source].address))
        if block.source in made
        else block
        for block in article.blocks
        if block.kind is not BlockKind.PICTURE or block.source in made
    ]
    blocks = tuple(replace(block, index=index) for index, block in enumerate(kept))
    lost = len(article.blocks) - len(blocks)
    return Article(
        article.title,
        title_index(blocks) if article.title_index is not None else None,
        blocks,
        replace(article.left_out, pictures=article.left_out.pictures + lost),
    )
