"""Courses, as they are published now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from rugcourse.errors import NotFoundError
from rugcourse.web.api.client import ReadsCourses
from rugcourse.web.api.problems import ApiRoute
from rugcourse.web.api.resources import CourseView
from rugcourse.web.rendering import runtime_of

router = APIRouter(prefix="/api/v1", tags=["Courses"], route_class=ApiRoute)


@router.get("/courses")
def list_courses(request: Request, _client: ReadsCourses) -> list[CourseView]:
    """List all published courses, also those that are archived."""
    runtime = runtime_of(request)
    return [CourseView.of(one) for one in runtime.database.query(runtime.course_cache.courses)]


@router.get("/courses/{course}")
def show_course(request: Request, _client: ReadsCourses, course: Annotated[str, Path(max_length=60)]) -> CourseView:
    """Show a published course with its lessons."""
    runtime = runtime_of(request)
    courses = runtime.database.query(runtime.course_cache.courses)
    found = next((one for one in courses if one.course.slug == course), None)
    if found is None:
        raise NotFoundError
    return CourseView.of(found)
