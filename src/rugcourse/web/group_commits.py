"""What readers do by the thousand shares transactions: fetching pictures and links, opening questions, answering."""

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
    """One for all requests of a process."""

    def __init__(self, runtime: Runtime) -> None:
        library, clock, database = runtime.library, runtime.clock, runtime.database
        self.fetches = GroupCommit[TrackingHit, str | None](
            database.write_batch, lambda session, fetches: record_hits(session, library, clock, fetches)
        )
        self.questions = GroupCommit[QuestionRef, QuestionInMail | None](
            database.read, lambda session, asked: find_questions(session, library, clock, asked)
        )
        self.answers = GroupCommit[SubmittedAnswer, RecordedAnswer | None](
            database.write_batch, lambda session, presses: record_answers(session, library, clock, presses)
        )
