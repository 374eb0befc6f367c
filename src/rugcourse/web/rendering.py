"""Renders HTML pages in the visitor's language."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache, lru_cache, partial

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.environment import TemplateModule
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from rugcourse import paths
from rugcourse.bootstrap import Runtime
from rugcourse.content import Course, Lesson
from rugcourse.content.languages import language_for, text_for
from rugcourse.content.lesson_tags import LessonPlace
from rugcourse.content.markdown import to_html
from rugcourse.content.safety_notice_tag import split_at_notice
from rugcourse.emails.safety_notice import safety_notice_text
from rugcourse.emails.sandbox import Sandbox, SharedCode
from rugcourse.errors import NotFoundError, RugcourseError
from rugcourse.i18n import (
    cadence_phrase,
    day_and_hour,
    day_name,
    decimal,
    full_date,
    language_name,
    language_name_in,
    locale_name,
    translations,
    weekday_name,
)
from rugcourse.locales import languages
from rugcourse.pictures.markup import small_attributes
from rugcourse.scheduling import DAILY, zone_names
from rugcourse.web.browsers import browser_name
from rugcourse.web.compression import compressed_once
from rugcourse.web.time_zones import zone_choices, zone_label

READ = ["GET", "HEAD"]  # the methods of pages that change nothing
STATIC_TYPES = {
    "style.css": "text/css",
    "admin.css": "text/css",
    "zone.js": "text/javascript",
    "share.js": "text/javascript",
    "admin.js": "text/javascript",
    "course.js": "text/javascript",
    "markdown.js": "text/javascript",
    "passkey.js": "text/javascript",
    "site.js": "text/javascript",
}


_code = SharedCode()  # of all languages


class NotFound(NotFoundError):
    """The page does not exist, or is not accessible; the response does not tell which."""


class RateLimited(RugcourseError):
    """A rate limit is reached; the client can retry in an hour."""


def runtime_of(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def render(
    request: Request, language: str, template: str, values: Mapping[str, object] | None = None, status: int = 200
) -> HTMLResponse:
    """Render `templates/web/<template>.html`."""
    runtime = runtime_of(request)
    site = runtime.site
    html = (
        _environment(language)
        .get_template(f"{template}.html")
        .render(
            language=language,
            practice=site.settings.practice,
            branding=site.branding,
            postal_address=site.settings.postal_address,
            static_url=partial(static_url, css=site.css),
            base_url=runtime.settings.base_url,
            **(values or {}),
        )
    )
    return HTMLResponse(html, status)


def words_of(language: str, template: str, name: str) -> Mapping[str, str]:
    """Return the words that `templates/web/<template>.html` has under a name, in a language."""
    words: Mapping[str, str] = getattr(_module(language, template), name)
    return words


def phrase_of(language: str, template: str, macro: str, value: object) -> Markup:
    """Return what a macro of `templates/web/<template>.html` makes of a value."""
    phrase: Markup = getattr(_module(language, template), macro)(value)
    return phrase


def course_context(course: Course, language: str, path: str | None) -> dict[str, object]:
    """Return what every page of a course shows. `path`: of the page below the course, for the link to the other
    language; None without one.
    """
    return {
        "course": course,
        "text_of_course": course.texts[language],
        "safety_notice": course.safety_notices.get(language),
        "other_language_path": None if path is None else f"/{course.slug}{path}",
    }


def lesson_place(course: Course, lesson: Lesson, language: str) -> LessonPlace:
    """Return where a lesson stands, for its tags. Other lessons are linked by their public pages."""
    return LessonPlace(lesson.number, course, language, lambda slug: f"/{language}/{course.slug}/lessons/{slug}")


def preferred_language(request: Request) -> str:
    """Return the language of the URL, else the first supported one in Accept-Language (RFC 9110, 12.5.4), else the
    default. On admin pages the admin's choice comes before these, and then that of the site.

    Quality values are ignored, as browsers list languages in order of preference.
    """
    first = request.url.path[1:].split("/", 1)[0]
    if first in languages():
        return first
    if first == "admin":
        for chosen in (getattr(request.state, "admin_language", ""), runtime_of(request).site.admin_language):
            if chosen in languages():
                return chosen
    for part in request.headers.get("accept-language", "").split(","):
        language = part.split(";")[0].strip().partition("-")[0].lower()
        if language in languages():
            return language
    return runtime_of(request).settings.default_language


def require_language(language: str) -> None:
    if language not in languages():
        raise NotFound


@lru_cache(maxsize=512)
def body_html(text: str, practice: str) -> Markup:
    """Render a Markdown body for a page, without the reader's name."""
    tags = {"first_name": "", "practice": str(Markup.escape(practice))}
    return Markup(to_html(text, {}, tags))  # noqa: S704 - made from Markdown without raw HTML


@lru_cache(maxsize=64)
def static_file(name: str, css: str) -> bytes:
    """Return the content of a static file. `css`: the variables with which the style sheet begins. Raises NotFound."""
    if name not in STATIC_TYPES:
        raise NotFound
    content = (paths.folder("templates") / "web" / "static" / name).read_bytes()
    return css.encode() + content if name == "style.css" else content


@lru_cache(maxsize=64)
def compressed_static_file(name: str, css: str) -> bytes:
    """Return a static file in gzip, compressed once for all requests. Raises NotFound."""
    return compressed_once(static_file(name, css))


@lru_cache(maxsize=64)
def static_url(name: str, css: str) -> str:
    """Return the URL of a static file with a fingerprint, so that browsers can cache it forever."""
    return f"/static/{hashlib.sha256(static_file(name, css)).hexdigest()[:12]}/{name}"


def preload_templates() -> None:
    """Compile the templates of public pages: else the first concurrent requests would each compile the same ones.

    Admin pages, two thirds of all, have few concurrent requests. Each is compiled at its first request.
    """
    zone_names()
    for language in languages():
        environment = _environment(language)
        for name in environment.list_templates(extensions=["html"]):
            if not name.startswith("admin/"):
                environment.get_template(name)


@cache
def _module(language: str, template: str) -> TemplateModule:
    return _environment(language).get_template(f"{template}.html").make_module({"language": language})


@cache
def _environment(language: str) -> Sandbox:
    environment = Sandbox(
        loader=FileSystemLoader(paths.folder("templates") / "web"),
        bytecode_cache=_code,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        body_html=body_html,
        small_attributes=small_attributes,
        split_at_notice=split_at_notice,
        safety_notice_text=lambda notice: safety_notice_text(notice, language),
        languages=languages(),
        language_for=language_for,
        text_for=text_for,
        weekday=lambda day: weekday_name(day, language),
        cadence_phrase=lambda cadence: cadence_phrase(cadence, language),
        when=lambda instant: day_and_hour(instant, language),
        day_name=lambda day: day_name(day, language),
        language_name=language_name,
        language_here=lambda code: language_name_in(code, language),
        locale_name=locale_name,
        zone_label=lambda name: zone_label(name, language),
        zone_choices=lambda current: zone_choices(language, current),
        browser_name=browser_name,
        full_date=lambda day: full_date(day, language),
        daily=DAILY,
        number=lambda value: decimal(value, language),
    )
    return environment
