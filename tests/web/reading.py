"""What tests of the pages have in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from tests.support.builders import mails_to, ref

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import Base, DeliveryKind
from rugcourse.links import TokenPurpose

CHROME = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
}
_LETTERS = {
    TokenPurpose.CONFIRM: "c",
    TokenPurpose.ANSWER: "a",
    TokenPurpose.LESSON: "w",
    TokenPurpose.PREFERENCES: "p",
    TokenPurpose.UNSUBSCRIBE: "u",
    TokenPurpose.RETEST: "t",
    TokenPurpose.CLICK: "l",
    TokenPurpose.BOOK: "b",
    TokenPurpose.OPEN: "o",
}


def path(
    runtime: Runtime, purpose: TokenPurpose, email: str, *numbers: int, kind: DeliveryKind = DeliveryKind.LESSON
) -> str:
    """The link in the newest mail of a kind to somebody."""
    delivery = mails_to(runtime, email, kind)[-1].id
    return f"/{_LETTERS[purpose]}/{runtime.signer.sign_mail(purpose, ref(runtime, delivery), *numbers)}"


def everything(runtime: Runtime, *but: str) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with runtime.database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
            if table.name not in but
        }
