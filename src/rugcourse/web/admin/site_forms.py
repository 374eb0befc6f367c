"""The forms of the site's settings: they convert submitted text to values, and back.

Each form has some of the settings, and leaves the others as they are stored.

    BRANDING      names, addresses, logo, colours and font
    AUTHORS   who writes the lessons: the author of courses that name no other, and those whom courses can name
    WORDS     what mails, the privacy page and the end of a course say in words of one's own, by language
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rugcourse.course_editor.linter import LintFinding
from rugcourse.design import ColourProblem, colour_problems, design_tokens
from rugcourse.locales import languages
from rugcourse.pictures.reference import parse_reference
from rugcourse.settings import Settings
from rugcourse.site_settings import SiteSettings
from rugcourse.site_settings.current import Site, colours_of, overridden
from rugcourse.site_settings.model import (
    IN_ENVIRONMENT,
    MAILS_WITH_WORDS,
    MOST_AUTHORS,
)
from rugcourse.web.admin.campaign_forms import FormErrors

Fields = Mapping[str, str]
Document = dict[str, object]

_AUTHOR_FIELDS = ("author_name", "author_lines")
TEXTS = tuple(name for name in IN_ENVIRONMENT if name not in _AUTHOR_FIELDS)
_LONGEST_SLUG = 40
_FIRST_WORDS = {"email_words": "mail", "next_steps": "end", "privacy_lines": "privacy"}  # of the names of fields
_STEP = ("text", "label", "link")
_SQUARE = 1.25  # the longer side of a favicon by the shorter, at most


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """A form with some of the settings. `template`: of its page.

    `shown`: the fields of the form, with what applies now. `document`: the settings of the form, None for those that
    are not chosen. `where`: the name of the field that a problem is about.
    """

    template: str
    shown: Callable[[Site, SiteSettings], dict[str, str]]
    document: Callable[[Fields, Settings], Document]
    where: Callable[[ErrorDetails, Fields], str]


def settings_from(form: SettingsForm, typed: Fields, environment: Settings, stored: SiteSettings) -> SiteSettings:
    """Return the settings with those of a form. Raises FormErrors with all fields that can't be used.

    A value that is that of the environment, or of the design, is not stored, so that it follows a change there. What
    the environment sets is left as it is stored.
    """
    try:
        found = SiteSettings.model_validate({**stored.model_dump(), **form.document(typed, environment)})
    except ValidationError as error:
        raise FormErrors(*(_finding(one, form.where(one, typed)) for one in error.errors())) from None
    problems = [
        *_empty_lines(found, environment),
        *_unreadable(found),
        *_not_square(found),
        *_names_before_consent(found),
    ]
    if problems:
        raise FormErrors(*problems)
    return found


def _branding_shown(site: Site, chosen: SiteSettings) -> dict[str, str]:
    colours = colours_of(chosen)
    return {
        **{name: getattr(site.settings, name) for name in TEXTS},
        "accent": colours.accent,
        "paper": colours.paper,
        "font": chosen.font or "",
        "admin_language": chosen.admin_language or "",
        "logo": chosen.logo or "",
        "logo_background": chosen.logo_background or "",
        "favicon": chosen.favicon or "",
    }


def _branding_document(typed: Fields, environment: Settings) -> Document:
    document: Document = {}
    for name in TEXTS:
        if name not in overridden(environment):
            text = _text(typed, name)
            document[name] = None if text == getattr(environment, name) else text
    for name in ("font", "admin_language", "logo", "logo_background", "favicon"):
        document[name] = typed.get(name) or None
    for name in ("accent", "paper"):
        colour = _text(typed, name).lower()
        document[name] = None if colour in {"", design_tokens().light[name]} else colour
    return document


def _branding_where(problem: ErrorDetails, _typed: Fields) -> str:
    return str(problem["loc"][0])


def _authors_shown(site: Site, chosen: SiteSettings) -> dict[str, str]:
    mine = {
        "author.main.name": site.settings.author_name,
        "author.main.qualifications": chosen.author_qualifications or "",
        "author.main.photo": chosen.author_photo or "",
        **{f"author.main.line.{one}": site.settings.author_lines.get(one, "") for one in languages()},
    }
    for number, one in enumerate(chosen.authors or ()):
        at = f"author.{number}"
        mine |= {
            f"{at}.slug": one.slug,
            f"{at}.name": one.name,
            f"{at}.qualifications": one.qualifications,
            f"{at}.photo": one.photo or "",
            **{f"{at}.line.{language}": line for language, line in one.lines.items()},
        }
    return mine


def _authors_document(typed: Fields, environment: Settings) -> Document:
    fixed = overridden(environment)
    document: Document = {
        "author_qualifications": _text(typed, "author.main.qualifications") or None,
        "author_photo": typed.get("author.main.photo") or None,
        "authors": [one for _, one in _authors(typed)] or None,
    }
    if "author_name" not in fixed:
        name = _text(typed, "author.main.name")
        document["author_name"] = None if name == environment.author_name else name
    if "author_lines" not in fixed:
        lines = _lines(typed, "author.main")
        document["author_lines"] = None if lines == dict(environment.author_lines) else lines
    return document


def _authors_where(problem: ErrorDetails, typed: Fields) -> str:
    name, *rest = (str(one) for one in problem["loc"])
    row = "main"
    if name == "authors":
        rows = [number for number, _ in _authors(typed)]
        place, name, *rest = rest if len(rest) > 1 else ["", "name"]
        row = str(rows[int(place)]) if place else "0"
    field = name.removeprefix("author_").replace("lines", "line")
    language = rest[0] if rest else languages()[0]
    return f"author.{row}.line.{language}" if field == "line" else f"author.{row}.{field}"


def _texts_shown(_site: Site, chosen: SiteSettings) -> dict[str, str]:
    mine = {}
    for mail, words in (chosen.email_words or {}).items():
        for language, one in words.items():
            mine[f"mail.{mail}.{language}.subject"] = one.subject
            mine[f"mail.{mail}.{language}.opening"] = one.opening
    for language, step in (chosen.next_steps or {}).items():
        mine |= {f"end.{language}.{name}": getattr(step, name) for name in _STEP}
    return mine | {f"privacy.{language}": text for language, text in (chosen.privacy_lines or {}).items()}


def _texts_document(typed: Fields, _environment: Settings) -> Document:
    mails = {mail: _by_language(typed, f"mail.{mail}.", ("subject", "opening")) for mail in MAILS_WITH_WORDS}
    privacy = {language: _text(typed, f"privacy.{language}") for language in languages()}
    return {
        "email_words": {mail: words for mail, words in mails.items() if words} or None,
        "next_steps": _by_language(typed, "end.", _STEP) or None,
        "privacy_lines": {language: text for language, text in privacy.items() if text} or None,
    }


def _texts_where(problem: ErrorDetails, _typed: Fields) -> str:
    name, *rest = (str(one) for one in problem["loc"])
    if name == "next_steps" and len(rest) == 1:  # of the whole, as when its button lacks words
        rest.append("label")
    return ".".join([_FIRST_WORDS[name], *rest])


BRANDING = SettingsForm("site-settings", _branding_shown, _branding_document, _branding_where)
AUTHORS = SettingsForm("site-authors", _authors_shown, _authors_document, _authors_where)
WORDS = SettingsForm("site-words", _texts_shown, _texts_document, _texts_where)


def _text(typed: Fields, name: str) -> str:
    return typed.get(name, "").replace("\r\n", "\n").strip()


def _lines(typed: Fields, at: str) -> dict[str, str]:
    found = {language: _text(typed, f"{at}.line.{language}") for language in languages()}
    return {language: line for language, line in found.items() if line}


def _by_language(typed: Fields, at: str, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Return language → fields of those languages in which anything is typed."""
    found = {language: {name: _text(typed, f"{at}{language}.{name}") for name in names} for language in languages()}
    return {language: fields for language, fields in found.items() if any(fields.values())}


def _authors(typed: Fields) -> Iterator[tuple[int, Document]]:
    """Yield the authors of a form, each with the number of its row, without empty and removed ones."""
    taken = {typed.get(f"author.{number}.slug", "") for number in range(MOST_AUTHORS + 1)}
    for number in range(MOST_AUTHORS + 1):
        at = f"author.{number}"
        one: Document = {name: _text(typed, f"{at}.{name}") for name in ("name", "qualifications")}
        one |= {"lines": _lines(typed, at), "photo": typed.get(f"{at}.photo") or None}
        if not any(one.values()) or typed.get(f"{at}.remove"):
            continue
        slug = typed.get(f"{at}.slug") or _new_slug(str(one["name"]), taken)
        taken.add(slug)
        yield number, {"slug": slug, **one}


def _new_slug(name: str, taken: set[str]) -> str:
    """Return the name of an author for courses: `Anna de Vries` → `anna-de-vries`, with a number if it is taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST_SLUG].strip("-") or "author"
    numbered = (f"{stem}-{number}" for number in range(2, MOST_AUTHORS + 3))
    return next(one for one in (stem, *numbered) if one not in taken)


def _finding(problem: ErrorDetails, where: str) -> LintFinding:
    """Convert an error of pydantic into a finding."""
    match problem["type"]:
        case "string_too_short" | "too_short":  # the second: no line about an author in any language
            return LintFinding("missing", where)
        case "string_too_long":
            most = problem["ctx"]["max_length"]
            return LintFinding("too-long", where, values={"most": most, "length": len(problem["input"])})
        case "tag":
            return LintFinding("tag", where, values={**problem["ctx"], "notice": False})
        case "invisible" | "email" | "address" | "button" | "string_pattern_mismatch" as kind:
            return LintFinding("no-colour" if kind == "string_pattern_mismatch" else kind, where)
        case _:
            return LintFinding("other", where, values={"text": problem["msg"]})


def _empty_lines(found: SiteSettings, environment: Settings) -> Iterator[LintFinding]:
    """The default language needs a line about the author: languages without one show it."""
    default = environment.default_language
    if found.author_lines is not None and default not in found.author_lines:
        yield LintFinding("missing", f"author.main.line.{default}")


def _unreadable(found: SiteSettings) -> Iterator[LintFinding]:
    for one in colour_problems(design_tokens(), colours_of(found)):
        yield LintFinding("low-contrast", one.field, values=_said(one))


def _said(problem: ColourProblem) -> dict[str, object]:
    return {"ratio": round(problem.ratio, 1), "least": problem.least, "nearest": problem.nearest}


def _names_before_consent(found: SiteSettings) -> Iterator[LintFinding]:
    """Mails before a confirmation hold nothing that was typed into the form: somebody else may have typed it."""
    for mail in ("confirm", "reminder"):
        for language, words in ((found.email_words or {}).get(mail) or {}).items():
            if "first_name" in words.opening:
                yield LintFinding("no-greeting", f"mail.{mail}.{language}.opening")


def _not_square(found: SiteSettings) -> Iterator[LintFinding]:
    """Browsers show a favicon in a square of 16 pixels, in which a wide one can't be seen."""
    icon = parse_reference(found.favicon or "")
    if icon and max(icon.width, icon.height) > _SQUARE * min(icon.width, icon.height):
        yield LintFinding("not-square", "favicon", values={"width": icon.width, "height": icon.height})
