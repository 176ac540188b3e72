"""A walk over an image with a flashlight: the row and the column of F at every step, and what one stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise, permutations
from math import dist
from typing import Final

import numpy as np
import torch

from linearscope.analysis.fields import Field, Kind, fields
from linearscope.analysis.points import (
    check_point,
    edge_direction,
    interesting_points,
    matching_output,
    surroundings,
)
from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter
from linearscope.interpreter.memory import available_memory
from linearscope.progress import track

__all__ = [
    "WHICH",
    "Step",
    "Steps",
    "Stretch",
    "Walk",
    "default_path",
    "middle_channel",
    "positions",
    "stretches",
    "walk",
]

#: Which filters a walk looks at.
WHICH: Final = ("both", "row", "column")


@dataclass(frozen=True)
class Step:
    """What one pixel shows.

    Attributes
    ----------
    point
        ``(row, column)`` on the input.
    output_point
        The output pixel over its centre.
    on
        ``"edge"``, ``"corner"``, ``"texture"`` or ``"flat"``, see :func:`surroundings`.
    direction
        Of the edge, in degrees from 0 to 180, counter-clockwise from the horizontal; None elsewhere.
    row
        The row of F of the output pixel, or None.
    column
        The column of F of the input pixel, or None.
    """

    point: tuple[int, int]
    output_point: tuple[int, int]
    on: str
    direction: float | None
    row: Field | None
    column: Field | None


@dataclass(frozen=True)
class Walk:
    """A walk.

    Attributes
    ----------
    waypoints
        ``(row, column)`` of the corners of the path, on the input.
    positions
        ``(row, column)`` at every step.
    places
        What every position shows.
    channels
        Of the input and of the output that were looked at.
    """

    waypoints: tuple[tuple[int, int], ...]
    positions: tuple[tuple[int, int], ...]
    places: dict[tuple[int, int], Step]
    channels: tuple[int, int]

    def fields(self, kind: str) -> list[Field]:
        """The rows or the columns of all places, in the order of the walk."""
        found = (place.row if kind == "row" else place.column for place in self.places.values())
        return [field for field in found if field is not None]


@dataclass(frozen=True)
class Stretch:
    """Steps ``start`` to ``stop`` (exclusive) of a walk, which all stand on much the same."""

    start: int
    stop: int
    on: str


class Steps:
    """Looks at pixels of an image: what they stand on, the column of F that they make, the row above them.

    Parameters
    ----------
    it
        Interpreter of a network from an image ``(1, C, H, W)`` to an image.
    which
        ``"row"``, ``"column"`` or ``"both"``.
    channel
        Of the image; default: the middle one, green of RGB. The output's channel is the same one, or the middle one
        where there is none.
    near
        See :func:`linearscope.fields`.
    find
        Gives the filter of an index and a kind; default: :func:`linearscope.fields`.

    Raises
    ------
    InputError
        When the network makes no image, or there is no such channel.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> it = ls.interpret(torch.nn.Upsample(scale_factor=2, mode="bicubic"), torch.rand(1, 3, 16, 16))
    >>> step = Steps(it).at((4, 5))
    >>> step.output_point, step.column.index, step.row.index
    ((9, 11), (1, 4, 5), (1, 9, 11))
    """

    def __init__(
        self,
        it: LinearInterpreter,
        *,
        which: str = "both",
        channel: int | None = None,
        near: int | None = None,
        find: Callable[[tuple[int, ...], Kind], Field] | None = None,
    ) -> None:
        if which not in WHICH:
            raise InputError(f"There is no kind {which!r} of filter; there are {', '.join(map(repr, WHICH))}.")
        matching_output((0, 0), it.input_shape, it.output_shape)
        self.it, self.which = it, which
        fits = channel is not None and channel < it.output_shape[0]
        self.channels = (
            middle_channel(it.input_shape, channel),
            middle_channel(it.output_shape, channel if fits else None),
        )
        self._find = find or (lambda index, kind: fields(it, index, kind, near=near))
        self._on, self._directions = surroundings(it.image), edge_direction(it.image)

    def at(self, point: tuple[int, int]) -> Step:
        """Look at one pixel ``(row, column)`` of the input."""
        output_point = matching_output(point, self.it.input_shape, self.it.output_shape)
        on = str(self._on[point])
        return Step(
            point,
            output_point,
            on,
            float(self._directions[point]) if on == "edge" else None,
            None if self.which == "column" else self._find((self.channels[1], *output_point), "row"),
            None if self.which == "row" else self._find((self.channels[0], *point), "column"),
        )


def walk(steps: Steps, waypoints: Sequence[tuple[int, int]], count: int) -> Walk:
    """Walk along a path, and look at the row and the column of F at every step.

    Parameters
    ----------
    steps
        Looks at the pixels.
    waypoints
        At least two ``(row, column)`` on the input; between them one goes straight.
    count
        How many steps; at least two.

    Raises
    ------
    InputError
        When the path leaves the image or leads nowhere, or memory is too small for all rows and columns.

    Source: the demonstration of Navarrete Michelini et al. 2019, sections 8.B to 8.D.
    """
    found = positions(waypoints, steps.it.input_shape, count)
    points = list(dict.fromkeys(found))
    places: dict[tuple[int, int], Step] = {}
    for point in track(points, "walking over the image"):
        places[point] = steps.at(point)
        if len(places) == 1:
            _fits(places[point], len(points))
    return Walk(tuple(waypoints), found, places, steps.channels)


def positions(waypoints: Sequence[tuple[int, int]], shape: Sequence[int], steps: int) -> tuple[tuple[int, int], ...]:
    """Pixels at equal distances along a path, from its first point to its last.

    Examples
    --------
    >>> positions([(0, 0), (0, 2), (2, 2)], (3, 8, 8), 5)
    ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2))
    """
    if len(waypoints) < 2:
        raise InputError(f"A path of {len(waypoints)} points leads nowhere. Give at least two, such as '10,10 40,60'.")
    for point in waypoints:
        check_point(point, shape)
    if steps < 2:
        raise InputError(f"A walk of {steps} steps leads nowhere. Give more seconds or more frames a second.")
    lengths = [0.0]
    for one, two in pairwise(waypoints):
        lengths.append(lengths[-1] + dist(one, two))
    if lengths[-1] == 0:
        raise InputError("All points of the path are the same pixel. Give at least two different ones.")
    along = np.linspace(0, lengths[-1], steps)
    rows, columns = (np.interp(along, lengths, [point[axis] for point in waypoints]) for axis in (0, 1))
    return tuple((int(row + 0.5), int(column + 0.5)) for row, column in zip(rows, columns, strict=True))


def default_path(it: LinearInterpreter) -> tuple[tuple[int, int], ...]:
    """The shortest way from the flat point over the corner, the edge and the texture that are worth a look.

    It goes on to their reflections through the middle of the image, so that it crosses most of it.
    """
    points = interesting_points(it.image)
    height, width = it.input_shape[-2:]
    first, *others = points["flat"], points["corner"], points["edge"], points["texture"]
    others += [(height - 1 - first[0], width - 1 - first[1])]
    ways = ((first, *order) for order in permutations(others))
    best = min(ways, key=lambda way: sum(dist(one, two) for one, two in pairwise(way)))
    found = tuple(point for point, _ in groupby(best))
    return found if len(found) > 1 else ((0, 0), (height - 1, width - 1))


def stretches(on: Sequence[str], least: int, most: int) -> list[Stretch]:
    """Cut a walk into stretches of at least ``least`` steps where it can be, and at most ``most``.

    Parameters
    ----------
    on
        What every step stands on.
    least, most
        Steps. A shorter stretch joins the longer of its neighbours; a longer one is cut into equal parts.

    Examples
    --------
    >>> [(one.start, one.stop, one.on) for one in stretches(["flat"] * 4 + ["edge"] + ["flat"] * 5, 2, 5)]
    [(0, 5, 'flat'), (5, 10, 'flat')]
    """
    runs = _joined((kind, len(list(group))) for kind, group in groupby(on))
    while len(runs) > 1:
        i = min(range(len(runs)), key=lambda i: runs[i][1])
        if runs[i][1] >= least:
            break
        beside = max((j for j in (i - 1, i + 1) if 0 <= j < len(runs)), key=lambda j: runs[j][1])
        runs[i] = (runs[beside][0], runs[i][1])
        runs = _joined(runs)
    found, start = [], 0
    for kind, length in runs:
        parts = -(-length // most)
        cuts = [start + length * part // parts for part in range(parts + 1)]
        found += [Stretch(one, two, kind) for one, two in pairwise(cuts)]
        start = cuts[-1]
    return found


def _fits(first: Step, count: int) -> None:
    """Refuse a walk whose rows and columns would not fit into memory together."""
    each = sum(one.values.nbytes for one in (first.row, first.column) if one is not None)
    free = available_memory(torch.device("cpu"))
    if each * count > free:
        raise InputError(
            f"The rows and columns of {count} pixels need {each * count / 1e9:.1f} GB; {free / 1e9:.1f} GB are free. "
            "Take a smaller image, fewer steps, or rows or columns alone."
        )


def middle_channel(shape: Sequence[int], channel: int | None) -> int:
    """Check a channel of an image ``(C, H, W)``; None is the middle one."""
    if channel is None:
        return shape[0] // 2
    if not 0 <= channel < shape[0]:
        raise InputError(f"There is no channel {channel} in an image of {shape[0]}. Give one from 0 to {shape[0] - 1}.")
    return channel


def _joined(runs: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Make neighbouring runs of one kind one."""
    return [(kind, sum(length for _, length in group)) for kind, group in groupby(runs, key=lambda run: run[0])]
