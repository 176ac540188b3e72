"""Memory that a computation freed goes back to the system, where its allocator would keep it."""

from __future__ import annotations

import ctypes
import time
from contextlib import suppress
from typing import Any, Final

__all__ = ["give_back"]

#: Seconds between two times: it takes some milliseconds.
PAUSE: Final = 5.0

_last = 0.0
_trim: Any = None
with suppress(OSError, AttributeError, TypeError):  # it is of the GNU C library only
    _trim = ctypes.CDLL(None).malloc_trim


def give_back() -> None:
    """Give free memory back, at most every few seconds."""
    global _last
    now = time.monotonic()
    if _trim is not None and now - _last > PAUSE:
        _last = now
        _trim(0)
