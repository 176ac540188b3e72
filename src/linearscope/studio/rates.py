"""How often one address may ask: a bucket of tokens each, filled at a steady rate."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Rates"]


class Rates:
    """Buckets of tokens by client; a request takes one.

    Examples
    --------
    >>> rates = Rates(per_second=2, burst=1, clock=lambda: 0.0)
    >>> rates.take("127.0.0.1"), rates.take("127.0.0.1")
    (0.0, 0.5)

    Parameters
    ----------
    per_second
        Requests that a client may send a second, for ever.
    burst
        Requests that it may send at once after a rest.
    most
        Clients that are remembered; the one that has been silent longest is forgotten first.
    clock
        Seconds that only go forward.
    """

    def __init__(
        self, per_second: float, burst: int, *, most: int = 4096, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second = per_second
        self.burst = burst
        self.most = most
        self.clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take a token and return 0, or take none and return the seconds after which there will be one."""
        now = self.clock()
        left, since = self._left.pop(client, (float(self.burst), now))
        left = min(self.burst, left + (now - since) * self.per_second)
        wait = 0.0 if left >= 1 else (1 - left) / self.per_second
        self._left[client] = (left if wait else left - 1, now)
        if len(self._left) > self.most:
            self._left.popitem(last=False)
        return wait
