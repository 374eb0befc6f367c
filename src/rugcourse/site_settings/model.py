"""The settings of a site as an owner types them, and what they may be."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from rugcourse.content.model import has_invisible
from rugcourse.design import FONTS
from rugcourse.locales import languages

NAME_LIMIT = 80
LINE_LIMIT = 200
# Settings of the same name in `rugcourse.settings`, which win where they are set.
IN_ENVIRONMENT = ("practice", "author_name", "author_lines", "postal_address", "reply_to", "phone", "kvk", "big")


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


_Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LIMIT), AfterValidator(_visible)
]
_Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LINE_LIMIT), AfterValidator(_visible)]
_Colour = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^#[0-9a-f]{6}$")]


class SiteSettings(BaseModel):
    """Who sends the courses, and in which colours. None: not chosen, so that the environment or the default applies.

    `author_lines`: a line about the author by language. `accent` and `paper`: see `rugcourse.design.BrandColours`.
    `font`: a name of `rugcourse.design.FONTS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    practice: _Name | None = None
    author_name: _Name | None = None
    author_lines: dict[str, Annotated[_Line, Field(min_length=1)]] | None = None
    postal_address: Annotated[_Line, Field(min_length=5)] | None = None
    reply_to: Annotated[_Line, AfterValidator(_mailbox)] | None = None
    phone: _Line | None = None
    kvk: _Line | None = None
    big: _Line | None = None
    accent: _Colour | None = None
    paper: _Colour | None = None
    font: str | None = None

    @field_validator("font")
    @classmethod
    def _is_offered(cls, name: str | None) -> str | None:
        if name is not None and name not in FONTS:
            raise PydanticCustomError("font", "choose a font from the list")
        return name

    @field_validator("author_lines")
    @classmethod
    def _languages_are_known(cls, lines: dict[str, str] | None) -> dict[str, str] | None:
        if lines is not None and not set(lines) <= set(languages()):
            raise PydanticCustomError("language", "names a language in which no pages are")
        return lines

    def document(self) -> dict[str, object]:
        """Return the settings as JSON for the database."""
        return self.model_dump(mode="json", exclude_none=True)
