"""What programs of search engines ask for: which pages they may fetch, and a list of those worth showing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from rugcourse.web.access import Access, access
from rugcourse.web.public.indexing import IndexedPage, indexed_catalogue, indexed_course_page
from rugcourse.web.rendering import READ, runtime_of

router = APIRouter()

_KEPT = {"Cache-Control": "public, max-age=3600"}
# Admin pages, personal links of mails, results of tests, and what is for machines (RFC 9309).
_DISALLOWED = (
    *("/admin", "/api/", "/webhooks/", "/health/", "/metrics"),
    *(f"/{letter}/" for letter in "abclnoptuw"),
    "/*/*/result/",
)
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_XHTML = "http://www.w3.org/1999/xhtml"


@router.api_route("/robots.txt", methods=READ)
@access(Access.PUBLIC)
def robots(request: Request) -> PlainTextResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _DISALLOWED)]
    lines += ["", f"Sitemap: {runtime_of(request).settings.base_url}/sitemap.xml", ""]
    return PlainTextResponse("\n".join(lines), headers=_KEPT)


@router.api_route("/sitemap.xml", methods=READ)
@access(Access.PUBLIC)
def sitemap(request: Request) -> Response:
    """List each page in each language, with its other languages beside it (sitemaps.org 0.9, `xhtml:link`)."""
    urlset = Element("urlset", {"xmlns": _SITEMAP, "xmlns:xhtml": _XHTML})
    for page, changed_at in _pages(request):
        for url in page.urls.values():
            _add(urlset, url, page, changed_at)
    indent(urlset)
    content = tostring(urlset, encoding="utf-8", xml_declaration=True)
    return Response(content, media_type="application/xml", headers=_KEPT)


def _pages(request: Request) -> Iterator[tuple[IndexedPage, datetime | None]]:
    """Yield the pages that search engines may show, each with the time of its last change if that is known.

    Courses that take no new readers are left out.
    """
    runtime = runtime_of(request)
    yield indexed_catalogue(request), None
    for published in runtime.database.query(runtime.course_cache.courses):
        if not published.is_archived:
            course = published.course
            for below in ("", "/test") if course.tests else ("",):
                yield indexed_course_page(request, course, below), published.published_at


def _add(urlset: Element, url: str, page: IndexedPage, changed_at: datetime | None) -> None:
    entry = SubElement(urlset, "url")
    SubElement(entry, "loc").text = url
    if changed_at is not None:
        SubElement(entry, "lastmod").text = changed_at.isoformat(timespec="seconds")
    for language, other in (*page.urls.items(), ("x-default", page.fallback)):
        SubElement(entry, "xhtml:link", {"rel": "alternate", "hreflang": language, "href": other})
