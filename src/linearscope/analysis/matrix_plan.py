"""What all of F would take: how many probes of which kind, how much room, how long."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Final

from linearscope.analysis.effective import aligned, decay_radius, windowed
from linearscope.analysis.probing import KINDS, Probing, ask, probing
from linearscope.analysis.store_files import numbers, stored_settings
from linearscope.errors import InputError, UnknownNameError
from linearscope.interpreter import LinearInterpreter

__all__ = ["MODES", "MatrixPlan", "estimate", "readable_bytes"]

MODES: Final = ("exact", "effective")
# Where one kind needs this many times the probes of the other, it is not timed.
_NEVER: Final = 8


@dataclass(frozen=True)
class MatrixPlan:
    """What :func:`materialize` would do and cost, from F's structure and a few measured probes.

    Attributes
    ----------
    shape
        N and n: F has N rows and n columns.
    mode
        ``"exact"`` or ``"effective"``.
    radius
        Half width in output pixels of the windows of effective mode; ``None`` in exact mode.
    kind
        Whether ``"columns"`` or ``"rows"`` are probed.
    probes
        How many products with F (columns) or its transpose (rows) it takes.
    least
        The least possible number for this kind and structure: the most entries that one row (column) can hold.
    others
        How many the other kind would take.
    nonzeros
        Entries of F that its structure allows (in effective mode: inside the windows).
    memory_bytes
        What the sparse matrix takes while it is made, and ``disk_bytes`` the store without compression.
    seconds
        About how long it takes.
    probing
        The probes.
    """

    shape: tuple[int, int]
    mode: str
    radius: int | None
    kind: str
    probes: int
    least: int
    others: int
    nonzeros: int
    memory_bytes: int
    disk_bytes: int
    seconds: float
    probing: Probing = field(repr=False)

    @property
    def density(self) -> float:
        """Share of F's entries that its structure allows."""
        return self.nonzeros / prod(self.shape) if prod(self.shape) else 0.0

    @property
    def dense(self) -> bool:
        """Whether every output can use every input."""
        return self.nonzeros == prod(self.shape)

    def __str__(self) -> str:
        rows, columns = self.shape
        other = "rows" if self.kind == "columns" else "columns"
        lines = [f"F has {rows:,} rows and {columns:,} columns and at most {self.nonzeros:,} entries"]
        if self.dense:
            lines[0] += ": it is dense, every output can use every input."
            lines.append(
                f"It takes {self.probes:,} probes, one for each of its {self.kind} ({other}: {self.others:,})."
            )
        else:
            lines[0] += f" ({self.density:.2%})."
            bound = "the least possible" if self.probes == self.least else f"the least possible is {self.least:,}"
            lines.append(f"It takes {self.probes:,} probes of {self.kind}, {bound} ({other}: {self.others:,}).")
        if self.radius is not None:
            lines.append(f"Windows reach {self.radius} output pixels from the middle.")
        memory, disk = readable_bytes(self.memory_bytes), readable_bytes(self.disk_bytes)
        lines.append(f"About {_readable_seconds(self.seconds)}; {memory} in memory or at most {disk} on disk.")
        return "\n".join(lines)


def estimate(
    it: LinearInterpreter,
    *,
    mode: str = "exact",
    kind: str = "auto",
    tolerance: float = 1e-3,
    out: str | os.PathLike[str] | None = None,
) -> MatrixPlan:
    """Say what all of F would cost, before :func:`materialize` makes it; parameters as there.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 3, 3))
    >>> plan = ls.estimate(ls.interpret(model, torch.rand(1, 3, 40, 40)))
    >>> plan.probes, plan.least, plan.nonzeros
    (75, 75, 318096)
    """
    before = None if out is None else stored_settings(Path(out))
    if mode not in MODES:
        raise UnknownNameError("mode", mode, MODES)
    if kind not in ("auto", *KINDS):
        raise UnknownNameError("kind of probe", kind, ("auto", *KINDS))
    if not 0 < tolerance < 1:
        raise InputError(f"The tolerance is {tolerance:g}; give a number between 0 and 1, such as 0.001.")
    support, radius = it.support(), None
    if mode == "effective":
        support = aligned(support)
        if any(axis.output_axis is not None for axis in support.axes):
            # What was begun is gone on with, however this machine would measure today.
            radius = before[1] if before is not None and before[1] is not None else None
            radius = decay_radius(it, support, tolerance) if radius is None else radius
            support = windowed(support, radius)
    both = {name: probing(support, name) for name in KINDS}
    chosen, seconds = _chosen(it, both, before[0] if before is not None and kind == "auto" else kind)
    asks = both[chosen]
    kept = numbers(it).dtype.itemsize
    answers = asks.probes * prod(asks.answer_shape) * kept
    index = 4 if max(asks.nonzeros, *it.shape) < 2**31 else 8
    return MatrixPlan(
        shape=it.shape,
        mode=mode,
        radius=radius,
        kind=chosen,
        probes=asks.probes,
        least=asks.least,
        others=both["rows" if chosen == "columns" else "columns"].probes,
        nonzeros=asks.nonzeros,
        memory_bytes=answers + asks.nonzeros * (kept + index) + prod(asks.answer_shape) * (index + 24),
        disk_bytes=answers,
        seconds=seconds * asks.probes,
        probing=asks,
    )


def _chosen(it: LinearInterpreter, both: dict[str, Probing], kind: str) -> tuple[str, float]:
    """The kind that takes less time, and its seconds a probe."""
    if kind != "auto":
        return kind, _seconds(it, both[kind])
    few, many = sorted(KINDS, key=lambda name: both[name].probes)
    seconds = {few: _seconds(it, both[few])}
    if both[many].probes < _NEVER * both[few].probes:
        seconds[many] = _seconds(it, both[many])
    best = min(seconds, key=lambda name: seconds[name] * both[name].probes)
    return best, seconds[best]


def _seconds(it: LinearInterpreter, asks: Probing) -> float:
    """Seconds a probe: of one when that is long, else of several together."""
    best = float("inf")
    for lanes in (1, 4, 8, 8):
        lanes = min(lanes, asks.probes)
        start = time.perf_counter()
        ask(it, asks, 0, lanes)
        spent = time.perf_counter() - start
        best = min(best, spent / lanes)
        if spent > 0.5:
            break
    return best


def readable_bytes(count: int) -> str:
    """Bytes for people: ``1.5 GB``."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"


def _readable_seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:,.0f} hours"
