"""Whether mail goes out: what waits, and which processes live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from rugcourse.clock import Clock
from rugcourse.db.queries import deliveries, heartbeats

_SILENT_SECONDS = 60.0  # wall-clock seconds
_SENDING_KINDS = frozenset({"serve", "worker"})


@dataclass(frozen=True, slots=True)
class ProcessState:
    """The processes of a kind. `seen_at`: the latest heartbeat (UTC); `alive`: how many of them sent one lately."""

    kind: str
    seen_at: datetime
    alive: int


@dataclass(frozen=True, slots=True)
class SendingState:
    """`waiting`: mails that may go out now. `processes`: by kind; none before the first one has started."""

    waiting: int
    processes: tuple[ProcessState, ...]

    @property
    def is_silent(self) -> bool:
        """Whether nothing is sent, because no process lives that would send."""
        return not any(one.alive for one in self.processes if one.kind in _SENDING_KINDS)


def sending_state(session: Session, clock: Clock) -> SendingState:
    """Return what waits, and which processes live."""
    now = clock.now()
    since = now - clock.span(_SILENT_SECONDS)
    seen: dict[str, list[datetime]] = {}
    for one in heartbeats.all_processes(session):
        seen.setdefault(one.kind, []).append(one.seen_at)
    return SendingState(
        waiting=sum(deliveries.waiting_by_queue(session, now).values()),
        processes=tuple(
            ProcessState(kind, max(instants), sum(instant >= since for instant in instants))
            for kind, instants in seen.items()
        ),
    )
