"""The form of the site's settings: converts submitted text to values, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rugcourse.course_editor.linter import LintFinding
from rugcourse.design import ColourProblem, colour_problems, design_tokens
from rugcourse.locales import languages
from rugcourse.settings import Settings
from rugcourse.site_settings import SiteSettings
from rugcourse.site_settings.current import Site, colours_of, overridden
from rugcourse.site_settings.model import IN_ENVIRONMENT, LINE_LIMIT, NAME_LIMIT
from rugcourse.web.admin.campaign_forms import FormErrors

TEXTS = tuple(name for name in IN_ENVIRONMENT if name != "author_lines")
_LINE = "author_line."


def form_values(site: Site, chosen: SiteSettings) -> dict[str, str]:
    """Return the fields of the form, with what applies now."""
    colours = colours_of(chosen)
    lines = {f"{_LINE}{language}": site.settings.author_lines.get(language, "") for language in languages()}
    return {
        **{name: getattr(site.settings, name) for name in TEXTS},
        **lines,
        "accent": colours.accent,
        "paper": colours.paper,
        "font": chosen.font or "",
    }


def settings_from(typed: Mapping[str, str], environment: Settings, stored: SiteSettings) -> SiteSettings:
    """Return the settings of a form. Raises FormErrors with all fields that can't be used.

    A value that is that of the environment, or of the design, is not stored, so that it follows a change there. What
    the environment sets is left as it is stored.
    """
    fixed = overridden(environment)
    document = {name: getattr(stored, name) for name in fixed}
    for name in TEXTS:
        if name not in fixed:
            text = typed.get(name, "").strip()
            document[name] = None if text == getattr(environment, name) else text
    if "author_lines" not in fixed:
        lines = {language: typed.get(f"{_LINE}{language}", "").strip() for language in languages()}
        lines = {language: line for language, line in lines.items() if line}
        document["author_lines"] = None if lines == dict(environment.author_lines) else lines
    document["font"] = typed.get("font") or None
    for name in ("accent", "paper"):
        colour = typed.get(name, "").strip().lower()
        document[name] = None if colour in {"", design_tokens().light[name]} else colour
    try:
        found = SiteSettings.model_validate(document)
    except ValidationError as error:
        raise FormErrors(*(_finding(one) for one in error.errors())) from None
    problems = [*_empty_lines(found, environment), *_unreadable(found)]
    if problems:
        raise FormErrors(*problems)
    return found


def _finding(problem: ErrorDetails) -> LintFinding:
    """Convert an error of pydantic into a finding."""
    name, *rest = problem["loc"]
    where = f"{_LINE}{rest[0]}" if name == "author_lines" and rest else str(name)
    match problem["type"]:
        case "string_too_short":
            return LintFinding("missing", where)
        case "string_too_long":
            most = NAME_LIMIT if name in {"practice", "author_name"} else LINE_LIMIT
            return LintFinding("too-long", where, values={"most": most, "length": len(problem["input"])})
        case "string_pattern_mismatch":
            return LintFinding("no-colour", where)
        case "invisible" | "email" as kind:
            return LintFinding(kind, where)
        case _:
            return LintFinding("other", where, values={"text": problem["msg"]})


def _empty_lines(found: SiteSettings, environment: Settings) -> Iterator[LintFinding]:
    """The default language needs a line about the author: languages without one show it."""
    default = environment.default_language
    if found.author_lines is not None and default not in found.author_lines:
        yield LintFinding("missing", f"{_LINE}{default}")


def _unreadable(found: SiteSettings) -> Iterator[LintFinding]:
    for one in colour_problems(design_tokens(), colours_of(found)):
        yield LintFinding("low-contrast", one.field, values=_said(one))


def _said(problem: ColourProblem) -> dict[str, object]:
    return {"ratio": round(problem.ratio, 1), "least": problem.least, "nearest": problem.nearest}
