"""The description of the API (OpenAPI 3.1), made from its endpoints, and a reference to read without a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import APIRoute

from rugcourse import __version__
from rugcourse.auth.api_tokens import Scope
from rugcourse.locales import SOURCE_LANGUAGE
from rugcourse.web.access import Access, access
from rugcourse.web.api import campaigns, courses, subscribers, suppressions
from rugcourse.web.api.problems import MEDIA_TYPE, TITLES, ApiRoute, ProblemDetails, problem
from rugcourse.web.rendering import READ, render

router = APIRouter(prefix="/api", route_class=ApiRoute)

_ROUTERS = (subscribers.router, courses.router, campaigns.router, suppressions.router)
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_Document = dict[str, Any]  # of OpenAPI: JSON of any depth
_PROBLEMS = (400, 401, 403, 404, 409, 413, 422, 429, 503)
_SUMMARY = "Courses by email: subscribers, courses, campaigns and suppressed addresses of one installation."


def add_api(app: FastAPI) -> None:
    """Add the endpoints, their description, and an answer in JSON for everything else below `/api`."""
    for one in _ROUTERS:
        app.include_router(one)
    app.state.api_description = None
    app.include_router(router)


def describe(app: FastAPI) -> _Document:
    """Return the description. It is made once."""
    if app.state.api_description is None:
        routes = [route for one in _ROUTERS for route in one.routes if isinstance(route, APIRoute)]
        found = get_openapi(
            title="rugcourse", version=__version__, openapi_version="3.1.0", summary=_SUMMARY, routes=routes
        )
        _complete(found, routes)
        app.state.api_description = found
    description: _Document = app.state.api_description
    return description


@router.api_route("/v1/openapi.json", methods=READ)
@access(Access.PUBLIC)
def description(request: Request) -> JSONResponse:
    """The description of the API."""
    return JSONResponse(describe(request.app))


@router.api_route("/v1/reference", methods=READ)
@access(Access.PUBLIC)
def reference(request: Request) -> HTMLResponse:
    """The description of the API as a page."""
    values = {
        "operations": [*_operations(describe(request.app))],
        "schemas": describe(request.app)["components"]["schemas"],
        "scopes": [*Scope],
        "problems": TITLES,
        "other_language_path": None,
    }
    return render(request, SOURCE_LANGUAGE, "api-reference", values)


@router.api_route("", methods=_METHODS)
@router.api_route("/{rest:path}", methods=_METHODS)
@access(Access.PUBLIC)
def nothing_here(request: Request, rest: str = "") -> Response:
    """Answer in JSON for addresses and methods that there are not."""
    allowed = _allowed(request.scope["path"])
    if allowed:
        return problem(405, f"Use {', '.join(allowed)}.", headers={"Allow": ", ".join(allowed)})
    return problem(404, f"There is nothing at /api/{rest[:100]}. See /api/v1/reference.")


def _allowed(path: str) -> list[str]:
    """Return the methods that an address has."""
    routes = [route for one in _ROUTERS for route in one.routes if isinstance(route, APIRoute)]
    return sorted({method for one in routes if one.path_regex.fullmatch(path) for method in one.methods or ()})


def _complete(found: _Document, routes: list[APIRoute]) -> None:
    """Add what the framework does not know: tokens, scopes, and problems instead of its own errors."""
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem_schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem_schema.pop("$defs", {}), ProblemDetails=problem_schema)
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    scopes = {(route.path, method.lower()): _scope_of(route) for route in routes for method in route.methods or ()}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            operation["security"] = [{"token": []}]
            operation["x-scope"] = scopes[path, method]
            answers = {str(status): {"description": "Problem", "content": content} for status in _PROBLEMS}
            operation["responses"] = {**answers, **_without_422(operation["responses"])}
            if any(one["name"] == "if-none-match" for one in operation.get("parameters", ())):
                operation["responses"]["304"] = {"description": "Nothing has changed"}


def _without_422(responses: _Document) -> _Document:
    return {status: answer for status, answer in responses.items() if status != "422"}


def _scope_of(route: APIRoute) -> str:
    return next(str(scope) for one in route.dependant.dependencies if (scope := getattr(one.call, "scope", None)))


def _operations(found: _Document) -> Iterator[_Document]:
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            yield {"method": method.upper(), "path": path, **operation}
