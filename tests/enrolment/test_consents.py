"""A consent is kept with the words, the notice, the course and the mail by which it was given, and stays as it was."""

from __future__ import annotations

import pytest
from tests.support.builders import course_of, enrolment_of, mails_to, make_pending, make_reader, plan

from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import BOUNCE, COMPLAINT, ConsentRow, ConsentTextRow, DeliveryKind, SubscriberRow
from rugcourse.db.queries import subscribers
from rugcourse.enrolment import consent_texts, preferences
from rugcourse.enrolment.confirmation import confirm
from rugcourse.enrolment.consents import ConsentSource, Shown
from rugcourse.enrolment.suppression import suppress_address
from rugcourse.i18n import translations

SHOWN = Shown("nl", "De Praktijk", "Begrijp je rugpijn", "# What we keep\n\n- all of this")


def kept(runtime: Runtime, email: str) -> list[ConsentRow]:
    with runtime.database.read() as session:
        person = subscribers.by_email(session, email)
        assert person is not None
        return list(subscribers.consents(session, person.id))


def text_of(runtime: Runtime, name: str) -> str:
    with runtime.database.read() as session:
        found = session.get(ConsentTextRow, name)
    assert found is not None
    return found.text


def person_of(runtime: Runtime, email: str) -> SubscriberRow:
    with runtime.database.read() as session:
        found = subscribers.by_email(session, email)
    assert found is not None
    return found


def test_consent_records_text_language_notice_course_and_mail(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_pending(runtime)
    [mail] = mails_to(runtime, email, DeliveryKind.CONFIRM)
    runtime.database.run(confirm, clock.now(), runtime.signer, mail.id, news=True, shown=SHOWN)
    given = kept(runtime, email)
    dutch = translations("nl").gettext
    assert [(one.purpose, one.granted, text_of(runtime, one.text_name)) for one in given] == [
        ("lessons", True, dutch(consent_texts.LESSONS)),
        ("measuring", False, dutch(consent_texts.MEASURING)),
        ("news", True, dutch(consent_texts.NEWS) % {"practice": "De Praktijk"}),
        ("lessons", True, dutch(consent_texts.CONFIRM)),
    ]
    assert "De Praktijk" in text_of(runtime, given[2].text_name)
    for one in given:
        assert (one.source, one.course_id, one.delivery_id) == (ConsentSource.CONFIRM, course_of(runtime).id, mail.id)
        assert text_of(runtime, one.notice_name) == SHOWN.notice


def test_later_text_changes_do_not_change_consents(
    runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_pending(runtime), make_pending(runtime)
    for email, language, practice in ((first, "nl", "De Praktijk"), (second, "en", "Another name")):
        monkeypatch.setattr(consent_texts, "LESSONS", f"{consent_texts.LESSONS} {practice}")
        [mail] = mails_to(runtime, email, DeliveryKind.CONFIRM)
        runtime.database.run(confirm, clock.now(), runtime.signer, mail.id, shown=Shown(language, practice))
    before, after = (text_of(runtime, kept(runtime, email)[0].text_name) for email in (first, second))
    assert before.endswith("De Praktijk")
    assert before != after


@pytest.mark.parametrize("source", [ConsentSource.OWN_PAGE, ConsentSource.ONE_CLICK])
def test_unsubscribing_withdraws_all_consents_and_keeps_only_wording_that_was_shown(
    runtime: Runtime, clock: VirtualClock, source: ConsentSource
) -> None:
    email = make_reader(runtime)
    [mail] = mails_to(runtime, email, DeliveryKind.WELCOME)
    shown = SHOWN if source == ConsentSource.OWN_PAGE else None
    runtime.database.run(preferences.unsubscribe, clock.now(), mail.id, source, shown)
    withdrawn = [one for one in kept(runtime, email) if one.source == source]
    assert [(one.purpose, one.granted) for one in withdrawn] == [("lessons", False), ("news", False)]
    assert {one.delivery_id for one in withdrawn} == {mail.id}
    assert bool(withdrawn[0].text_name) == (shown is not None)
    assert not person_of(runtime, email).news_consent


def test_complaint_withdraws_all_consents_and_a_hard_bounce_none(runtime: Runtime) -> None:
    complainer, gone = make_reader(runtime), make_reader(runtime)
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, complainer, COMPLAINT)
    runtime.database.run(suppress_address, runtime.clock.now(), runtime.signer, gone, BOUNCE)
    assert [
        (one.purpose, one.granted) for one in kept(runtime, complainer) if one.source == ConsentSource.COMPLAINT
    ] == [
        ("lessons", False),
        ("news", False),
    ]
    assert [one.granted for one in kept(runtime, gone) if one.source == ConsentSource.SUPPRESSED] == []
    assert person_of(runtime, gone).news_consent


def test_leaving_one_course_withdraws_its_consent_only(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    [mail] = mails_to(runtime, email, DeliveryKind.WELCOME)
    runtime.database.run(preferences.leave_course, clock.now(), mail.id, SHOWN)
    last = kept(runtime, email)[-1]
    assert (last.purpose, last.granted, last.course_id) == ("lessons", False, course_of(runtime).id)
    assert "Begrijp je rugpijn" in text_of(runtime, last.text_name)
    assert person_of(runtime, email).news_consent  # that is something else


def test_undoing_unsubscribe_restores_the_course_and_no_optional_consents(
    runtime: Runtime, clock: VirtualClock
) -> None:
    email = make_reader(runtime)
    runtime.database.run(
        preferences.set_measuring, clock.now(), enrolment_of(runtime, email).subscriber_id, agreed=True, shown=SHOWN
    )
    [mail] = mails_to(runtime, email, DeliveryKind.WELCOME)
    runtime.database.run(preferences.unsubscribe, clock.now(), mail.id)
    runtime.database.run(preferences.come_back, clock.now(), mail.id, SHOWN)
    person = person_of(runtime, email)
    assert (person.status, person.tracking_consent, person.news_consent) == ("active", False, False)
    clock.advance(hours=2)
    assert plan(runtime) == 1


def test_returning_to_one_course_records_a_new_consent(runtime: Runtime, clock: VirtualClock) -> None:
    email = make_reader(runtime)
    [mail] = mails_to(runtime, email, DeliveryKind.WELCOME)
    runtime.database.run(preferences.leave_course, clock.now(), mail.id, SHOWN)
    runtime.database.run(preferences.come_back, clock.now(), mail.id, SHOWN)
    last = kept(runtime, email)[-1]
    assert (last.purpose, last.granted, last.course_id) == ("lessons", True, course_of(runtime).id)
