"""The settings of a site as an owner types them, and what they may be."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from rugcourse.content.markdown import UnknownTag, check_tags
from rugcourse.content.model import Slug, has_invisible
from rugcourse.design import FONTS
from rugcourse.locales import languages
from rugcourse.pictures.reference import parse_reference
from rugcourse.scheduling import is_zone

NAME_LIMIT = 80
LINE_LIMIT = 200
TEXT_LIMIT = 2000
MOST_AUTHORS = 30
MAILS_WITH_WORDS = ("confirm", "reminder", "welcome")  # an owner can choose what they say
# Settings of the same name in `rugcourse.settings`, which win where they are set.
IN_ENVIRONMENT = (
    "practice",
    "author_name",
    "author_lines",
    "postal_address",
    "reply_to",
    "phone",
    "kvk",
    "big",
    "time_zone",
)


def _visible(text: str) -> str:
    """Refuse what changes lines, headers or the direction of writing around a name."""
    if has_invisible(text) or any(unicodedata.category(one) in {"Cc", "Cf"} for one in text):
        raise PydanticCustomError("invisible", "holds a control character or a line break; remove it")
    return text


def _mailbox(text: str) -> str:
    """Return an address that replies can go to; empty for none."""
    if not text:
        return text
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise PydanticCustomError("email", "must be an e-mail address") from error
    return found.ascii_email or found.normalized


def _zone(name: str) -> str:
    if not is_zone(name):
        raise PydanticCustomError("zone", "choose a time zone from the list")
    return name


def _picture(address: str) -> str:
    if parse_reference(address) is None:
        raise PydanticCustomError("picture", "is no picture of this installation")
    return address


def _markdown(text: str) -> str:
    """Refuse tags that nothing fills in, and characters that can't be seen."""
    try:
        check_tags(text)
    except UnknownTag as error:
        raise PydanticCustomError("tag", "{text}", {"text": error.text, "line": error.line + 1}) from error
    if has_invisible(text):
        raise PydanticCustomError("invisible", "holds an invisible character; type it anew")
    return text


def _address(link: str) -> str:
    """Return the address of a page, a mailbox or a telephone, as a button may lead to it; empty for none."""
    if not link:
        return link
    try:
        parts = urlsplit(link)
        usable = bool(parts.hostname) if parts.scheme == "https" else parts.scheme in {"mailto", "tel"}
    except ValueError:
        usable = False
    if not usable or any(one.isspace() for one in link) or "{" in link:
        raise PydanticCustomError("address", "begins with https://, mailto: or tel:")
    return link


def _by_known_language(texts: dict[str, object]) -> dict[str, object]:
    if not set(texts) <= set(languages()):
        raise PydanticCustomError("language", "names a language in which no pages are")
    return texts


_Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LIMIT), AfterValidator(_visible)
]
_Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LINE_LIMIT), AfterValidator(_visible)]
_Picture = Annotated[str, AfterValidator(_picture)]
_Markdown = Annotated[str, StringConstraints(strip_whitespace=True, max_length=TEXT_LIMIT), AfterValidator(_markdown)]
_InLanguages = AfterValidator(_by_known_language)
_Lines = Annotated[dict[str, Annotated[_Line, Field(min_length=1)]], _InLanguages]
_Colour = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^#[0-9a-f]{6}$")]


class _Chosen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AuthorProfile(_Chosen):
    """An author whom courses can name by `slug`. `lines`: one about them by language, in at least one."""

    slug: Slug
    name: _Name
    lines: Annotated[_Lines, Field(min_length=1)]
    qualifications: _Line = ""
    photo: _Picture | None = None


class EmailWordsChosen(_Chosen):
    """The subject of a mail, and the Markdown of its first lines. Empty: the words of the product."""

    subject: _Line = ""
    opening: _Markdown = ""


class NextStepChosen(_Chosen):
    """What a reader can do when a course has ended: Markdown, and a button with its link, or none."""

    text: Annotated[_Markdown, Field(min_length=1)]
    label: _Line = ""
    link: Annotated[_Line, AfterValidator(_address)] = ""

    @model_validator(mode="after")
    def _button_is_whole(self) -> Self:
        if bool(self.label) != bool(self.link):
            raise PydanticCustomError("button", "a button needs both words and a link")
        return self


class SiteSettings(_Chosen):
    """Who sends the courses, and how it looks. None: not chosen, so that the environment or the default applies.

    `author_lines`: a line about the author by language. `admin_language`: of the admin pages; None: the browser's.
    `accent` and `paper`: see `rugcourse.design.BrandColours`. `font`: a name of `rugcourse.design.FONTS`. Pictures are
    addresses, see `rugcourse.pictures.reference`. `logo_background`: what the logo stands on; None: the page.
    `authors`: those whom courses can name besides the first one. `email_words`: by kind of mail, then by language.
    `next_steps` and `privacy_lines`: by language.
    """

    practice: _Name | None = None
    author_name: _Name | None = None
    author_lines: _Lines | None = None
    author_qualifications: _Line | None = None
    author_photo: _Picture | None = None
    authors: Annotated[tuple[AuthorProfile, ...], Field(max_length=MOST_AUTHORS)] | None = None
    postal_address: Annotated[_Line, Field(min_length=5)] | None = None
    reply_to: Annotated[_Line, AfterValidator(_mailbox)] | None = None
    phone: _Line | None = None
    kvk: _Line | None = None
    big: _Line | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    admin_language: str | None = None
    accent: _Colour | None = None
    paper: _Colour | None = None
    font: str | None = None
    logo: _Picture | None = None
    logo_background: Literal["white", "accent", "dark"] | None = None
    favicon: _Picture | None = None
    email_words: (
        dict[Literal["confirm", "reminder", "welcome"], Annotated[dict[str, EmailWordsChosen], _InLanguages]] | None
    ) = None
    next_steps: Annotated[dict[str, NextStepChosen], _InLanguages] | None = None
    privacy_lines: Annotated[dict[str, Annotated[_Markdown, Field(min_length=1)]], _InLanguages] | None = None

    @property
    def has_branding(self) -> bool:
        """Whether a name, an address or a part of the look was chosen."""
        return bool(self.practice or self.postal_address or self.logo or self.accent)

    @field_validator("admin_language")
    @classmethod
    def _is_known(cls, code: str | None) -> str | None:
        if code is not None and code not in languages():
            raise PydanticCustomError("language", "choose a language from the list")
        return code

    @field_validator("font")
    @classmethod
    def _is_offered(cls, name: str | None) -> str | None:
        if name is not None and name not in FONTS:
            raise PydanticCustomError("font", "choose a font from the list")
        return name

    @field_validator("authors")
    @classmethod
    def _each_once(cls, authors: tuple[AuthorProfile, ...] | None) -> tuple[AuthorProfile, ...] | None:
        if authors is not None and len({one.slug for one in authors}) < len(authors):
            raise PydanticCustomError("twice", "two authors have the same name for courses")
        return authors

    def document(self) -> dict[str, object]:
        """Return the settings as JSON for the database."""
        return self.model_dump(mode="json", exclude_none=True)
