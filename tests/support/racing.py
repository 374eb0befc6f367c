"""Lets two things happen at once, in the order in which they hurt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

Act = Callable[[], object]


@contextmanager
def meanwhile(monkeypatch: pytest.MonkeyPatch, module: object, step: str, act: Act) -> Iterator[list[Exception]]:
    """Let `act` begin in another thread when whoever calls `step` of `module` comes to it, and end whenever it can."""
    real, started = getattr(module, step), threading.Event()
    errors: list[Exception] = []

    def run() -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    thread = threading.Thread(target=run)

    def racing(*args: object, **others: object) -> object:
        if not started.is_set():
            started.set()
            thread.start()
            thread.join(0.7)  # either it is done, or it waits for them
        return real(*args, **others)

    monkeypatch.setattr(module, step, racing)
    yield errors
    assert started.is_set()
    thread.join(20)
    assert not thread.is_alive()
    monkeypatch.setattr(module, step, real)
