"""The shapes of JSON columns that this code writes and reads itself. Forms and pydantic models validate the others."""

from __future__ import annotations

from typing import TypedDict

# Zone, hour, weekdays as bits, paused, paused until (ISO 8601, UTC), days between two lessons.
ScheduleColumns = tuple[str, int, int, bool, str | None, int]


class AudienceEstimate(TypedDict, total=False):
    """Who would get a draft of a campaign, as counted at `at` (ISO 8601, UTC).

    `languages`: language → people. `schedules`: the columns of a schedule, see `ScheduleColumns`, and how many people
    have it. `repeats`: of a cohort, see `rugcourse.db.audience.Repeats`.
    """

    at: str | None
    count: int
    not_agreed: int
    languages: dict[str, int]
    schedules: list[tuple[str, int, int, bool, str | None, int, int]]
    repeats: dict[str, int]


class AbTestCounts(TypedDict, total=False):
    """What was counted of both variants, and how sure the decision is (0 to 1)."""

    a: list[int]
    b: list[int]
    confidence: float


class ImportDocument(TypedDict, total=False):
    """Form fields of an import, as pydantic writes them: see `rugcourse.subscribers.csv_import.ImportSettings`."""

    course: str
    language: str
    zone: str
    hour: int
    tags: list[str]
    agreed_at: str | None
    agreed_text: str
    agreed_where: str
    news: bool
    columns: dict[str, int]


class JobDocument(TypedDict, total=False):
    """What a background job is to do.

    Of an import: the `file`'s name, its `headers`, which columns were `kept` (from 0), a `sample` of its lines, the
    settings as `intake`, and the addresses that it has more than once (`repeated`: whether one was imported).
    Of a bulk action: the `order`, see `rugcourse.subscribers.bulk_actions.BulkActionRequest`.
    """

    file: str
    headers: list[str]
    kept: list[int]
    sample: list[list[str]]
    intake: ImportDocument
    repeated: dict[str, bool]
    order: dict[str, object]
