"""Every column is declared: whose it is, what for, until when, how it is erased, and where the copy shows it."""

from __future__ import annotations

from collections import Counter

from rugcourse.db.models import Base, EventKind
from rugcourse.privacy.declarations import BASES, DAYS, Basis, End, Erasure, LeftOut, ProcessingPurpose, Whose
from rugcourse.privacy.inventory import INVENTORY, LABELS, declared, details_of_readers, of_readers

_COLUMNS = {(table.name, column.name) for table in Base.metadata.sorted_tables for column in table.columns}


def test_inventory_declares_every_existing_column_once() -> None:
    counted = Counter(declared())
    named = {(table, column) for table, column, _rows in counted}
    assert named - _COLUMNS == set()
    assert _COLUMNS - named == set(), "say in privacy/inventory.py what is kept here, why, and until when"
    assert [one for one, times in counted.items() if times > 1] == []
    for table, column, rows in counted:
        assert not rows or (table, column, "") not in counted, "either all rows of it, or some and some"


def test_inventory_declares_the_purpose_of_each_event_kind() -> None:
    """Answers, bounces and complaints are kept of everybody: that is no measuring, for which there is a consent."""
    purposes = {kind: group.purpose for group in INVENTORY if group.table == "email_event" for kind in group.rows}
    assert set(purposes) == set(EventKind)
    assert {kind for kind, purpose in purposes.items() if purpose == ProcessingPurpose.MEASURING} == {
        EventKind.OPEN, EventKind.CLICK,
    }  # fmt: skip


def test_inventory_declares_uploaded_lists_as_data_of_the_people_on_them() -> None:
    reading = {
        (group.table, column) for group in INVENTORY if group.end == End.LIST for column in group.columns
        if group.whose == Whose.READER
    }  # fmt: skip
    assert reading >= {("job_chunk", "lines"), ("job", "params"), ("job", "problems")}


def test_personal_columns_declare_basis_retention_and_place_in_the_export() -> None:
    for group in INVENTORY:
        personal = group.whose != Whose.NOBODY
        assert (BASES[group.purpose] != Basis.NONE) == personal, group.table
        assert (group.end != End.NEVER) == personal, group.table
        assert (LeftOut.OF_NOBODY in group.left_out.values()) != personal, group.table
        assert (group.erasure != Erasure.NOTHING) == (group.whose == Whose.READER), group.table


def test_inventory_describes_every_purpose_and_end() -> None:
    assert set(BASES) == set(ProcessingPurpose)
    assert set(DAYS) == set(End)


def test_columns_that_refer_to_people_or_mails_are_personal() -> None:
    """Who adds a table about people has to think of the copy and of erasing."""
    naming = {"subscriber_id", "delivery_id", "email", "asked_in", "enrolment_id", "admin_id"}
    personal = {(group.table, one) for group in INVENTORY if group.whose != Whose.NOBODY for one in group.columns}
    assert {one for one in _COLUMNS if one[1] in naming} <= personal


def test_words_for_the_export_are_used() -> None:
    """Two have no column: `export.py` finds them elsewhere."""
    names = {place.partition(".")[2] for group in of_readers() for place in group.shown.values()}
    assert set(LABELS) - names == {"compared", "text"}


def test_details_of_readers_are_what_the_signup_form_asks_about_them() -> None:
    """The privacy page lists them, so a field that is added stands there by itself."""
    assert {LABELS[name] for name in ("email", "name", "language")} <= set(details_of_readers())
    assert LABELS["confirmed"] not in details_of_readers()
