"""Where a numbered link of a mail leads."""

from __future__ import annotations

from sqlalchemy.orm import Session

from rugcourse.content.markdown import link_targets
from rugcourse.store import courses, subscribers


def find_target(session: Session, delivery_id: int, number: int) -> str | None:
    """The target of link `number` in the lesson that was sent, or None. The text that was pinned decides."""
    found = subscribers.by_delivery(session, delivery_id)
    if found is None:
        return None
    delivery = found[1]
    if delivery.lesson_version_id is None or delivery.language is None:
        return None
    text = courses.load_version(session, delivery.lesson_version_id).texts[delivery.language]
    targets = [*link_targets(text.body), *(one.link for one in text.further if one.link)]
    return targets[number] if number < len(targets) else None
