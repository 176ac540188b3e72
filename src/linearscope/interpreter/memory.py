"""How many lanes travel at once: within a memory budget, as fast as measured, and fewer when memory runs out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from linearscope.errors import InputError

__all__ = ["Batches", "available_memory"]

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

    def run(self, lanes: Tensor, product: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply ``product`` to all of ``lanes`` ``(P, ...)``, batch by batch, and return the results in one tensor."""
        done: list[Tensor] = []
        start = 0
        while start < len(lanes):
            size = min(self._size(), len(lanes) - start)
            begin = time.perf_counter()
            try:
                done.append(product(lanes[start : start + size]))
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _out_of_memory(error) or size == 1:
                    raise
                self.most = max(1, size // 2)
                self._rates = {k: v for k, v in self._rates.items() if k <= self.most}
                if lanes.device.type == "cuda":
                    torch.cuda.empty_cache()
                continue
            self._rates.setdefault(size, []).append((time.perf_counter() - begin) / size)
            start += size
        return done[0] if len(done) == 1 else torch.cat(done)

    def sizes(self, count: int) -> Iterator[tuple[int, int]]:
        """Start and end of batches of at most ``most`` for ``count`` lanes."""
        for start in range(0, count, self.most):
            yield start, min(start + self.most, count)

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
