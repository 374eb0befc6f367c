"""Confirms a signup, with the first lesson straight away if the reader wants that."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.delivery.send_next import NothingToSend, send_next_now
from rugcourse.enrolment.confirmation import confirm, is_open
from rugcourse.enrolment.consents import Shown
from rugcourse.links import Signer


@dataclass(frozen=True, slots=True)
class ConfirmChoices:
    """What a reader ticked when they confirmed. `first_now`: the first lesson comes now, not at their hour."""

    measuring: bool = False
    news: bool = False
    first_now: bool = False


def confirm_signup(
    session: Session, now: datetime, signer: Signer, delivery_id: int, choices: ConfirmChoices, shown: Shown | None
) -> None:
    """Confirm a subscription, once. Raises NotConfirmable.

    Where nothing can be sent now, as the campaign is paused or held, the first lesson comes when it would otherwise.
    """
    is_first_time = is_open(session, now, delivery_id)
    confirm(session, now, signer, delivery_id, measuring=choices.measuring, news=choices.news, shown=shown)
    if choices.first_now and is_first_time:
        with suppress(NothingToSend):
            send_next_now(session, now, delivery_id)
