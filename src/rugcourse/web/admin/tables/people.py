"""Lists of people, and of what they wrote: subscribers, suppressed addresses, the mails behind a figure, remarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from unicodedata import normalize

from pydantic import BaseModel
from starlette.requests import Request

from rugcourse.campaigns import page_data as campaign_data
from rugcourse.campaigns.progress import STATES
from rugcourse.content.model import without_invisible
from rugcourse.db.audience import MAX_TAG_LENGTH, SubscriberFilter, SubscriberOrder
from rugcourse.db.models import DeliveryState, SubscriberStatus
from rugcourse.i18n import N_, language_name, translations
from rugcourse.reports.remarks import RemarkPage, remark_page
from rugcourse.subscribers import page_data
from rugcourse.subscribers.page_data import SubscriberList, SuppressionList
from rugcourse.web.admin.tables.table import Cell, ColumnKind, Table, TableColumn, TableOrder, order_from
from rugcourse.web.forms import whole_number
from rugcourse.web.rendering import NotFound, preferred_language, runtime_of, words_of

_A_PAGE = 50
_BY_SIGN_UP, _BY_ADDRESS = "signed_up", "address"


class SearchFields(BaseModel):
    """The filters of the list of subscribers, and its order."""

    q: str = ""
    status: str = ""
    language: str = ""
    tag: str = ""
    campaign: str = ""
    sort: str = ""

    def wanted(self) -> SubscriberFilter:
        return SubscriberFilter(
            text=normalize("NFC", without_invisible(self.q)).strip().lower()[:254],
            status=SubscriberStatus(self.status) if self.status in {*SubscriberStatus} else None,
            language=without_invisible(self.language)[:5],
            tag=without_invisible(self.tag).strip().lower()[:MAX_TAG_LENGTH],
            campaign_id=whole_number(self.campaign, 9),
        )

    @property
    def sorts_by_address(self) -> bool:
        """Whether the list can be in the order of addresses: people with a text, tag or campaign have no such index."""
        wanted = self.wanted()
        return not (wanted.text or wanted.tag or wanted.campaign_id)

    def columns(self) -> tuple[TableColumn, ...]:
        return (
            TableColumn(_BY_ADDRESS, N_("Address"), sorts=self.sorts_by_address),
            TableColumn("name", N_("Name")),
            TableColumn("status", N_("Status")),
            TableColumn("language", N_("Language")),
            TableColumn(_BY_SIGN_UP, N_("Signed up"), ColumnKind.TIME, sorts=True),
        )

    def shown_order(self) -> TableOrder:
        return order_from({"sort": self.sort}, self.columns(), TableOrder(_BY_SIGN_UP))

    def order(self) -> SubscriberOrder:
        shown = self.shown_order()
        return SubscriberOrder(shown.column == _BY_ADDRESS, shown.backwards)


class Subscribers(NamedTuple):
    """A page of subscribers, and what its filters offer."""

    table: Table
    found: SubscriberList


def subscribers(request: Request, fields: SearchFields, after: str) -> Subscribers:
    language = preferred_language(request)
    found = runtime_of(request).database.query(
        page_data.search, fields.wanted(), whole_number(after), _A_PAGE, fields.order()
    )
    statuses = words_of(language, "admin/statuses", "status_names")
    rows = [
        (
            Cell(one.email, href=f"/admin/subscribers/{one.id}"),
            Cell(one.name),
            Cell(statuses[one.status], status="well" if one.status == SubscriberStatus.ACTIVE else ""),
            Cell(language_name(one.language)),
            Cell(one.created_at),
        )
        for one in found.people
    ]
    filters = {name: text for name, text in fields.model_dump(exclude={"sort"}).items() if text}
    next_page = {"after": str(found.more)} if found.more else {}
    table = Table("subscribers", N_("Subscribers"), fields.columns(), rows, fields.shown_order(), filters, next_page)
    return Subscribers(table, found)


_SUPPRESSIONS = (
    TableColumn("address", N_("Address")),
    TableColumn("reason", N_("Reason")),
    TableColumn("since", N_("Since"), ColumnKind.TIME),
)


class Suppressions(NamedTuple):
    """A page of suppressed people, and what else its page shows."""

    table: Table
    found: SuppressionList


def suppressions(request: Request, typed: str, after: str) -> Suppressions:
    """Return a page of the list. `typed`: an address to look up."""
    runtime = runtime_of(request)
    found = runtime.database.query(page_data.suppressions, runtime.signer, typed, whole_number(after), _A_PAGE)
    reasons = words_of(preferred_language(request), "admin/suppression-reasons", "reason_names")
    rows = [
        (
            Cell(one.email, href=f"/admin/subscribers/{one.subscriber_id}"),
            Cell(reasons.get(one.reason, one.reason)),
            Cell(one.at),
        )
        for one in found.people
    ]
    next_page = {"after": str(found.more)} if found.more else {}
    title = N_("Whose owner is known")
    return Suppressions(Table("suppressions", title, _SUPPRESSIONS, rows, TableOrder("id"), after=next_page), found)


def suppressions_list(request: Request, fields: Mapping[str, str]) -> Table:
    return suppressions(request, "", fields.get("after", "")).table


_MAILS = (
    TableColumn("address", N_("Address")),
    TableColumn("planned", N_("Planned"), ColumnKind.TIME),
    TableColumn("settled", N_("Settled"), ColumnKind.TIME),
    TableColumn("answer", N_("What the mail server said")),
)


def campaign_mails(request: Request, fields: Mapping[str, str]) -> Table:
    """Return the mails of a `campaign` in a `state`, of one `lesson` or of all. Raises NotFound."""
    state = fields.get("state") or DeliveryState.ACCEPTED.value
    if state not in STATES:
        raise NotFound
    wanted = None if state == "open" else DeliveryState(state)
    campaign, lesson = whole_number(fields.get("campaign", ""), 9), whole_number(fields.get("lesson", ""), 9)
    found = runtime_of(request).database.query(
        campaign_data.mails, campaign, wanted, lesson, whole_number(fields.get("after", "")), _A_PAGE
    )
    rows = [
        (
            Cell(person.email, href=f"/admin/subscribers/{person.id}"),
            Cell(mail.planned_at),
            Cell(mail.settled_at),
            Cell(mail.smtp_response or ""),
        )
        for mail, person in found.found
    ]
    filters = {"campaign": str(campaign), "state": state, "lesson": str(lesson or "")}
    next_page = {"after": str(found.more)} if found.more else {}
    return Table("campaign-mails", N_("Emails"), _MAILS, rows, TableOrder("id"), filters, next_page)


_REMARKS = (
    TableColumn("when", N_("When"), ColumnKind.TIME),
    TableColumn("lesson", N_("Lesson")),
    TableColumn("helped", N_("Helped")),
    TableColumn("remark", N_("Comment")),
    TableColumn("language", N_("Language")),
    TableColumn("from", N_("From")),
)


class Remarks(NamedTuple):
    """A page of remarks, and the lessons that it can be limited to."""

    table: Table
    found: RemarkPage


def remarks(request: Request, fields: Mapping[str, str]) -> Remarks:
    """Return remarks, newest first. `lesson`: the id of one lesson, else of all; `before`: older than this remark."""
    runtime, language = runtime_of(request), preferred_language(request)
    lesson, before = whole_number(fields.get("lesson", ""), 9), whole_number(fields.get("before", ""))
    found = runtime.database.query(remark_page, runtime.course_cache, lesson or None, before or None, _A_PAGE, language)
    gettext = translations(language).gettext
    on_the_web, gone = gettext("the web page, without a name"), gettext("someone who is not known any more")
    rows = [
        (
            Cell(one.at),
            Cell(
                found.titles.get(one.lesson_id) or gettext("a message"), href=f"/admin/remarks?lesson={one.lesson_id}"
            ),
            Cell(gettext("yes") if one.helped else gettext("no")),
            Cell(one.remark, language=one.language),
            Cell(language_name(one.language)),
            Cell(one.email, href=f"/admin/subscribers/{one.subscriber_id}")
            if one.email
            else Cell(None, note=on_the_web if one.delivery_id is None else gone),
        )
        for one in found.remarks
    ]
    next_page = {"before": str(found.more)} if found.more else {}
    title = N_("Comments on lessons")
    filters = {"lesson": str(lesson or "")}
    return Remarks(Table("remarks", title, _REMARKS, rows, TableOrder("when", True), filters, next_page), found)


def remarks_list(request: Request, fields: Mapping[str, str]) -> Table:
    return remarks(request, fields).table
