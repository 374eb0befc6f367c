"""The message of a broadcast is kept as a lesson is, and is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.builders import course_of
from tests.support.campaigns import draft
from tests.support.course_edits import inserted, publish, renamed

from rugcourse.bootstrap import Runtime
from rugcourse.course_editor.lesson_draft import LessonDraft
from rugcourse.db.models import CampaignKind, LessonRow
from rugcourse.db.queries import campaigns, course_publishing
from rugcourse.scheduling import Timing


def put_in(runtime: Runtime, slug: str) -> None:
    publish(runtime, LessonDraft(course_of(runtime).course, slug, 10, inserted(runtime, 10).fields))


@pytest.mark.parametrize("take_slug", [put_in, lambda runtime, slug: renamed(runtime, 9, slug)])
def test_broadcast_message_never_collides_with_a_lesson_of_the_same_name(
    runtime: Runtime, take_slug: Callable[[Runtime, str], None]
) -> None:
    made = draft(runtime, CampaignKind.BROADCAST, Timing())
    slug = f"campaign-{made}"
    with runtime.database.write() as session:
        before = campaigns.find_message(session, made)
        message = session.get_one(LessonRow, campaigns.message_id_of(session, made))
        message.slug = slug  # as messages were called once
    take_slug(runtime, slug)
    for _ in range(2):
        with runtime.database.read() as session:
            assert campaigns.find_message(session, made) == before
        assert course_of(runtime).course.lessons[-1].slug == slug
        draft(runtime, CampaignKind.BROADCAST, Timing())
    assert "campaign-" not in course_publishing.message_slug(made)
