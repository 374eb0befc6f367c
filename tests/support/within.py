"""Runs something under a limit of processor time and memory, for tests of what hostile input costs.

Processor time, not the clock: it is the same however busy the machine is. The limits are far above what is right and far
below what is wrong, where the work grows with the square of the input.
"""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable

_MEGABYTE = 1_000_000


def within(seconds: int, megabytes: int, work: Callable[[], object]) -> None:
    """Do `work` in a process of its own; fails if it takes more processor time, or more memory than there is now and
    `megabytes` on top, or raises.
    """

    def run() -> None:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - in a fork, as little as can be
            pages = int(file.read().split()[0])
        room = pages * resource.getpagesize() + megabytes * _MEGABYTE
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        used = int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, used + seconds))
        work()

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join()
    assert child.exitcode == 0, f"ended with {child.exitcode}: more than {seconds} s or {megabytes} MB, or an error"
