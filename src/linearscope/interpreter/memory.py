"""How many lanes travel at once: within a memory budget, as fast as measured, and fewer when memory runs out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from linearscope.errors import InputError

__all__ = ["Batches", "available_memory"]

# A larger batch has to be this much faster per lane to be kept.
_GAIN = 0.97


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
        self._best: int | None = None
        self._rates: dict[int, float] = {}

    def run(self, lanes: Tensor, product: Callable[[Tensor], Tensor]) -> Tensor:
        """Apply ``product`` to all of ``lanes`` ``(P, ...)``, batch by batch, and return the results in one tensor."""
        done: list[Tensor] = []
        start = 0
        while start < len(lanes):
            size = min(self._size(len(lanes) - start), len(lanes) - start)
            begin = time.perf_counter()
            try:
                done.append(product(lanes[start : start + size]))
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _out_of_memory(error) or size == 1:
                    raise
                self.most, self._best = max(1, size // 2), None
                self._rates = {k: v for k, v in self._rates.items() if k <= self.most}
                if lanes.device.type == "cuda":
                    torch.cuda.empty_cache()
                continue
            self._rates[size] = min(self._rates.get(size, float("inf")), (time.perf_counter() - begin) / size)
            start += size
        return done[0] if len(done) == 1 else torch.cat(done)

    def sizes(self, count: int) -> Iterator[tuple[int, int]]:
        """Start and end of batches of at most ``most`` for ``count`` lanes."""
        for start in range(0, count, self.most):
            yield start, min(start + self.most, count)

    def _size(self, left: int) -> int:
        """The size to try next: 4, 8, 16 ... while each is faster per lane than the one before."""
        if left <= 4 or self.most <= 4:
            return min(4, self.most)
        if self._best is None:
            size = 4
            while size in self._rates and 2 * size <= self.most:
                if 2 * size in self._rates and self._rates[2 * size] > _GAIN * self._rates[size]:
                    self._best = size
                    break
                size *= 2
            else:
                if size in self._rates:
                    self._best = size
        return self._best or size


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return "alloc" in str(error) and "memory" in str(error)
