"""Starts a long-running process without its collector of reference cycles, and settles it when it has started."""

from __future__ import annotations

import ctypes
import gc
import sys


def begin_start() -> None:
    """Turn the garbage collector off until `freeze_startup_objects`.

    While modules load it would look at all objects again and again: a fifth of the time to the first page.
    """
    gc.disable()


def freeze_startup_objects() -> None:
    """Collect garbage of the start, exempt all other objects from later collections, and return free memory.

    Importing and compiling leave holes of some 5 MB, which glibc returns only when asked; other C libraries need no
    call for it.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
