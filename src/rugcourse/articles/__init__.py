"""From an article to drafts of lessons. No network, no database: files and text come in, plain values go out.

In the order of the work:

`reading`       a file, or pasted text or HTML, becomes an `Article`: blocks of Markdown
`proposal`      where to cut it into lessons; `cuts` moves the cuts by hand
`drafts`        what each part proposes for the fields of a lesson, and the whole for the front page
`draft_files`   the same as files
`media`         the pictures that are in the file of an article; `placed_pictures` puts them at their places
`overlap`       which words a lesson still shares with the article

Behind `reading`: `word`, `opendocument`, `html_reader`, `markdown_reader` and `text_reader` know one kind of file
each, and make blocks of runs (`rich_text`);
`word_pictures` marks the pictures of one. `structure` finds headings that only look like one, and `conversion`
writes Markdown.
"""

from rugcourse.articles.cuts import (
    ArticlePart,
    Cuts,
    InvalidCuts,
    cuts_from_json,
    leave_out,
    merge_lesson,
    move_start,
    nearest_starts,
    parts,
    start_lesson,
    use,
)
from rugcourse.articles.draft_files import DraftFile, FolderInUse, draft_files, write_drafts
from rugcourse.articles.drafts import ProposedLesson, ProposedPage, draft_lessons, proposed_page
from rugcourse.articles.errors import ArticleError
from rugcourse.articles.left_out import LeftOutCounts
from rugcourse.articles.media import ArticlePicture, article_pictures
from rugcourse.articles.model import Article, ArticleBlock, reading_minutes
from rugcourse.articles.overlap import overlap
from rugcourse.articles.placed_pictures import with_pictures
from rugcourse.articles.proposal import cuts_at_level, propose_cuts
from rugcourse.articles.reading import (
    EXTENSIONS,
    article_from_html,
    article_from_markdown,
    article_from_text,
    markdown_from_html,
    read_article,
)

__all__ = [
    "EXTENSIONS",
    "Article",
    "ArticleBlock",
    "ArticleError",
    "ArticlePart",
    "ArticlePicture",
    "Cuts",
    "DraftFile",
    "FolderInUse",
    "InvalidCuts",
    "LeftOutCounts",
    "ProposedLesson",
    "ProposedPage",
    "article_from_html",
    "article_from_markdown",
    "article_from_text",
    "article_pictures",
    "cuts_at_level",
    "cuts_from_json",
    "draft_files",
    "draft_lessons",
    "leave_out",
    "markdown_from_html",
    "merge_lesson",
    "move_start",
    "nearest_starts",
    "overlap",
    "parts",
    "propose_cuts",
    "proposed_page",
    "read_article",
    "reading_minutes",
    "start_lesson",
    "use",
    "with_pictures",
    "write_drafts",
]
