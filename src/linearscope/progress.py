"""Progress for anything that may take more than two seconds, silent when nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

__all__ = ["track"]

T = TypeVar("T")

DELAY = 2.0

# Bars that show; inside one of them no other is shown.
_shown: list[object] = []


def track(
    items: Iterable[T], description: str, total: int | None = None, size: Callable[[T], int] = lambda _: 1
) -> Iterator[T]:
    """Yield ``items``; after two seconds, only on a terminal, and not inside another, show a progress bar on stderr.

    Parameters
    ----------
    items
        What to go through.
    description
        What is being done, a few words.
    total
        How many items there are, when ``items`` has no length.
    size
        For how many of the total an item counts.

    Examples
    --------
    >>> sum(track(range(4), "adding"))
    6
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if _shown or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(description, total=total)
    start = time.monotonic()
    shown = False
    done = 0
    try:
        for item in items:
            if not shown and time.monotonic() - start > DELAY:
                bar.start()
                shown = True
                _shown.append(bar)
            if shown:
                bar.update(task, completed=done)
            yield item
            done += size(item)
    finally:
        if shown:
            bar.stop()
            _shown.remove(bar)
