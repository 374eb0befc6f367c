"""Tokens in links: nobody makes one up, and none is worth anything for another purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugcourse.links import LINK_DAYS, BadToken, Links, MailRef, Signer, TokenPurpose, is_old

SIGNER = Signer((b"a key for tests", b"an older key"))
numbers = st.lists(st.integers(0, 2**62), min_size=1, max_size=3)


@given(st.sampled_from(TokenPurpose), numbers)
def test_signed_token_is_read_back(purpose: TokenPurpose, values: list[int]) -> None:
    assert SIGNER.read(purpose, SIGNER.sign(purpose, *values), len(values)) == tuple(values)


@given(numbers, st.data())
def test_a_token_with_any_character_changed_opens_nothing(values: list[int], data: st.DataObject) -> None:
    token = SIGNER.sign(TokenPurpose.LESSON, *values)
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_.=%é\n"))
    changed = token[:position] + other + token[position + 1 :]
    if changed != token:
        with pytest.raises(BadToken):
            SIGNER.read(TokenPurpose.LESSON, changed, len(values))


@given(st.builds(MailRef, st.integers(0, 2**62), st.integers(0, 2**62)), st.data())
def test_a_return_path_reads_the_same_in_any_case_and_with_any_other_change_not_at_all(
    mail: MailRef, data: st.DataObject
) -> None:
    links = Links("http://x", SIGNER)
    local, _, domain = links.return_path(mail, "bounces@d.example").partition("@")
    assert links.returned(f"{local.upper()}@{domain}") == mail
    last = len(local) - 1  # where base32 has spare bits
    for position in (last, data.draw(st.integers(local.index("+") + 1, last))):
        for other in set("abcdefghijklmnopqrstuvwxyz234567=ı\u212a") - {local[position]}:
            with pytest.raises(BadToken):
                links.returned(f"{local[:position]}{other}{local[position + 1 :]}@{domain}")


@given(st.text(max_size=200))
def test_any_text_is_refused_quietly(text: str) -> None:
    with pytest.raises(BadToken):
        SIGNER.read(TokenPurpose.OPEN, text, 1)


def test_a_token_of_another_purpose_key_or_length_opens_nothing() -> None:
    token = SIGNER.sign(TokenPurpose.CONFIRM, 7)
    for signer, purpose, count in (
        (SIGNER, TokenPurpose.UNSUBSCRIBE, 1),
        (SIGNER, TokenPurpose.CONFIRM, 2),
        (Signer((b"a stranger's key",)), TokenPurpose.CONFIRM, 1),
    ):
        with pytest.raises(BadToken):
            signer.read(purpose, token, count)


def test_links_in_mails_already_sent_work_after_the_key_is_changed() -> None:
    old = Signer((b"an older key",))
    assert SIGNER.read(TokenPurpose.PREFERENCES, old.sign(TokenPurpose.PREFERENCES, 5), 1) == (5,)


def test_a_message_id_is_a_function_of_the_delivery() -> None:
    links = Links("http://x", SIGNER)
    mail = MailRef(5, 77)
    assert links.message_id(mail, "d.example") == links.message_id(mail, "d.example")
    for other in (MailRef(6, 77), MailRef(5, 78)):
        assert links.message_id(mail, "d.example") != links.message_id(other, "d.example")


MAIL = MailRef(5, 77)
LINKS = Links("http://x", SIGNER)
SENT = datetime(2026, 11, 24, 8, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def test_links_of_a_mail_open_nothing_after_their_days() -> None:
    days = timedelta(days=LINK_DAYS)
    assert not is_old(SENT, None, SENT + days)
    assert is_old(SENT, None, SENT + days + MOMENT)
    assert 14 <= LINK_DAYS <= 30  # the time that the privacy notice promises at most


def test_links_that_were_mailed_before_a_reader_closed_them_open_nothing() -> None:
    assert is_old(SENT, SENT + MOMENT, SENT + timedelta(hours=1))
    assert not is_old(SENT, SENT, SENT + timedelta(hours=1))


def test_the_newest_key_signs() -> None:
    newest = Signer(SIGNER.keys[:1])
    assert newest.read(TokenPurpose.CONFIRM, SIGNER.sign(TokenPurpose.CONFIRM, 7), 1) == (7,)
    assert newest.read_mail(TokenPurpose.LESSON, SIGNER.sign_mail(TokenPurpose.LESSON, MAIL)) == MAIL
    answer = SIGNER.sign_mail(TokenPurpose.ANSWER, MAIL, 3, 200)
    assert newest.read(TokenPurpose.ANSWER, answer, 4) == (*MAIL, 3, 200)


def test_an_erased_person_is_recognised_after_a_new_key_was_added_but_not_by_another_installation() -> None:
    before, after = Signer.from_texts(["first"]), Signer.from_texts(["second", "first"])
    assert before.digest("sam@x.example") == after.digest("sam@x.example")
    assert before.digest("sam@x.example") != before.digest("kim@x.example")
    assert before.digest("sam@x.example") != Signer.from_texts(["other"]).digest("sam@x.example")
    of_its_own = Signer.from_texts(["first"], "a key for digests")
    assert of_its_own.digest("sam@x.example") == Signer.from_texts(["third"], "a key for digests").digest(
        "sam@x.example"
    )
    assert of_its_own.digest("sam@x.example") != before.digest("sam@x.example")


def test_pages_for_everybody_are_under_the_address_of_the_installation() -> None:
    assert LINKS.home("nl") == "http://x/nl"
    assert LINKS.course("nl", "back") == "http://x/nl/back"
    assert LINKS.privacy("en") == "http://x/en/privacy"
    assert LINKS.safety_notice("nl", "back") == "http://x/nl/back/safety-notice"
    assert LINKS.my_page("nl") == "http://x/nl/my-page"
    assert LINKS.admin_welcome("t") == "http://x/admin/invite/t"
    assert LINKS.admin_reset("t") == "http://x/admin/reset/t"


@pytest.mark.parametrize(
    ("link", "path", "purpose", "numbers"),
    [
        (LINKS.confirm(MAIL), "c", TokenPurpose.CONFIRM, MAIL),
        (LINKS.answer(MAIL, 1, 2), "a", TokenPurpose.ANSWER, (*MAIL, 1, 2)),
        (LINKS.lesson(MAIL), "w", TokenPurpose.LESSON, MAIL),
        (LINKS.preferences(MAIL), "p", TokenPurpose.PREFERENCES, MAIL),
        (LINKS.unsubscribe(MAIL), "u", TokenPurpose.UNSUBSCRIBE, MAIL),
        (LINKS.retest(MAIL), "t", TokenPurpose.RETEST, MAIL),
        (LINKS.click(MAIL, 4), "l", TokenPurpose.CLICK, (*MAIL, 4)),
        (LINKS.pixel(MAIL).removesuffix(".gif"), "o", TokenPurpose.OPEN, MAIL),
        (LINKS.book(MAIL, "pdf").removesuffix(".pdf"), "b", TokenPurpose.BOOK, MAIL),
        (LINKS.new_address(8, 9), "n", TokenPurpose.NEW_ADDRESS, (8, 9)),
        (LINKS.client_address(10), "health/client", TokenPurpose.CLIENT_ADDRESS, (10,)),
    ],
)
def test_a_personal_link_says_what_it_is_for(
    link: str, path: str, purpose: TokenPurpose, numbers: tuple[int, ...]
) -> None:
    before, _, token = link.rpartition("/")
    assert before == f"http://x/{path}"
    assert SIGNER.read(purpose, token, len(numbers)) == tuple(numbers)


def test_an_address_of_ours_is_recognised_and_says_what_it_is_for() -> None:
    back, leave = (make(MAIL, "bounces@d.example") for make in (LINKS.return_path, LINKS.unsubscribe_address))
    assert (LINKS.returned(back), LINKS.unsubscribed(leave)) == (MAIL, MAIL)
    with pytest.raises(BadToken):
        LINKS.returned(leave)
    with pytest.raises(BadToken):
        LINKS.unsubscribed(back)
    assert LINKS.is_own(back)
    assert LINKS.is_own(leave)
    for address in ("bounces@d.example", "bounces+abc@d.example", ""):
        assert not LINKS.is_own(address)


def test_a_quoted_message_id_names_its_mail() -> None:
    message_id = LINKS.message_id(MAIL, "d.example")
    assert LINKS.quoted(f" {message_id}\r\n") == MAIL
    with pytest.raises(BadToken):
        LINKS.quoted("<somebody@else.example>")


def test_the_longest_token_is_read_and_a_longer_one_refused() -> None:
    longest = SIGNER.sign(TokenPurpose.FORM, *[1] * 78)
    assert len(longest) == 120
    assert SIGNER.read(TokenPurpose.FORM, longest, 78) == (1,) * 78
    with pytest.raises(BadToken):
        SIGNER.read(TokenPurpose.FORM, SIGNER.sign(TokenPurpose.FORM, *[1] * 79), 79)


@pytest.mark.parametrize("number", [0, 127, 128, 16383, 16384, 2**63])
def test_numbers_around_the_size_of_a_byte_are_read_back(number: int) -> None:
    assert SIGNER.read(TokenPurpose.FORM, SIGNER.sign(TokenPurpose.FORM, number, 1), 2) == (number, 1)


def test_a_negative_number_can_not_be_signed() -> None:
    with pytest.raises(ValueError, match="negative"):
        SIGNER.sign(TokenPurpose.FORM, -1)
