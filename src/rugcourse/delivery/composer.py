"""Fills in a prepared mail for one reader."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rugcourse.content import Lesson, Question
from rugcourse.db.models import ASKING_MAIL, CAMPAIGN_MAIL, FIRST_MAIL, DeliveryKind
from rugcourse.db.queries.claims import DeliveryJob, SentSnapshot
from rugcourse.db.queries.due_enrolments import NextDue
from rugcourse.db.queries.subscribers import Agreed
from rugcourse.delivery.template_cache import PreparedEmail
from rugcourse.emails.catalogue import answer_links, first_name
from rugcourse.emails.mime import RecipientHeaders, assemble
from rugcourse.emails.templates import TemplateError
from rugcourse.i18n import day_and_hour, full_date
from rugcourse.learning.recap import RECAP_NUMBER
from rugcourse.links import BadToken, Links, MailRef

if TYPE_CHECKING:
    from rugcourse.emails.dkim import DkimSigner

_TEXT_WIDTH = 74  # columns of quoted user input in the text part


@dataclass(frozen=True, slots=True)
class Personalisation:
    """The parts of a mail that depend on the reader's course.

    `next_due`: when the next lesson is due, if any. `agreed`: how an imported subscriber consented. `reminds_of`: the
    id of the confirmation mail whose link a reminder repeats.
    """

    recap: Question | None = None
    next_due: NextDue | None = None
    agreed: Agreed | None = None
    reminds_of: int | None = None


@dataclass(frozen=True, slots=True)
class PreparedMessage:
    """A message whose content is decided, but which is not written yet."""

    job: DeliveryJob
    prepared: PreparedEmail
    personalisation: Personalisation
    message_id: str

    @property
    def id(self) -> int:
        return self.job.id

    @property
    def recipient(self) -> str:
        return self.job.email

    @property
    def domain(self) -> str:
        return self.job.domain

    @property
    def snapshot(self) -> SentSnapshot:
        """What the ledger records of the message."""
        recap = self.personalisation.recap.id if self.personalisation.recap else None
        return SentSnapshot(self.job.id, self.message_id, self.prepared.language, self.job.lesson_version_id, recap)


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes messages for one installation.

    `domain`: of the Message-IDs. `bounce_address`: where this installation receives mail, if it does.
    """

    links: Links
    domain: str
    dkim: DkimSigner | None = None
    bounce_address: str = ""

    def draft(self, job: DeliveryJob, prepared: PreparedEmail, personalisation: Personalisation) -> PreparedMessage:
        """Decide on the message of a delivery. A retry to the same address keeps its Message-ID."""
        tried = job.message_id if self._is_for_this_address(job) else None
        message_id = tried or self.links.message_id(job.ref, self.domain)
        return PreparedMessage(job, prepared, personalisation, message_id)

    def _is_for_this_address(self, job: DeliveryJob) -> bool:
        """Whether the delivery was not tried yet, or tried with the reader's current address (by its Message-ID)."""
        with suppress(BadToken):  # signed with a key that is no longer in the settings
            return job.message_id is None or self.links.quoted(job.message_id) == job.ref
        return True

    def write(self, draft: PreparedMessage, now: datetime, *, eight_bit: bool) -> bytes:
        """Write the message. `now` (UTC) becomes its Date. Raises TemplateError."""
        job, prepared = draft.job, draft.prepared
        values = self.values(job, prepared, draft.personalisation)
        html, text = prepared.template.write(values)
        addressing = RecipientHeaders(
            to=job.email,
            message_id=draft.message_id,
            date=now,
            campaign_id=job.campaign_id,
            unsubscribe_url=values["unsubscribe_url"],
            help_url=values["preferences_url"],
            unsubscribe_address=self._unsubscribe_address(job.ref) if prepared.skeleton.stream.is_list else "",
        )
        message = assemble(prepared.skeleton, addressing, html, text, eight_bit=eight_bit)
        return message if self.dkim is None else self.dkim.sign(message)

    def values(self, job: DeliveryJob, prepared: PreparedEmail, personalisation: Personalisation) -> dict[str, Any]:
        """Return the reader's values for the template; each template lists at its top which ones it uses."""
        links, mail = self.links, job.ref
        own: dict[str, object] = {
            "unsubscribe_url": links.unsubscribe(mail),
            "preferences_url": links.preferences(mail),
        }
        if job.kind in ASKING_MAIL:
            return own | {"confirm_url": links.confirm(_asked(job, personalisation))}
        values = own | {
            "first_name": first_name(job.name),
            "total": len(prepared.course.lessons),
        }
        if job.kind == DeliveryKind.IMPORTED:
            values |= _agreed(personalisation.agreed, prepared.language)
        if job.kind in FIRST_MAIL:
            values["first_due"] = _first_due(personalisation.next_due, prepared.language)
            values |= {"pdf_url": links.book(mail, "pdf"), "epub_url": links.book(mail, "epub")}
        if job.kind in CAMPAIGN_MAIL:
            values |= self._measured_values(job, mail, prepared)
        if prepared.lesson is not None:
            values |= self._lesson_values(mail, prepared, prepared.lesson, personalisation.recap)
        return values

    def _unsubscribe_address(self, mail: MailRef) -> str:
        return self.links.unsubscribe_address(mail, self.bounce_address) if self.bounce_address else ""

    def _lesson_values(
        self, mail: MailRef, prepared: PreparedEmail, lesson: Lesson, recap: Question | None
    ) -> dict[str, object]:
        links = self.links
        quiz = lesson.texts[prepared.language].quiz
        return {
            "percent": round(100 * lesson.number / len(prepared.course.lessons)),
            "lesson_url": links.lesson(mail),
            "retest_url": links.retest(mail),
            "answers": [answer_links(question, number, mail, links) for number, question in enumerate(quiz)],
            "recap": _recap(recap, mail, links),
        }

    def _measured_values(self, job: DeliveryJob, mail: MailRef, prepared: PreparedEmail) -> dict[str, object]:
        """Return the tracking picture and links; without consent to measuring, no picture and plain links."""
        links = self.links
        return {
            "pixel_url": links.pixel(mail) if job.measuring else "",
            "link": (lambda number: links.click(mail, number))
            if job.measuring
            else prepared.template.targets.__getitem__,
        }


def _recap(question: Question | None, mail: MailRef, links: Links) -> dict[str, object] | None:
    if question is None:
        return None
    addresses = answer_links(question, RECAP_NUMBER, mail, links)
    options = [{"text": one.text, "url": url} for one, url in zip(question.options, addresses, strict=True)]
    return {"question": question.question, "options": options}


def _asked(job: DeliveryJob, personalisation: Personalisation) -> MailRef:
    """Return the mail that a confirmation refers to: a reminder's link ends when that of the first mail does."""
    if job.kind != DeliveryKind.REMINDER:
        return job.ref
    if personalisation.reminds_of is None:
        raise TemplateError("the mail of which this is a reminder is not there any more")
    return MailRef(personalisation.reminds_of, job.stamp)


def _agreed(agreed: Agreed | None, language: str) -> dict[str, object]:
    if agreed is None:
        raise TemplateError("there is no record of the subscriber's consent")
    return {
        "agreed_on": full_date(agreed.at.date(), language),
        "agreed_where": agreed.where,
        "agreed_lines": wrap(agreed.text, _TEXT_WIDTH, break_long_words=True),
        "agreed_news": agreed.news,
    }


def _first_due(next_due: NextDue | None, language: str) -> str:
    return day_and_hour(next_due.at.astimezone(ZoneInfo(next_due.zone)), language) if next_due else ""
