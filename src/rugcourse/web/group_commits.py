"""Group commits of frequent requests: opens, clicks, questions and answers share transactions."""

from __future__ import annotations

from rugcourse.bootstrap import Runtime
from rugcourse.db.group_commit import GroupCommit
from rugcourse.learning.answers import (
    QuestionInMail,
    QuestionRef,
    RecordedAnswer,
    SubmittedAnswer,
    find_questions,
    record_answers,
)
from rugcourse.tracking.recorder import TrackingHit, record_hits


class GroupCommits:
    """The group commits of a process, shared by all requests."""

    def __init__(self, runtime: Runtime) -> None:
        course_cache, clock, database = runtime.course_cache, runtime.clock, runtime.database
        self.fetches = GroupCommit[TrackingHit, str | None](
            database.write_batch, lambda session, fetches: record_hits(session, course_cache, clock, fetches)
        )
        self.questions = GroupCommit[QuestionRef, QuestionInMail | None](
            database.read, lambda session, asked: find_questions(session, course_cache, clock, asked)
        )
        self.answers = GroupCommit[SubmittedAnswer, RecordedAnswer | None](
            database.write_batch, lambda session, presses: record_answers(session, course_cache, clock, presses)
        )
