"""How many lanes travel at once: within a memory budget, as fast as measured, and fewer when memory runs out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

from linearscope.errors import InputError

__all__ = ["Batches", "available_memory"]

T = TypeVar("T")

# Sizes are tried from small to large, each twice, until one is this much slower per lane than the best so far.
_SLOWER = 1.05
_TRIES = 2


def available_memory(device: torch.device) -> int:
    """Bytes of memory free on ``device`` now."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 4 << 30


class Batches:
    """Splits many lanes into batches and remembers which size went fastest.

    Parameters
    ----------
    lane_bytes
        What one lane needs.
    budget
        Bytes for all lanes that travel together.
    """

    def __init__(self, lane_bytes: int, budget: int) -> None:
        if budget <= 0:
            raise InputError(f"The memory budget is {budget} bytes; give a positive number.")
        self.most = max(1, budget // max(1, lane_bytes))
        self._rates: dict[int, list[float]] = {}

    def each(self, count: int, work: Callable[[int, int], T]) -> Iterator[T]:
        """Call ``work(start, end)`` for batches of ``count`` lanes and yield what it returns.

        A batch for which memory runs out is done again in halves, and no larger one is tried afterwards.
        """
        start = 0
        while start < count:
            size = min(self._size(), count - start)
            begin = time.perf_counter()
            try:
                result = work(start, start + size)
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _out_of_memory(error) or size == 1:
                    raise
                self.most = max(1, size // 2)
                self._rates = {k: v for k, v in self._rates.items() if k <= self.most}
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                continue
            self._rates.setdefault(size, []).append((time.perf_counter() - begin) / size)
            start += size
            yield result

    def _size(self) -> int:
        """The size to run next: one still to be tried, or the fastest per lane."""
        best, fastest, size = 1, float("inf"), 1
        while size <= self.most:
            seen = self._rates.get(size, [])
            if len(seen) < _TRIES:
                return size
            if min(seen) < fastest:
                best, fastest = size, min(seen)
            elif min(seen) > _SLOWER * fastest:
                break
            size *= 2
        return best


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return "alloc" in str(error) and "memory" in str(error)
