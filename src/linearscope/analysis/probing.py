"""Structured probing: which columns (or rows) of F share a probe, and where in its answer each of them lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from torch import Tensor

from linearscope.analysis.colouring import colour
from linearscope.interpreter import LinearInterpreter
from linearscope.interpreter.windows import Support

__all__ = ["KINDS", "Entries", "Numbers", "Probing", "ProbingAxis", "ask", "probing"]

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Numbers = npt.NDArray[Any]
#: Places among the answers, places among what is asked, values.
Entries = tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.integer[Any]], Numbers]

KINDS: Final = ("columns", "rows")
# Entries made at a time.
_BLOCK: Final = 1 << 21


@dataclass(frozen=True, eq=False)
class ProbingAxis:
    """An axis of what is asked.

    Attributes
    ----------
    answer
        The axis of the answer whose place decides; ``None`` when every answer can see the whole axis.
    matrix
        ``(length of the answer's axis, length)``: what sees what; ``(1, length)`` and true without such an axis.
    colours
        Of every place.
    """

    answer: int | None
    matrix: Mask
    colours: Places

    @property
    def length(self) -> int:
        """Number of places."""
        return len(self.colours)

    @cached_property
    def count(self) -> int:
        """Number of colours."""
        return int(self.colours.max(initial=0)) + 1

    @cached_property
    def seen(self) -> Places:
        """How many places each place of the answer can see."""
        return np.asarray(self.matrix.sum(1), dtype=np.intp)

    @cached_property
    def table(self) -> Places:
        """``(colours, length of the answer's axis)``: the one place of a colour that an answer can see, or -1."""
        table = np.full((self.count, self.matrix.shape[0]), -1, dtype=np.intp)
        answers, places = np.nonzero(self.matrix)
        table[self.colours[places], answers] = places
        return table

    @cached_property
    def lists(self) -> tuple[Places, Mask]:
        """For every place of the answer the places that it sees, in order, and which of these entries are filled."""
        order = np.argsort(~self.matrix, axis=1, kind="stable")[:, : max(1, int(self.seen.max(initial=0)))]
        return order, np.take_along_axis(self.matrix, order, axis=1)


@dataclass(frozen=True, eq=False)
class Probing:
    """Probes that give all of F: probe ``k`` asks all places of one colour on every axis at once.

    Attributes
    ----------
    kind
        ``"columns"``: what is asked are inputs, the answers are products F v; ``"rows"``: outputs, and products F^T u.
    axes
        One an axis of what is asked.
    answer_shape
        Shape of an answer.
    """

    kind: str
    axes: tuple[ProbingAxis, ...]
    answer_shape: tuple[int, ...]

    @property
    def asked_shape(self) -> tuple[int, ...]:
        """Shape of a probe."""
        return tuple(axis.length for axis in self.axes)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of colours on every axis."""
        return tuple(axis.count for axis in self.axes)

    @property
    def probes(self) -> int:
        """Number of probes."""
        return prod(self.counts)

    @property
    def least(self) -> int:
        """The lower bound: the most places that one answer can see."""
        return prod(max(1, int(axis.seen.max(initial=0))) for axis in self.axes)

    @property
    def nonzeros(self) -> int:
        """Entries of F that can differ from zero."""
        free = prod(length for b, length in enumerate(self.answer_shape) if b not in {a.answer for a in self.axes})
        return free * prod(int(axis.seen.sum()) for axis in self.axes)

    @property
    def dense(self) -> bool:
        """Whether no two places can share a probe."""
        return self.probes == prod(self.asked_shape)

    def colour_of(self, place: int) -> int:
        """Probe that asks a place, given by its flat index."""
        where = np.unravel_index(place, self.asked_shape)
        at = tuple(int(axis.colours[i]) for axis, i in zip(self.axes, where, strict=True))
        return int(np.ravel_multi_index(at, self.counts))

    def impulses(self, start: int, stop: int, like: Tensor) -> Tensor:
        """Probes ``start`` to ``stop`` as ``(P, *asked_shape)``."""
        result = like.new_ones((stop - start, *self.asked_shape))
        where = np.unravel_index(np.arange(start, stop), self.counts)
        for a, axis in enumerate(self.axes):
            member = torch.from_numpy(axis.colours[None, :] == where[a][:, None]).to(result)
            result *= member.reshape(stop - start, *(axis.length if b == a else 1 for b in range(len(self.axes))))
        return result

    # -- products with the answers -----------------------------------------------------------------------------------

    def gather(self, k: int, v: Tensor) -> Tensor:
        """What every answer of probe ``k`` multiplies: ``(P, *asked_shape)`` to a shape that broadcasts to answers."""
        found, place = v, self._place(k)
        for a in reversed(range(len(self.axes))):
            axis = self.axes[a]
            if axis.answer is None:
                found = found.select(a + 1, place[a])
            else:
                row = torch.from_numpy(axis.table[place[a]]).to(v.device)
                found = found.index_select(a + 1, row.clamp(min=0)) * self._mask(row, a, found.dim(), v)
        order = self._matched
        found = found.permute(0, *(1 + i for i in np.argsort(order)))
        for b in range(len(self.answer_shape)):
            if b not in order:
                found = found.unsqueeze(b + 1)
        return found

    def scatter(self, k: int, w: Tensor, total: Tensor) -> None:
        """Add ``(P, *answer_shape)`` to ``total`` ``(P, *asked_shape)`` where the answers of probe ``k`` come from."""
        place, order = self._place(k), self._matched
        free = [b + 1 for b in range(len(self.answer_shape)) if b not in order]
        found = w.sum(free) if free else w
        found = found.permute(0, *(1 + sorted(order).index(b) for b in order))
        at = 1
        for a, axis in enumerate(self.axes):
            if axis.answer is not None:
                row = torch.from_numpy(axis.table[place[a]]).to(w.device)
                found = found * self._mask(row, at - 1, found.dim(), w)
                shape = (*found.shape[:at], axis.length, *found.shape[at + 1 :])
                found = found.new_zeros(shape).index_add_(at, row.clamp(min=0), found)
                at += 1
        total[
            (slice(None), *(p if x.answer is None else slice(None) for x, p in zip(self.axes, place, strict=True)))
        ] += found

    # -- entries -----------------------------------------------------------------------------------------------------

    def entries(self, start: int, values: Numbers, places: Places | None = None) -> Iterator[Entries]:
        """Take the answers of the probes from ``start`` apart into entries of F, in pieces.

        Parameters
        ----------
        start
            The first probe.
        values
            Their answers ``(P, answers)``.
        places
            Which answers (flat indices); all without it.
        """
        at = np.arange(prod(self.answer_shape)) if places is None else places
        step = max(1, _BLOCK // max(1, len(values)))
        for begin in range(0, len(at), step):
            answers = at[begin : begin + step]
            asked = self.asked(start, start + len(values), answers)
            probe, column = np.nonzero(asked >= 0)
            yield answers[column], asked[probe, column], values[probe, begin + column]

    def asked(self, start: int, stop: int, answers: Places) -> Places:
        """``(probes, answers)``: the flat index of the place that an answer of a probe comes from, or -1."""
        probes = np.unravel_index(np.arange(start, stop), self.counts)
        where = np.unravel_index(answers, self.answer_shape)
        flat = np.zeros((stop - start, len(answers)), dtype=np.intp)
        outside = np.zeros(flat.shape, dtype=bool)
        for axis, k in zip(self.axes, probes, strict=True):
            seen = axis.table[k[:, None], np.zeros_like(answers) if axis.answer is None else where[axis.answer]]
            outside |= seen < 0
            flat = flat * axis.length + seen
        flat[outside] = -1
        return flat

    def csr(self, values: Numbers) -> csr_array:
        """All answers ``(probes, answers)`` as a sparse matrix ``(answers, places)``, its indices sorted."""
        answers, size = prod(self.answer_shape), prod(self.asked_shape)
        where = np.unravel_index(np.arange(answers), self.answer_shape)
        counts = np.ones(answers, dtype=np.int64)
        for axis in self.axes:
            counts *= axis.seen[0] if axis.answer is None else axis.seen[where[axis.answer]]
        starts = np.concatenate([[0], np.cumsum(counts)])
        kind = np.int32 if max(int(starts[-1]), size) < 2**31 else np.int64
        data, indices = np.empty(starts[-1], dtype=values.dtype), np.empty(starts[-1], dtype=kind)
        width = prod(axis.lists[0].shape[1] for axis in self.axes)
        step = max(1, _BLOCK // width)
        for begin in range(0, answers, step):
            rows = np.arange(begin, min(begin + step, answers))
            probe, column = (np.zeros((len(rows), 1), dtype=np.intp) for _ in range(2))
            filled = np.ones((len(rows), 1), dtype=bool)
            for axis in self.axes:
                at = np.zeros_like(rows) if axis.answer is None else where[axis.answer][rows]
                places, there = axis.lists[0][at], axis.lists[1][at]
                probe = (probe[:, :, None] * axis.count + axis.colours[places][:, None, :]).reshape(len(rows), -1)
                column = (column[:, :, None] * axis.length + places[:, None, :]).reshape(len(rows), -1)
                filled = (filled[:, :, None] & there[:, None, :]).reshape(len(rows), -1)
            piece = slice(starts[begin], starts[rows[-1] + 1])
            data[piece] = values[probe, rows[:, None]][filled]
            indices[piece] = column[filled]
        return csr_array((data, indices, starts.astype(kind)), shape=(answers, size))

    # -- inside ------------------------------------------------------------------------------------------------------

    @cached_property
    def _matched(self) -> tuple[int, ...]:
        """Axes of the answer that decide, in the order of the asked axes."""
        return tuple(axis.answer for axis in self.axes if axis.answer is not None)

    def _place(self, k: int) -> tuple[int, ...]:
        return tuple(int(i) for i in np.unravel_index(k, self.counts))

    @staticmethod
    def _mask(row: Tensor, axis: int, dims: int, like: Tensor) -> Tensor:
        return (row >= 0).to(like.dtype).reshape(1, *(-1 if d == axis else 1 for d in range(dims - 1)))


def probing(support: Support, kind: str) -> Probing:
    """Colour the columns or the rows of F by its structure.

    Parameters
    ----------
    support
        What can see what: :meth:`LinearInterpreter.support`.
    kind
        ``"columns"`` or ``"rows"``.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Conv2d(8, 12, 3, padding=1))
    >>> support = ls.interpret(model, torch.rand(1, 3, 32, 32)).support()
    >>> probing(support, "columns").probes, probing(support, "rows").probes
    (75, 300)

    Source: Curtis, Powell and Reid 1974. F's structure is a product over the axes, and so are the colours: two places
    whose colours agree on all axes differ on one of them, and there nothing sees both.
    """
    # An output axis decides for one input axis; for a second one, taking everything is right as well.
    pairs: dict[int, int] = {}
    for a, axis in enumerate(support.axes):
        if axis.output_axis is not None and axis.output_axis not in pairs:
            pairs[axis.output_axis] = a
    if kind == "columns":
        given = {a: (b, support.axes[a].matrix) for b, a in pairs.items()}
        asked, answers = support.input_shape, support.output_shape
    else:
        given = {b: (a, support.axes[a].matrix.T) for b, a in pairs.items()}
        asked, answers = support.output_shape, support.input_shape
    axes = []
    for place, length in enumerate(asked):
        answer, matrix = given.get(place, (None, np.ones((1, length), dtype=bool)))
        matrix = np.ascontiguousarray(matrix)
        axes.append(ProbingAxis(answer, matrix, colour(matrix)))
    return Probing(kind, tuple(axes), tuple(answers))


def ask(it: LinearInterpreter, asks: Probing, start: int, stop: int) -> Numbers:
    """Answers ``(stop - start, *answer_shape)`` of some probes."""
    if asks.kind == "columns":
        answers = it.matvec(asks.impulses(start, stop, it.point))
    else:
        answers = it.rmatvec(asks.impulses(start, stop, it.output))
    return np.asarray((answers if answers.element_size() >= 4 else answers.float()).cpu().numpy())
