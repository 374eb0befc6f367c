"""Lists about campaigns: all of them, compared, their results and answers, learning gain, and A/B tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from starlette.requests import Request

from rugcourse.campaigns import ab_tests, page_data
from rugcourse.campaigns.ab_tests import AbTest, AbTestPage
from rugcourse.campaigns.page_data import CampaignList
from rugcourse.campaigns.progress import CampaignProgress
from rugcourse.db.models import CampaignRow
from rugcourse.i18n import N_, translations
from rugcourse.reports.campaign_comparison import compare
from rugcourse.reports.campaign_results import QuestionResult, Results, results_of
from rugcourse.web.admin.tables.table import Cell, ColumnKind, Table, TableColumn, TableOrder, arranged, order_from
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import NotFound, preferred_language, runtime_of, words_of

_A_PAGE = 50
_MOST_COMPARED = 50

_CAMPAIGNS = (
    TableColumn("name", N_("Name"), sorts=True),
    TableColumn("kind", N_("What")),
    TableColumn("status", N_("Status"), sorts=True),
    TableColumn("made", N_("Created"), ColumnKind.TIME, sorts=True),
    TableColumn("readers", N_("Readers"), ColumnKind.NUMBER),
    TableColumn("sent", N_("Sent"), ColumnKind.NUMBER),
    TableColumn("open", N_("Not sent yet"), ColumnKind.NUMBER),
)


class Campaigns(NamedTuple):
    """A page of campaigns, and what else its page shows."""

    table: Table
    found: CampaignList


def campaigns(request: Request, fields: Mapping[str, str]) -> Campaigns:
    """Return campaigns, or with `archived` those in the archive. `skip`: how many came before this page."""
    runtime, language = runtime_of(request), preferred_language(request)
    order = order_from(fields, _CAMPAIGNS, TableOrder("made", True))
    archived, skip = fields.get("archived") == "yes", whole_number(fields.get("skip", ""), 6)
    found = runtime.database.query(
        page_data.listed, _A_PAGE, archived=archived, skip=skip,
        by=order.column, backwards=order.backwards,
    )  # fmt: skip
    kinds = words_of(language, "admin/labels", "kind_names")
    rows = [
        (
            Cell(one.name, href=f"/admin/campaigns/{one.id}"),
            Cell(kinds[one.kind]),
            _status(one, found.progress[one.id], language),
            Cell(one.created_at),
            *map(Cell, _numbers(one, found.progress[one.id])),
        )
        for one in found.campaigns
    ]
    next_page = {"skip": str(skip + _A_PAGE)} if found.has_more else {}
    filters = {"archived": "yes"} if archived else {}
    return Campaigns(Table("campaigns", N_("Campaigns"), _CAMPAIGNS, rows, order, filters, next_page), found)


def campaigns_list(request: Request, fields: Mapping[str, str]) -> Table:
    return campaigns(request, fields).table


def _status(one: CampaignRow, progress: CampaignProgress, language: str) -> Cell:
    gettext = translations(language).gettext
    if progress.finished:
        return Cell(gettext("finished"), status="")
    if progress.scheduled:
        return Cell(gettext("scheduled"), status="")
    return Cell(words_of(language, "admin/labels", "campaign_status_names")[one.status], status=one.status)


def _numbers(one: CampaignRow, progress: CampaignProgress) -> tuple[int, int, int]:
    states = progress.total.states
    still_open = states["open"] if one.sends_course else progress.readers["active"]
    return sum(progress.readers.values()), states["accepted"], still_open


_COMPARED = (
    TableColumn("name", N_("Name"), sorts=True),
    TableColumn("readers", N_("Readers"), ColumnKind.NUMBER, sorts=True),
    TableColumn("arrived", N_("Arrived"), ColumnKind.NUMBER, sorts=True),
    TableColumn("refused", N_("Refused"), ColumnKind.SHARE, sorts=True),
    TableColumn("opened", N_("Opened by a human"), ColumnKind.SHARE, sorts=True),
    TableColumn("clicked", N_("Clicked by a human"), ColumnKind.SHARE, sorts=True),
    TableColumn("answered", N_("Answers per 100 emails"), ColumnKind.NUMBER, sorts=True),
    TableColumn("right", N_("of these right"), ColumnKind.SHARE, sorts=True),
    TableColumn("completed", N_("Completed"), ColumnKind.SHARE, sorts=True),
    TableColumn("left", N_("Left"), ColumnKind.SHARE, sorts=True),
)


def compared(request: Request, fields: Mapping[str, str]) -> Table:
    """Return the newest campaigns that have started, in rates."""
    kinds = words_of(preferred_language(request), "admin/labels", "kind_names")
    order = order_from(fields, _COMPARED, TableOrder("id", True))
    rows = [
        (
            Cell(one.row.name, href=f"/admin/campaigns/{one.row.id}/results", note=kinds[one.row.kind]),
            Cell(one.readers),
            Cell(one.arrived),
            *map(Cell, (one.refused, one.opened, one.clicked)),
            Cell(None if one.answered is None else round(100 * one.answered)),
            *map(Cell, (one.right, one.completed, one.left)),
        )
        for one in runtime_of(request).database.query(compare, _MOST_COMPARED)
    ]
    return Table("campaigns-compared", N_("Compare campaigns"), _COMPARED, arranged(rows, _COMPARED, order), order)


_RESULTS = (
    TableColumn("email", N_("Email"), sorts=True),
    TableColumn("arrived", N_("Arrived"), ColumnKind.NUMBER, sorts=True),
    TableColumn("opened", N_("Opened by a human"), ColumnKind.NUMBER, sorts=True),
    TableColumn("machines", N_("Opened by a machine"), ColumnKind.NUMBER, sorts=True),
    TableColumn("clicked", N_("Clicked by a human"), ColumnKind.NUMBER, sorts=True),
    TableColumn("helped", N_("Helped"), ColumnKind.NUMBER, sorts=True),
    TableColumn("not_helped", N_("Did not help"), ColumnKind.NUMBER, sorts=True),
)
_ANSWERS = (
    TableColumn("email", N_("Email")),
    TableColumn("question", N_("Question")),
    TableColumn("option", N_("Option")),
    TableColumn("right", N_("Right")),
    TableColumn("chosen", N_("Chosen"), ColumnKind.NUMBER),
)
_GAIN = (
    TableColumn("when", N_("When")),
    TableColumn("share", N_("Right in the test"), ColumnKind.SHARE),
    TableColumn("readers", N_("Readers"), ColumnKind.NUMBER),
)


class CampaignResults(NamedTuple):
    """The results of a campaign, as data and as lists. `gain`: without rows if nobody took the test twice."""

    campaign: CampaignRow
    results: Results
    mails: Table
    answers: Table
    gain: Table


def results(request: Request, campaign_id: int, fields: Mapping[str, str]) -> CampaignResults:
    """Return the results of a campaign. Raises NotFound."""
    runtime, language = runtime_of(request), preferred_language(request)
    try:
        row = runtime.database.query(page_data.find, campaign_id)
    except page_data.CampaignNotFound:
        raise NotFound from None
    found = runtime.database.query(results_of, runtime.course_cache, row, language)
    filters = {"campaign": str(campaign_id)}
    order = order_from(fields, _RESULTS, TableOrder("id"))
    mails = [
        (
            Cell(one.title),
            *map(Cell, (one.arrived, one.opened, one.opened_by_machines, one.clicked, one.helped, one.not_helped)),
        )
        for one in found.mails
    ]
    answers = [line for mail in found.mails for one in mail.questions for line in _answers(mail.title, one, language)]
    gettext = translations(language).gettext
    before, after = gettext("before the course"), gettext("after the course")
    shares = ((before, found.before), (after, found.after)) if found.twice and row.sends_course else ()
    gain = [(Cell(when), Cell(share), Cell(found.twice)) for when, share in shares]
    return CampaignResults(
        row,
        found,
        Table("campaign-results", N_("Results"), _RESULTS, arranged(mails, _RESULTS, order), order, filters),
        Table("campaign-answers", N_("First answers"), _ANSWERS, answers, TableOrder("id"), filters),
        Table("learning-gain", N_("What was learned"), _GAIN, gain, TableOrder("id"), filters),
    )


def results_list(request: Request, fields: Mapping[str, str]) -> Table:
    return results(request, whole_number(fields.get("campaign", ""), 9), fields).mails


def answers_list(request: Request, fields: Mapping[str, str]) -> Table:
    return results(request, whole_number(fields.get("campaign", ""), 9), fields).answers


def gain_list(request: Request, fields: Mapping[str, str]) -> Table:
    return results(request, whole_number(fields.get("campaign", ""), 9), fields).gain


def _answers(title: str, one: QuestionResult, language: str) -> Iterator[tuple[Cell, ...]]:
    gettext = translations(language).gettext
    for choice in one.choices:
        right = gettext("yes") if choice.right else gettext("no")
        yield Cell(title), Cell(one.question), Cell(choice.text), Cell(right), Cell(choice.chosen)
    if one.outdated:
        old = gettext("an option of an earlier version")
        yield Cell(title), Cell(one.question), Cell(old), Cell(None), Cell(one.outdated)


_AB_TESTS = (
    TableColumn("subject", N_("Subject")),
    TableColumn("mails", N_("Emails counted"), ColumnKind.NUMBER),
    TableColumn("acted", N_("Answered or followed a link"), ColumnKind.NUMBER),
    TableColumn("share", N_("Share"), ColumnKind.SHARE),
)
_AB_TESTS_IN_TIME = (
    *_AB_TESTS,
    TableColumn("began", N_("Began"), ColumnKind.TIME),
    TableColumn("decided", N_("Decided"), ColumnKind.TIME),
)


class AbTests(NamedTuple):
    """The A/B tests of a lesson, and a list of the two subjects of each."""

    page: AbTestPage
    tables: tuple[tuple[AbTest, Table], ...]


def lesson_ab_tests(request: Request, lesson_id: int) -> AbTests:
    """Return the tests of a lesson, newest first. Raises NotFound."""
    page = runtime_of(request).database.query(ab_tests.page, lesson_id)
    if page is None:
        raise NotFound
    title = N_("The two subjects")
    tables = tuple((one, Table("ab-tests", title, _AB_TESTS, _subjects(one), TableOrder("id"))) for one in page.held)
    return AbTests(page, tables)


def ab_tests_list(request: Request, fields: Mapping[str, str]) -> Table:
    """Return the subjects of all tests of a `lesson`, with the time of each test."""
    lesson = whole_number(fields.get("lesson", ""), 9)
    rows = [
        (*row, Cell(one.row.started_at), Cell(one.row.decided_at))
        for one, table in lesson_ab_tests(request, lesson).tables
        for row in table.rows
    ]
    title = N_("A/B test of the subject")
    return Table("ab-tests", title, _AB_TESTS_IN_TIME, rows, TableOrder("id"), {"lesson": str(lesson)})


def _subjects(one: AbTest) -> list[tuple[Cell, ...]]:
    """The subjects with what is known of them: while a test runs, not who leads."""
    rows: list[tuple[Cell, ...]] = []
    for place, subjects in enumerate(one.subjects):
        variant = one.variants[place] if one.variants else None
        decided = variant if one.row.decided_at is not None else None
        rows.append((
            Cell(" / ".join(subjects.values())),
            Cell(variant.mails if variant else None),
            Cell(decided.acted if decided else None),
            Cell(decided.acted / decided.mails if decided and decided.mails else None),
        ))  # fmt: skip
    return rows
