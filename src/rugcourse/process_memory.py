"""Starts a long-running process without its collector of reference cycles, and settles it when it has started."""

from __future__ import annotations

import ctypes
import gc
import sys


def begin_start() -> None:
    """Leave the collector out until `freeze_startup_objects`: while modules load it looks at everything again and again, for a fifth of
    the time to the first page.
    """
    gc.disable()


def freeze_startup_objects() -> None:
    """Collect what starting left, keep the collector of reference cycles from what stays, and return free memory.

    Importing and compiling leave holes of some 5 MB, which glibc returns only when asked; other C libraries need no
    call for it.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
