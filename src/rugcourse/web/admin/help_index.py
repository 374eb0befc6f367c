"""Help: the documentation for admins, to read and to search. For any role."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from rugcourse.help_pages.documents import PATH, help_document, help_documents
from rugcourse.help_pages.help_search import MAX_QUERY, search_help
from rugcourse.web.admin.auth import Analyst, admin_page
from rugcourse.web.rendering import READ, preferred_language

router = APIRouter()


@router.api_route(PATH, methods=READ)
def help_list_page(request: Request, identity: Analyst, q: Annotated[str, Query()] = "") -> HTMLResponse:
    """Show the pages of help, and the sections in which the words of `q` stand."""
    language, query = preferred_language(request), q[:MAX_QUERY].strip()
    values = {"query": query, "hits": search_help(query, language), "documents": help_documents(language)}
    return admin_page(request, identity, "help", values)


@router.api_route(f"{PATH}/{{page}}", methods=READ)
def help_page(request: Request, identity: Analyst, page: str) -> HTMLResponse:
    return admin_page(request, identity, "help-page", {"document": help_document(page, preferred_language(request))})
