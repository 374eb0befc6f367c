"""Rules in groups, of which some can be played alone: `MODEL_ONLY=readers,server`."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

GROUPS = ("readers", "server", "bounces", "workers", "authors", "admins")
ONLY = frozenset(filter(None, os.environ.get("MODEL_ONLY", "").split(","))) or frozenset(GROUPS)
if not frozenset(GROUPS) >= ONLY:
    raise ValueError(f"MODEL_ONLY: choose from {', '.join(GROUPS)}")

WHO = st.integers(0, 2)
WHICH = st.integers(0, 50)

Rule = Callable[..., Any]


def step(*, when: Callable[[Any], bool] | None = None, **draws: st.SearchStrategy[Any]) -> Callable[[Rule], Rule]:
    """A rule, after which product and model are compared. `when`: it is only played then."""

    def decorate(function: Rule) -> Rule:
        @wraps(function)
        def played(self: Any, **drawn: Any) -> None:
            function(self, **drawn)
            self.compare()

        made = rule(**draws)(played)
        return precondition(when)(made) if when is not None else made

    return decorate


def in_group(
    group: str, *, when: Callable[[Any], bool] | None = None, **draws: st.SearchStrategy[Any]
) -> Callable[[Rule], Rule]:
    """A step that is played when its group is."""
    return step(when=when, **draws) if group in ONLY else lambda function: function
