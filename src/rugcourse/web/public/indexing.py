"""Pages that search engines may list: one address per language, and which of them is for everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from rugcourse.content import Course
from rugcourse.content.languages import language_for
from rugcourse.locales import languages
from rugcourse.web.rendering import runtime_of


@dataclass(frozen=True, slots=True)
class IndexedPage:
    """One page in its languages. `urls`: language → URL without a query; `fallback`: for visitors with another language
    (`x-default`).
    """

    urls: Mapping[str, str]
    fallback: str


def indexed_catalogue(request: Request) -> IndexedPage:
    """Return the addresses of the list of courses. The front page leads each visitor to their language."""
    base_url = runtime_of(request).settings.base_url
    return IndexedPage({language: f"{base_url}/{language}" for language in languages()}, f"{base_url}/")


def indexed_course_page(request: Request, course: Course, below: str = "") -> IndexedPage:
    """Return the addresses of a page of a course. `below`: its path below the course, such as `/test`."""
    settings = runtime_of(request).settings
    urls = {language: f"{settings.base_url}/{language}/{course.slug}{below}" for language in course.languages}
    return IndexedPage(urls, urls[language_for(urls, settings.default_language)])
