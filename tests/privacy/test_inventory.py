"""Every column is declared: whose it is, what for, until when, how it is erased, and where the copy shows it."""

from __future__ import annotations

from collections import Counter

from rugcourse.privacy.inventory import BASES, DAYS, INVENTORY, Basis, End, Erasure, LeftOut, Purpose, Whose, declared
from rugcourse.store.tables import Base

_COLUMNS = {(table.name, column.name) for table in Base.metadata.sorted_tables for column in table.columns}


def test_every_column_is_declared_once_and_none_that_is_not_there() -> None:
    counted = Counter(declared())
    assert set(counted) - _COLUMNS == set()
    assert _COLUMNS - set(counted) == set(), "say in privacy/inventory.py what is kept here, why, and until when"
    assert [one for one, times in counted.items() if times > 1] == []


def test_what_is_personal_has_a_basis_an_end_and_a_place_in_the_copy_or_a_reason() -> None:
    for group in INVENTORY:
        personal = group.whose != Whose.NOBODY
        assert (BASES[group.purpose] != Basis.NONE) == personal, group.table
        assert (group.end != End.NEVER) == personal, group.table
        assert (LeftOut.OF_NOBODY in group.left_out.values()) != personal, group.table
        assert (group.erasure != Erasure.NOTHING) == (group.whose == Whose.READER), group.table


def test_every_purpose_and_every_end_says_what_it_is() -> None:
    assert set(BASES) == set(Purpose)
    assert set(DAYS) == set(End)


def test_every_column_that_names_a_person_or_a_mail_is_personal() -> None:
    """Who adds a table about people has to think of the copy and of erasing."""
    naming = {"subscriber_id", "delivery_id", "email", "asked_in", "enrolment_id", "admin_id"}
    personal = {(group.table, one) for group in INVENTORY if group.whose != Whose.NOBODY for one in group.columns}
    assert {one for one in _COLUMNS if one[1] in naming} <= personal
