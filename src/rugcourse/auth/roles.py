"""Which role includes which."""

from __future__ import annotations

from rugcourse.db.models import Role

_RANKS = {Role.ANALYST: 1, Role.EDITOR: 2, Role.OWNER: 3}


def includes(role: Role, wanted: Role) -> bool:
    """Return whether whoever has a role may do what another one may."""
    return _RANKS[role] >= _RANKS[wanted]
