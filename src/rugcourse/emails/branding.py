"""What mails, pages and e-books show of the sender: names, logo, colours, authors and words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rugcourse.content import Course
from rugcourse.content.languages import text_for
from rugcourse.design import DesignTokens, design_tokens
from rugcourse.pictures.reference import PictureRef
from rugcourse.settings import Settings


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes lessons. `lines`: one about them by language, that of the default language first.

    `qualifications`: titles and registrations, may be empty. `photo`: a square picture.
    """

    name: str
    lines: Mapping[str, str]
    qualifications: str = ""
    photo: PictureRef | None = None

    def line(self, language: str) -> str:
        return text_for(self.lines, language)


@dataclass(frozen=True, slots=True)
class Logo:
    """`background`: the colour that it stands on in light and dark, as `#rrggbb`; empty: that of the page.

    `text`: the colour of the name where the picture is not shown; empty: that of the page.
    """

    picture: PictureRef
    background: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class EmailWords:
    """What a mail says in the sender's own words. `opening` is Markdown. Empty: the words of the product."""

    subject: str = ""
    opening: str = ""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a reader can do when a course has ended. `text` is Markdown; `label` and `link` of its button, or empty."""

    text: str
    label: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Branding:
    """The details of the sender. `author`: of courses that name no other; `authors`: those that they can name.

    `tokens`: colours and fonts. `email_words`: by kind of mail, then by language. `next_steps` and `privacy_lines`
    (Markdown): by language.
    """

    practice: str
    author: Author
    postal_address: str
    tokens: DesignTokens = field(default_factory=design_tokens)
    logo: Logo | None = None
    favicon: PictureRef | None = None
    authors: Mapping[str, Author] = field(default_factory=dict)
    email_words: Mapping[str, Mapping[str, EmailWords]] = field(default_factory=dict)
    next_steps: Mapping[str, NextStep] = field(default_factory=dict)
    privacy_lines: Mapping[str, str] = field(default_factory=dict)

    def author_of(self, course: Course) -> Author:
        """Return the author that a course names, or that of the site if nobody here has that name."""
        return self.authors.get(course.author or "", self.author)

    def words_of(self, mail: str, language: str) -> EmailWords:
        return self.email_words.get(mail, {}).get(language, EmailWords())


def branding_of(settings: Settings, tokens: DesignTokens | None = None) -> Branding:
    """Return the branding that the environment's settings give."""
    default = settings.default_language
    lines = {default: settings.author_line(default), **settings.author_lines}
    return Branding(
        practice=settings.practice,
        author=Author(settings.author_name, lines),
        postal_address=settings.postal_address,
        tokens=tokens or design_tokens(),
    )
