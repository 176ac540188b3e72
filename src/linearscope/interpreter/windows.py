"""Windows: what one row or column of F can touch, and the steps of a product cut down to it."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from linearscope.interpreter.plan import Plan, Step
from linearscope.rules import LinearMap
from linearscope.rules.maps import Lane
from linearscope.rules.structure import Along, Box, Shape, Structure, extent, fit, needs, reaches, union, whole

if TYPE_CHECKING:
    from linearscope.interpreter.engine import Item

__all__ = ["AxisSupport", "Support", "Window", "Windows"]

Mask = npt.NDArray[np.bool_]
Boxes = dict[int, Box | None]

# What starting a step costs, counted in numbers computed.
_OVERHEAD = 8000


@dataclass(frozen=True)
class Window:
    """A row or a column of F where it can differ from zero.

    Attributes
    ----------
    values
        The numbers in the window, in the axes of an input (for a row) or of an output (for a column).
    start
        Where the window begins, on each axis.
    shape
        Of the whole row or column.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> it = ls.interpret(torch.nn.Conv2d(3, 2, 3, padding=1), torch.rand(1, 3, 32, 32))
    >>> w = it.row_window((0, 10, 20))
    >>> tuple(w.values.shape), w.start, w.shape
    ((3, 3, 3), (0, 9, 19), (3, 32, 32))
    >>> torch.equal(w.whole(), it.rows((0, 10, 20))[0])
    True
    """

    values: Tensor
    start: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def box(self) -> Box:
        """First place and last place plus one, on each axis."""
        return tuple((start, start + size) for start, size in zip(self.start, self.values.shape, strict=True))

    def whole(self) -> Tensor:
        """Return the whole row or column, zero outside the window."""
        result = self.values.new_zeros(self.shape)
        result[tuple(slice(*ends) for ends in self.box)] = self.values
        return result


@dataclass(frozen=True)
class AxisSupport:
    """Which places of one input axis the outputs can use.

    Attributes
    ----------
    output_axis
        The axis of the output whose place decides; ``None`` when every output can use the whole input axis.
    matrix
        ``(output length, input length)``, true where an output can use an input; all true without an output axis.
    """

    output_axis: int | None
    matrix: Mask


@dataclass(frozen=True)
class Support:
    """Where F can differ from zero, whatever the image: ``F[o, i]`` only where every axis of the input allows it.

    Attributes
    ----------
    axes
        One :class:`AxisSupport` an axis of ``input_shape``: ``F[o, i]`` is zero unless for every axis ``a``
        ``axes[a].matrix[o[axes[a].output_axis], i[a]]``.
    input_shape, output_shape
        Shapes of a probe and of a product.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> it = ls.interpret(torch.nn.Conv2d(1, 1, 3, padding=1), torch.rand(1, 1, 4, 4))
    >>> it.support().axes[2].matrix.sum(1).tolist()
    [2, 3, 3, 2]
    """

    axes: tuple[AxisSupport, ...]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]


class Embedded(LinearMap):
    """A part of any map: lanes are made whole, mapped, and cut. For maps without a structure."""

    def __init__(
        self, inner: LinearMap, inputs: Sequence[Shape], output: Shape | None, into: Box, places: Sequence[Box | None]
    ) -> None:
        super().__init__()
        self._map, self._output, self._into, self._places = inner, output, into, places
        self._inputs = [whole(shape) for shape in inputs]

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:
        full = [
            None if lane is None or box is None else fit(lane, box, all_)
            for lane, box, all_ in zip(lanes, self._places, self._inputs, strict=True)
        ]
        made = self._map.forward(full)
        return made if self._output is None else fit(made, whole(self._output), self._into)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        if self._output is not None:
            u = fit(u, self._into, whole(self._output))
        return [
            None if back is None or box is None else fit(back, all_, box)
            for back, box, all_ in zip(self._map.transpose(u), self._places, self._inputs, strict=True)
        ]


class Fitted(LinearMap):
    """A part of a map between the boxes it needs, behind lanes that lie on others."""

    def __init__(self, part: LinearMap, needed: Sequence[Box | None], places: Sequence[Box | None]) -> None:
        super().__init__()
        self._part, self._needed, self._places = part, needed, places

    def _fit(self, lanes: Sequence[Lane], there: bool) -> list[Lane]:
        given, wanted = (self._places, self._needed) if there else (self._needed, self._places)
        return [
            None if lane is None or a is None or b is None else fit(lane, a, b)
            for lane, a, b in zip(lanes, given, wanted, strict=True)
        ]

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:
        return self._part.forward(self._fit(lanes, True), reuse and self._needed == self._places)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        return self._fit(self._part.transpose(u, reuse), False)


class Windows:
    """Which box of every value one product touches, from the structures of a plan's steps.

    Parameters
    ----------
    plan
        The steps.
    items
        The steps with their maps on an image; structures do not depend on which.
    """

    def __init__(self, plan: Plan, items: Iterable[Item]) -> None:
        self._plan = plan
        self._shapes = {node.index: node.shape for node in plan.program.nodes}
        self._steps = [step for step in plan.steps if step.moves]
        for step in self._steps:
            # The first of several results stands for all: the only one that maps with a structure carry.
            if step.node.target is operator.getitem and step.node.args[1] == 0:
                self._shapes[step.sources[0]] = step.node.shape
        self._structures: dict[int, Sequence[Structure] | None] = {}
        for item in items:
            if item.map is not None and item.step.moves:
                self._structures[item.step.node.index] = self._structure(item.step, item.map)
        self.cost = self.work({step.node.index: _all(self._shapes[step.node.index]) for step in self._steps})

    def _structure(self, step: Step, frozen: LinearMap) -> Sequence[Structure] | None:
        shape, inner = self._shapes[step.node.index], [self._shapes[i] for i in step.sources]
        if shape is None or any(one is None for one in inner):
            return None
        return frozen.structure([one for one in inner if one is not None], step.node.shape)

    def work(self, boxes: Boxes) -> int:
        """How many numbers a product computes, and what a step costs besides, in numbers."""
        return sum(_OVERHEAD + prod(extent(box)) for box in boxes.values() if box is not None)

    # -- boxes -------------------------------------------------------------------------------------------------------

    def forward(self, box: Box) -> Boxes:
        """The box that lanes lie on after every step of ``F v``, when they begin on ``box`` of the source."""
        boxes: Boxes = {self._plan.source: box}
        for step in self._steps:
            index, shape = step.node.index, self._shapes[step.node.index]
            given = [boxes.get(i) for i in step.sources]
            found: Box | None = None
            if all(one is None for one in given):
                pass
            elif step.node.target is operator.getitem:
                found = given[0] if self._follows(step) else _all(shape)
            elif (structures := self._structures[index]) is None or shape is None:
                found = _all(shape)
            else:
                for structure, one in zip(structures, given, strict=True):
                    if one is not None:
                        found = union(found, reaches(structure, one, shape))
            boxes[index] = found
        return boxes

    def backward(self, box: Box) -> Boxes:
        """The box of every value that ``F^T u`` uses, when its lanes begin on ``box`` of the output."""
        boxes: Boxes = {self._plan.program.output: box}
        for step in reversed(self._steps):
            index = step.node.index
            here = boxes.get(index)
            if here is None:
                continue
            if step.node.target is operator.getitem:
                if not self._follows(step):
                    boxes[index] = _all(step.node.shape)
                    boxes[step.sources[0]] = _all(self._shapes[step.sources[0]])
                else:
                    boxes[step.sources[0]] = union(boxes.get(step.sources[0]), here)
                continue
            structures = self._structures[index]
            for place, i in enumerate(step.sources):
                shape = self._shapes[i]
                found: Box | None = _all(shape)
                if structures is not None and shape is not None:
                    found = needs(structures[place], here, shape)
                boxes[i] = union(boxes.get(i), found)
        return boxes

    def _follows(self, step: Step) -> bool:
        """Whether this picks the first result of a map with a structure."""
        return step.node.args[1] == 0 and self._structures.get(step.sources[0]) is not None

    def cut(self, items: Iterable[Item], boxes: Boxes) -> Iterator[Item]:
        """The steps with their maps cut down to ``boxes``; steps that lanes do not reach are left out."""
        for item in items:
            step, box = item.step, boxes.get(item.step.node.index)
            if not step.moves or item.map is None:
                yield item
            elif box is not None:
                places = [boxes.get(i) for i in step.sources]
                structures = self._structures[step.node.index]
                yield replace(item, map=self._part(step, item.map, structures, box, places))

    def _part(
        self, step: Step, frozen: LinearMap, structures: Sequence[Structure] | None, box: Box,
        places: Sequence[Box | None],
    ) -> LinearMap:  # fmt: skip
        shapes = [self._shapes[i] or () for i in step.sources]
        if structures is None:
            return Embedded(frozen, shapes, step.node.shape, box, places)
        needed = [needs(structure, box, shape) for structure, shape in zip(structures, shapes, strict=True)]
        return Fitted(frozen.submatrix(box, needed), needed, places)

    # -- support -----------------------------------------------------------------------------------------------------

    def support(self, point: Shape, output: Shape) -> Support:
        """Where F can differ from zero; ``point`` and ``output`` are the shapes of its two sides."""
        source = {axis: (axis, np.eye(size, dtype=bool)) for axis, size in enumerate(point)}
        found: dict[int, dict[int, tuple[int, Mask]]] = {self._plan.source: source}
        for step in self._steps:
            index = step.node.index
            inputs = [found.get(i) for i in step.sources]
            if step.node.target is operator.getitem:
                found[index] = (inputs[0] or {}) if self._follows(step) else {}
                continue
            structures = self._structures[index]
            # An axis of the source that is not there is used whole by everything.
            sides = [
                _through(structure, one)
                for structure, one in zip(structures or [(None,)] * len(inputs), inputs, strict=True)
                if one is not None
            ]
            found[index] = {} if structures is None else _joined(sides)
        ends = found.get(self._plan.program.output, {})
        batch = point[0] == 1 and len(point) > 1, output[0] == 1
        axes = []
        for axis, size in enumerate(point):
            if axis == 0 and batch[0]:
                continue
            out, mask = ends.get(axis, (-1, np.ones((1, size), bool)))
            at = out - batch[1]
            axes.append(AxisSupport(at, mask) if at >= 0 else AxisSupport(None, np.ones((1, size), bool)))
        return Support(tuple(axes), tuple(point[batch[0] :]), tuple(output[batch[1] :]))


def _all(shape: Shape | None) -> Box:
    return whole(shape or ())


def _through(structure: Structure, before: dict[int, tuple[int, Mask]]) -> dict[int, tuple[int, Mask]]:
    """Which places of the source each place of an output can use, from which each place of an input can."""
    after = {}
    for axis, (own, mask) in before.items():
        along = structure[own] if own < len(structure) else None
        if isinstance(along, Along):
            after[axis] = along.axis, mask if along.places is None else _any(mask, along.places)
    return after


def _any(mask: Mask, places: npt.NDArray[np.int64]) -> Mask:
    result = np.zeros((len(places), mask.shape[1]), bool)
    for column in places.T:
        result |= mask[column] & (column >= 0)[:, None]
    return result


def _joined(sides: Sequence[dict[int, tuple[int, Mask]]]) -> dict[int, tuple[int, Mask]]:
    if not sides:
        return {}
    result = dict(sides[0])
    for side in sides[1:]:
        for axis, (own, mask) in list(result.items()):
            if axis in side and side[axis][0] == own:
                result[axis] = own, mask | side[axis][1]
            else:
                del result[axis]
    return result
