"""A course as readers get it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rugcourse.content import Course


@dataclass(frozen=True, slots=True)
class PublishedCourse:
    """A course as readers get it now. `campaign_id`: its evergreen campaign; the dictionaries are by lesson slug.

    An archived course takes no new readers.
    """

    id: int
    campaign_id: int
    course: Course
    lesson_ids: dict[str, int]
    content_hash: str
    published_at: datetime
    is_archived: bool = False
