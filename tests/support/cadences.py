"""Changes how often the lessons of a shipped course come."""

from __future__ import annotations

from tests.support.builders import COURSE, shipped_courses

from rugcourse.bootstrap import Runtime
from rugcourse.content import Course
from rugcourse.course_editor.file_sync import import_course
from rugcourse.scheduling import Cadence


def course_with(cadence: Cadence, slug: str = COURSE) -> Course:
    course = next(one for one in shipped_courses() if one.slug == slug)
    texts = {language: text.model_copy(update={"cadence": cadence}) for language, text in course.texts.items()}
    return course.model_copy(update={"texts": texts})


def publish_with(runtime: Runtime, cadence: Cadence) -> None:
    """Publish the first course with another cadence."""
    import_course(runtime.database, runtime.clock, [course_with(cadence)])
