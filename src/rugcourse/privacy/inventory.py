"""Inventory of all stored data by column: data subject, purpose, retention, erasure, and place in the data export.

The data export, the record of processing and the privacy page are generated from it or tested against it. A test fails
for each column that is not declared. What the words mean: `rugcourse.privacy.declarations`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from rugcourse.db.models import EventKind
from rugcourse.i18n import N_
from rugcourse.privacy.declarations import (
    ASKING,
    CONFIRMED,
    OTHER_MAILS,
    End,
    Erasure,
    Group,
    LeftOut,
    ProcessingPurpose,
    Whose,
    before_and_after,
    events,
    not_exported,
    of_a_reader,
    of_admins,
    of_nobody,
    some_rows,
)

# The day on which what is kept, or the words of the privacy page about it, changed last: a test keeps to it.
WORDS_OF = date(2026, 11, 28)

INVENTORY: tuple[Group, ...] = (
    # Their letters are in the index of the search too, and leave it with them, see `rugcourse.db.search_index`.
    *before_and_after("subscriber", "person", "email name language", "domain=part"),
    of_a_reader(
        "subscriber", "person",
        "status tracking_consent=measuring created_at=signed_up confirmed_at=confirmed left_at=left "
        "address_corrected_at=address_changed links_revoked_at=links_closed "
        "statistics_objected_at=left_out_since tags_objected_at=no_labels_since warned_at=told_of_erasing",
        "id=number former_address_hash=hash security_stamp=number",
    ),
    of_a_reader(
        "subscriber", "person", "pending_signup=signed_up_again remind_at=reminder_due", "", ProcessingPurpose.SIGNUP
    ),
    of_a_reader("subscriber", "person", "news_consent=other_news", "", ProcessingPurpose.NEWS),
    # The address is deleted when its link expires, as it may be a stranger's.
    of_a_reader("address_change", "addresses_asked_for", "email=new_address", "", ProcessingPurpose.SIGNUP, End.LINK),
    of_a_reader(
        "address_change", "addresses_asked_for", "requested_at=asked_for confirmed_at=confirmed",
        "id=number subscriber_id=number secret=number address_hash=hash",
        ProcessingPurpose.SIGNUP, End.ASKED, Erasure.STAYS,
    ),
    *before_and_after(
        "schedule", "schedule", "zone hour weekdays every_days paused paused_until", "subscriber_id=number"
    ),
    of_a_reader(
        "consent", "consents",
        "purpose granted=given text_name=wording notice_name=privacy_notice source=where "
        "course_id=course delivery_id=mail at",
        "id=number subscriber_id=number",
        ProcessingPurpose.CONSENT,
    ),
    of_a_reader(
        "enrolment", "courses",
        "campaign_id=campaign status next_position=next_lesson_number lessons_planned=lessons next_due_at=next_lesson "
        "last_local_date=last_day awaits_answer=quiz_is_open started_at=started completed_at=completed left_at=left",
        "id=number subscriber_id=number",
    ),
    *before_and_after(
        "delivery", "mails",
        "id=mail kind state campaign_id=campaign lesson_id=lesson lesson_version_id=version local_date=day "
        "planned_at=planned not_before send_by attempts language recap_question message_id settled_at=settled "
        "smtp_response=server_said",
        "queue=part subscriber_id=number enrolment_id=number idempotency_key=number lease=working",
        ProcessingPurpose.DELIVERY, ASKING, OTHER_MAILS,
    ),
    events((EventKind.OPEN, EventKind.CLICK), ProcessingPurpose.MEASURING, End.MEASURED),
    events((EventKind.ANSWER,), ProcessingPurpose.COURSE, End.ANSWERED),
    events(
        (EventKind.UNSUBSCRIBE, EventKind.COMPLAINT, EventKind.BOUNCE, EventKind.RESEND),
        ProcessingPurpose.DELIVERY, End.RETURNED,
    ),
    of_a_reader(
        "answer", "answers",
        "course_id=course question delivery_id=mail lesson_version_id=version "
        "first_option=first_answer first_correct=first_right "
        "first_at last_option=last_answer last_correct=last_right last_at verdict is_excluded=left_out",
        "id=number subscriber_id=number",
    ),
    of_a_reader(
        "review_card", "repetition",
        "course_id=course question due_at=comes_back missed last_delivery_id=asked_in_mail reviewed_at=last_asked "
        "state=memory",
        "id=number subscriber_id=number",
    ),
    some_rows(("of readers",), of_a_reader(
        "assessment_attempt", "tests", "course_id=course stage options=answers correct=right total=asked at",
        "id=number subscriber_id=number",
    )),
    some_rows(("of visitors",), of_a_reader(
        "assessment_attempt", "", "",
        "id=nameless subscriber_id=nameless course_id=nameless stage=nameless options=nameless correct=nameless "
        "total=nameless at=nameless",
        ProcessingPurpose.SIGNUP, End.UNCLAIMED, Erasure.STAYS,
    )),
    some_rows(("of readers",), of_a_reader(
        "feedback", "remarks", "lesson_id=lesson delivery_id=mail language helped at remark", "id=number",
        ProcessingPurpose.REMARKS,
    )),
    # When a visitor's remark is deleted, the rating stays, as it is anonymous.
    some_rows(("of visitors",), of_nobody("feedback", "id lesson_id delivery_id language helped at")),
    some_rows(("of visitors",), of_a_reader(
        "feedback", "", "", "remark=nameless", ProcessingPurpose.VISITORS, End.REMARK, Erasure.STAYS
    )),
    of_a_reader("subscriber_tag", "tags", "tag", "subscriber_id=number", ProcessingPurpose.LABELS),
    of_a_reader(
        "audit_log", "done_by_us", "at admin_id=by action before after", "id=number subject=number",
        ProcessingPurpose.LOG, End.LOG,
    ),
    # It has to outlast the erasure: else an import could add the person again.
    of_a_reader(
        "suppression", "not_written_to", "reason created_at=since", "address_hash=hash",
        ProcessingPurpose.STOP, End.SUPPRESSION, Erasure.STAYS,
    ),
    # A domain can identify a family. These rows are deleted with the domain's last subscriber.
    of_a_reader(
        "hold", "", "", "key=part reason=part since=part until=part consecutive=part",
        ProcessingPurpose.DELIVERY, End.DOMAIN,
    ),
    of_a_reader(
        "rate_limit_bucket", "", "", "key=part tokens=part filled_at=part", ProcessingPurpose.DELIVERY, End.DOMAIN
    ),
    of_a_reader("key_value", "", "", "key=part value=part", ProcessingPurpose.DELIVERY, End.DOMAIN),
    of_a_reader(
        "lease", "", "", "token=working expires_at=working delivery_ids=working",
        ProcessingPurpose.DELIVERY, End.WORKING, Erasure.STAYS,
    ),
    # People on a list during its import: sample lines, duplicate addresses and invalid values.
    of_a_reader(
        "job_chunk", "", "", "job_id=brief number=brief lines=brief", end=End.LIST, erasure=Erasure.STAYS
    ),
    some_rows(("while a list is read",), of_a_reader(
        "job", "", "", "params=brief problems=brief", end=End.LIST, erasure=Erasure.STAYS
    )),
    # The source of a list, the admin's statement about it, and the numbers of wrong lines.
    some_rows(("done with",), not_exported(
        "job", "params problems", Whose.ADMIN, ProcessingPurpose.LOG, End.JOB, LeftOut.OF_ADMINS
    )),
    not_exported(
        "job", "id kind state cursor total counts admin_id created_at ended_at",
        Whose.ADMIN, ProcessingPurpose.LOG, End.JOB, LeftOut.OF_ADMINS,
    ),
    of_admins(
        "admin",
        "id email name language role password_hash totp_secret totp_step "
        "invite_token_hash invite_expires_at created_at disabled_at "
        "first_login_at reset_token_hash reset_expires_at",
        End.ACCOUNT,
    ),
    of_admins(
        "admin_session", "id token_hash admin_id second_factor_due code_attempts user_agent created_at seen_at",
        End.SESSION,
    ),
    of_admins(
        "api_token",
        "id token_hash hint name scopes admin_id created_at expires_at used_at revoked_at",
        End.ACCOUNT,
    ),
    # The address is not stored here: it is added while sending, for an endpoint that gets addresses.
    of_a_reader(
        "webhook_delivery", "", "",
        "id=number endpoint_id=number subscriber_id=number event=part data=part state=working created_at=part "
        "next_attempt_at=working lease=working attempts=working attempted_at=working status_code=working "
        "reply=working settled_at=working",
        end=End.TOLD,
    ),
    of_nobody(
        "webhook_endpoint",
        "id url description events includes_email is_enabled disabled_reason secret former_secret former_secret_until "
        "created_at failing_since failures retry_at",
    ),
    of_nobody("idempotency_key", "token_id key_hash request_hash created_at"),
    of_admins("admin_passkey", "id admin_id credential_id public_key sign_count name created_at used_at", End.ACCOUNT),
    of_admins("admin_recovery_code", "code_hash admin_id", End.ACCOUNT),
    of_admins("admin_challenge", "challenge bound_to expires_at", End.CHALLENGE),
    of_admins("security_event", "id at kind admin_id network user_agent", End.SECURITY),
    of_admins("lesson_draft", "admin_id saved_at", End.ACCOUNT, ProcessingPurpose.LOG),
    of_admins("discarded_draft", "admin_id discarded_at", End.ACCOUNT, ProcessingPurpose.LOG),
    of_admins("course_draft", "admin_id saved_at", End.ACCOUNT, ProcessingPurpose.LOG),
    of_admins("site_settings", "admin_id saved_at", End.ACCOUNT, ProcessingPurpose.LOG),
    of_nobody("site_settings", "id document revision"),
    of_admins("picture", "admin_id created_at", End.ACCOUNT, ProcessingPurpose.LOG),
    of_nobody("course_draft", "course_id part fields revision"),
    of_nobody("course_version", "id course_id document published_at"),
    of_nobody("lesson_draft", "course_id slug fields revision base_version_id"),
    of_nobody("discarded_draft", "id course_id slug fields base_version_id"),
    of_nobody("heartbeat", "id kind host pid started_at seen_at"),
    of_nobody(
        "course",
        "id slug content_hash document languages cadence created_at published_at archived_at draft_revision "
        "synced_hashes",
    ),
    of_nobody("lesson", "id course_id campaign_id slug position current_version_id read_count"),
    of_nobody("lesson_version", "id lesson_id content_hash document published_at"),
    of_nobody("lesson_version_pin", "lesson_id up_to_enrolment version_id"),
    of_nobody(
        "ab_test",
        "id lesson_id version_a_id version_b_id min_sample started_at evaluated_at decided_at "
        "winner multiplier shift result",
    ),
    of_nobody(
        "campaign",
        "id course_id kind name created_at rate_per_minute ground status "
        "pause_reason audience timing estimate resumed_at "
        "enrol_up_to enrolled_up_to again_before started_at archived_at discarded_at",
    ),
    of_nobody("consent_text", "name language text"),
    of_nobody("picture", "digest name extension width height size content storage_key"),
    of_nobody("picture_rendition", "digest width content storage_key"),
    of_nobody("ebook", "course_id language kind fingerprint content made_at"),
    of_nobody("counter", "campaign_id lesson_id day metric count"),
    of_nobody("counter_delta", "id campaign_id lesson_id day metric count"),
)  # fmt: skip


# The names in the data export, in words.
LABELS: Mapping[str, str] = {
    "email": N_("email address"),
    "name": N_("name"),
    "language": N_("language"),
    "status": N_("status"),
    "measuring": N_("may be measured"),
    "other_news": N_("gets other news"),
    "privacy_notice": N_("name of the privacy page"),
    "signed_up": N_("signed up"),
    "confirmed": N_("confirmed"),
    "left": N_("left"),
    "zone": N_("time zone"),
    "hour": N_("hour"),
    "weekdays": N_("weekdays (1 is Monday)"),
    "every_days": N_("days from lesson to lesson"),
    "paused": N_("paused"),
    "paused_until": N_("paused until"),
    "at": N_("when"),
    "purpose": N_("for what"),
    "given": N_("agreed"),
    "where": N_("where"),
    "wording": N_("name of the wording"),
    "text": N_("words"),
    "course": N_("course"),
    "lessons": N_("lessons"),
    "started": N_("started"),
    "next_lesson": N_("next lesson"),
    "quiz_is_open": N_("the next lesson waits for the answer to the quiz"),
    "completed": N_("completed"),
    "mail": N_("number of the email"),
    "kind": N_("kind"),
    "lesson": N_("lesson"),
    "state": N_("state"),
    "planned": N_("planned"),
    "settled": N_("settled"),
    "message_id": "Message-ID",
    "server_said": N_("what the mail server said"),
    "link": N_("link"),
    "verdict": N_("human or machine"),
    "question": N_("question"),
    "first_answer": N_("first answer"),
    "first_right": N_("first answer right"),
    "first_at": N_("first answered"),
    "last_answer": N_("last answer"),
    "last_right": N_("last answer right"),
    "last_at": N_("last answered"),
    "comes_back": N_("comes back"),
    "missed": N_("missed"),
    "memory": N_("what spaced repetition remembers"),
    "stage": N_("before or after the course"),
    "right": N_("right"),
    "asked": N_("asked"),
    "answers": N_("answers"),
    "helped": N_("helped"),
    "remark": N_("comment"),
    "tag": N_("tag"),
    "campaign": N_("campaign"),
    "version": N_("number of the wording"),
    "compared": N_("which of two wordings (a or b)"),
    "recap_question": N_("question that came back"),
    "day": N_("day"),
    "last_day": N_("day of the last lesson"),
    "next_lesson_number": N_("number of the next lesson"),
    "not_before": N_("not before"),
    "send_by": N_("not after"),
    "attempts": N_("times tried"),
    "asked_in_mail": N_("asked in email number"),
    "last_asked": N_("last asked"),
    "signed_up_again": N_("typed when signing up again"),
    "reminder_due": N_("when we look whether you confirmed"),
    "address_changed": N_("address corrected"),
    "links_closed": N_("old links closed"),
    "by": N_("by whom"),
    "action": N_("what was done"),
    "before": N_("how it was"),
    "after": N_("how it became, and why"),
    "told_of_erasing": N_("told that everything is erased soon"),
    "left_out_since": N_("left out of comparisons since"),
    "no_labels_since": N_("no tags since"),
    "left_out": N_("left out of statistics"),
    "new_address": N_("new email address"),
    "asked_for": N_("asked for"),
    "reason": N_("reason"),
    "since": N_("since"),
}


def names_of(table: str) -> dict[str, str]:
    """Return the columns of a table that are exported, with their names there."""
    shown = (one for group in INVENTORY if group.table == table for one in group.shown.items())
    return {column: place.rpartition(".")[2] for column, place in shown}


def details_of_readers() -> list[str]:
    """Return what readers told of themselves, in words: what the signup form asks beside the schedule."""
    asked = (group for group in INVENTORY if group.table == "subscriber" and group.rows == CONFIRMED)
    return [LABELS[place.rpartition(".")[2]] for group in asked for place in group.shown.values()]


def declared() -> Iterator[tuple[str, str, str]]:
    """Yield (table, column, rows) for each declaration. `rows`: empty for all rows."""
    for group in INVENTORY:
        for column in group.columns:
            for rows in group.rows or ("",):
                yield group.table, column, rows


def of_readers() -> Iterator[Group]:
    """Return the groups about readers."""
    return (group for group in INVENTORY if group.whose == Whose.READER)
