"""Tokens in links: nobody makes one up, and none is worth anything for another purpose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugcourse.links import BadToken, Links, MailRef, Signer, TokenPurpose

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
