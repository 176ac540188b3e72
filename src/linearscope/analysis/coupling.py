"""Coupling over the whole image: how much of the rows of F lies where convolutions do not lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from linearscope.analysis.off_diagonal import structural_field
from linearscope.errors import InputError
from linearscope.interpreter import interpret
from linearscope.interpreter.plan import INTERPRETATIONS
from linearscope.program import Program
from linearscope.progress import track

__all__ = ["Coupling", "coupling"]

Array = npt.NDArray[np.float64]

#: Rows that are held at once.
TOGETHER = 16


@dataclass(frozen=True)
class Coupling:
    """Where rows of F have their energy, under one interpretation.

    Attributes
    ----------
    interpretation
        How norms, gates and smooth units were treated.
    points
        ``(channel, row, column)`` of the output numbers whose rows were taken.
    near
        In pixels.
    outside
        ``(P,)``: part of each row's energy outside of the structural field, where no path of convolutions leads.
    far
        ``(P,)``: part of each row's energy more than ``near`` from the pixel, along rows or along columns.
    outside_contribution, far_contribution
        ``(P,)``: the same parts of the sum of ``|row * x0|``, what the pixels of this image really add.
    area
        ``(P,)``: part of the image that lies outside of the structural field.
    """

    interpretation: str
    points: tuple[tuple[int, int, int], ...]
    near: int
    outside: Array
    far: Array
    outside_contribution: Array
    far_contribution: Array
    area: Array


def coupling(
    program: Program,
    image: Tensor,
    *,
    points: int | Sequence[tuple[int, int, int]] = 64,
    near: int | None = None,
    interpretations: Sequence[str] = INTERPRETATIONS,
    seed: int = 0,
) -> tuple[Coupling, ...]:
    """Compare how far rows of F reach when norms keep mean and deviation, the deviation only, or neither.

    Parameters
    ----------
    program
        Of a network from an image to an image.
    image
        ``(1, C, H, W)``.
    points
        Output numbers ``(channel, row, column)``, or how many to draw.
    near
        In input pixels. Default: an eighth of the longer side.
    interpretations
        Which to compare.
    seed
        Of the drawing.

    Returns
    -------
    tuple of Coupling
        One for each interpretation, for the same output numbers.

    Raises
    ------
    InputError
        When the map is not from an image to an image, or there is no point.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.InstanceNorm2d(2)).double()
    >>> image = torch.rand(1, 1, 16, 16, dtype=torch.float64)
    >>> frozen, moving, taylor = ls.coupling(ls.capture(model, image), image, points=4)
    >>> float(frozen.outside.max()), float(moving.outside.min()) > 0
    (0.0, True)

    Source: tests the sentence of Navarrete Michelini et al. 2019, section 4, case 3, that far off-diagonals come from
    instance norm alone.
    """
    results: list[Coupling] = []
    field, chosen = None, points
    for interpretation in interpretations:
        it = interpret(program, image, interpretation=interpretation)
        if len(it.input_shape) != 3 or len(it.output_shape) != 3:
            raise InputError(
                f"The map is from {it.input_shape} to {it.output_shape}. Coupling is measured on a map from an image "
                "(C, H, W) to an image."
            )
        if not results:
            field = structural_field(it)
            near = max(it.input_shape[1:]) // 8 if near is None else near
            chosen = _drawn(chosen, it.output_shape, seed)
        assert near is not None
        assert not isinstance(chosen, int)
        parts = []
        for start in track(range(0, len(chosen), TOGETHER), interpretation):
            some = chosen[start : start + TOGETHER]
            rows = it.rows(some).double().cpu()
            x0 = it.point.reshape(it.input_shape).double().cpu()
            energy, added = (rows.square().sum(1).numpy(), (rows * x0).sum(1).abs().numpy())
            for point, e, a in zip(some, energy, added, strict=True):
                near_mask, inside = _masks(point, near, it.input_shape, it.output_shape, field)
                parts.append((_part(e, ~inside), _part(e, ~near_mask), _part(a, ~inside), _part(a, ~near_mask),
                              float((~inside).mean())))  # fmt: skip
        outside, far, outside_contribution, far_contribution, area = np.asarray(parts).T
        results.append(
            Coupling(interpretation, tuple(chosen), near, outside, far, outside_contribution, far_contribution, area)
        )
    return tuple(results)


def _drawn(points: int | Sequence[tuple[int, int, int]], shape: Sequence[int], seed: int) -> list[tuple[int, int, int]]:
    if isinstance(points, int):
        rng = np.random.default_rng(seed)
        drawn = np.stack([rng.integers(0, size, max(points, 0)) for size in shape], 1)
        points = [(int(c), int(y), int(x)) for c, y, x in drawn]
    if not len(points):
        raise InputError("There is no output number to take a row of. Give at least one point.")
    return [tuple(point) for point in points]  # type: ignore[misc]


def _masks(
    point: tuple[int, int, int],
    near: int,
    inputs: Sequence[int],
    outputs: Sequence[int],
    field: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which input pixels are near to an output pixel, and which lie in its structural field."""
    sides = []
    inside = []
    for axis in (0, 1):
        length, place = inputs[axis + 1], (point[axis + 1] + 0.5) * inputs[axis + 1] / outputs[axis + 1] - 0.5
        sides.append(np.abs(np.arange(length) - place) <= near)
        if field is None:
            inside.append(np.ones(length, dtype=bool))
        else:
            mask = field[axis]
            inside.append(mask[point[axis + 1] if len(mask) > 1 else 0])
    return np.logical_and.outer(*sides), np.logical_and.outer(*inside)


def _part(values: Array, where: npt.NDArray[np.bool_]) -> float:
    total = float(values.sum())
    return float(values[where].sum()) / total if total else 0.0
