"""Off-diagonals: which areas of the input feed which areas of the output far away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import hypot
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter, interpret
from linearscope.progress import track

__all__ = ["FarPair", "FarSource", "OffDiagonal", "off_diagonal", "structural_field"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Block = tuple[int, int]

#: Lanes that are held at once.
TOGETHER: Final = 32


@dataclass(frozen=True)
class FarPair:
    """An area of the input that feeds an area of the output far away.

    Attributes
    ----------
    output, input
        ``(row, column)`` of the two blocks.
    energy
        ``||F[output, input]||_F^2``, of the output pixels that are far from the input block.
    share
        Of all far energy.
    distance
        Between the centres of the blocks, in input pixels.
    """

    output: Block
    input: Block
    energy: float
    share: float
    distance: float


@dataclass(frozen=True)
class FarSource:
    """An area of the input from which far areas of the output are fed.

    Attributes
    ----------
    block
        ``(row, column)`` of the input block.
    share
        Of all far energy that comes from it.
    outputs
        How many output blocks it feeds: ``(sum e)^2 / sum e^2`` of the energies ``e`` sent to each.
    """

    block: Block
    share: float
    outputs: float


@dataclass(frozen=True)
class OffDiagonal:
    """Energy of F between blocks of the input and blocks of the output.

    Attributes
    ----------
    energy
        ``(gy, gx, gy, gx)``: ``||F[output block, input block]||_F^2``; first the output block's row and column in the
        grid, then the input block's.
    error
        Its standard errors; zero where it was computed exactly.
    far
        The part of ``energy`` that goes to output pixels more than ``near`` away from the input block.
    near
        In input pixels; the distance is the larger of those along rows and along columns.
    share, share_error
        Part of all energy that is far, and its standard error.
    outside, outside_error
        Part of all energy outside of the structural field: where no path of convolutions leads and only what norms
        carry over the whole image can arrive. Both ``None`` where every output can use every input.
    input_rows, input_columns, output_rows, output_columns
        Edges of the blocks in pixels, one more than there are blocks.
    probes
        How many random probes each input block got; ``None``: every column was computed.
    seed
        Of the probes.
    """

    energy: Array
    error: Array
    far: Array
    near: int
    share: float
    share_error: float
    outside: float | None
    outside_error: float | None
    input_rows: tuple[int, ...]
    input_columns: tuple[int, ...]
    output_rows: tuple[int, ...]
    output_columns: tuple[int, ...]
    probes: int | None
    seed: int

    @property
    def total(self) -> float:
        """``||F||_F^2``."""
        return float(self.energy.sum())

    def pairs(self, count: int = 8) -> tuple[FarPair, ...]:
        """The pairs of blocks with the most far energy, the strongest first."""
        sums = self.far.sum()
        order = np.argsort(-self.far, axis=None, kind="stable")[:count]
        found = []
        for out_row, out_column, row, column in zip(*np.unravel_index(order, self.far.shape), strict=True):
            output, source = (int(out_row), int(out_column)), (int(row), int(column))
            energy = float(self.far[output + source])
            if energy > 0:
                found.append(FarPair(output, source, energy, energy / float(sums), self._distance(output, source)))
        return tuple(found)

    def sources(self, count: int = 5) -> tuple[FarSource, ...]:
        """The input blocks that send most far energy, the strongest first."""
        sent = self.far.sum((0, 1))
        found = []
        for row, column in zip(
            *np.unravel_index(np.argsort(-sent, axis=None, kind="stable")[:count], sent.shape), strict=True
        ):
            if sent[row, column] > 0:
                to = self.far[:, :, row, column]
                spread = float(to.sum() ** 2 / (to**2).sum())
                found.append(FarSource((int(row), int(column)), float(sent[row, column] / sent.sum()), spread))
        return tuple(found)

    @cached_property
    def _strongest(self) -> list[int]:
        far = self.far.reshape(self.far.shape[0] * self.far.shape[1], -1)
        return [int(i) for i in far[far.sum(1) > 0].argmax(1)]

    @property
    def agreement(self) -> float:
        """Part of the output blocks whose strongest far source is the same single input block; 0 with no far energy."""
        return Counter(self._strongest).most_common(1)[0][1] / len(self._strongest) if self._strongest else 0.0

    @property
    def commonest(self) -> Block | None:
        """The input block that is the strongest far source of most output blocks."""
        if not self._strongest:
            return None
        row, column = divmod(Counter(self._strongest).most_common(1)[0][0], self.far.shape[3])
        return row, int(column)

    def numbers(self) -> dict[str, Any]:
        """What there is to say, without the arrays, for a file."""
        return {
            "blocks": list(self.energy.shape[:2]),
            "near_pixels": self.near,
            "frobenius_norm_squared": self.total,
            "far_share": self.share,
            "far_share_error": self.share_error,
            "outside_share": self.outside,
            "outside_share_error": self.outside_error,
            "mean_relative_error_of_areas": float(self.error.sum() / self.total) if self.total else 0.0,
            "same_strongest_source_share": self.agreement,
            "commonest_source_block": self.commonest,
            "probes_per_block": self.probes,
            "seed": self.seed,
            "pairs": [
                {
                    "output_block": pair.output,
                    "input_block": pair.input,
                    "share_of_far": pair.share,
                    "distance_pixels": pair.distance,
                }
                for pair in self.pairs()
            ],
            "sources": [
                {"input_block": one.block, "share_of_far": one.share, "output_blocks": one.outputs}
                for one in self.sources()
            ],
        }

    def _distance(self, output: Block, source: Block) -> float:
        gaps = []
        for place, axis_from, axis_to, start in (
            (0, self.input_rows, self.output_rows, source[0]),
            (1, self.input_columns, self.output_columns, source[1]),
        ):
            middle = (axis_from[start] + axis_from[start + 1]) / 2
            other = (axis_to[output[place]] + axis_to[output[place] + 1]) / 2 * axis_from[-1] / axis_to[-1]
            gaps.append(middle - other)
        return hypot(*gaps)


def off_diagonal(
    it: LinearInterpreter, *, blocks: int = 16, near: int | None = None, probes: int | None = 8, seed: int = 0
) -> OffDiagonal:
    """Measure how much every area of the input feeds every area of the output.

    Parameters
    ----------
    it
        Interpreter of a network from an image ``(1, C, H, W)`` to an image.
    blocks
        The image is cut into ``blocks`` times ``blocks`` areas.
    near
        In input pixels: output pixels more than this away from an input block are far from it. Default: an eighth of
        the longer side.
    probes
        How many random probes each input block gets: ``E ||F z||^2`` over signs ``z`` on the block is the energy of its
        columns, in every area of the output at once. It takes ``probes * blocks^2`` products. ``None``: every column is
        computed, exactly; so it is where that takes fewer products.
    seed
        Of the probes: the same gives the same numbers.

    Raises
    ------
    InputError
        When the map is not from an image to an image, or an option does not fit it.

    Examples
    --------
    A network that adds to each pixel the one half an image further right:

    >>> import torch, linearscope as ls
    >>> class Shift(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x + torch.roll(x, 8, -1)
    >>> it = ls.interpret(Shift(), torch.rand(1, 1, 16, 16, dtype=torch.float64))
    >>> ls.off_diagonal(it, blocks=4, near=4, probes=None).share
    0.5

    Source: the off-diagonals and copy-move areas are those of Navarrete Michelini et al. 2019, section 4, case 3; the
    estimator of ``||F||_F^2`` is Hutchinson's, block by block.
    """
    height, width, height_out, width_out = _sides(it)
    near = max(height, width) // 8 if near is None else near
    if not 1 <= blocks <= min(height, width, height_out, width_out):
        raise InputError(
            f"{blocks} blocks do not fit an image of {height} x {width} pixels and an output of {height_out} x "
            f"{width_out}. Give 1 to {min(height, width, height_out, width_out)}."
        )
    if near < 0 or (probes is not None and probes < 2):
        raise InputError(
            "Give a near distance of at least 0 pixels, and at least 2 probes (None computes all columns)."
        )
    columns = it.shape[1]
    exact = probes is None or columns <= probes * blocks * blocks
    edges = [_edges(length, blocks) for length in (height, width, height_out, width_out)]
    field = structural_field(it)
    generator = torch.Generator().manual_seed(seed)
    energy, error, far = (np.zeros((blocks, blocks, blocks, blocks)) for _ in range(3))
    totals: list[Array] = []
    far_of: list[Array] = []
    outside_of: list[Array] = []
    for row, column in track([(r, c) for r in range(blocks) for c in range(blocks)], "areas of the image"):
        inner = (edges[0][row], edges[0][row + 1]), (edges[1][column], edges[1][column + 1])
        away = ~np.logical_and.outer(_near(inner[0], near, height, height_out), _near(inner[1], near, width, width_out))
        beyond = None
        if field is not None:
            beyond = ~np.logical_and.outer(field[0][:, slice(*inner[0])].any(1), field[1][:, slice(*inner[1])].any(1))
        parts = []
        for answer in _answers(it, inner, None if exact else probes, generator):
            squares = answer.double().square().sum(1).cpu().numpy()
            parts.append((
                _sums(squares, edges[2], edges[3]),
                _sums(squares * away, edges[2], edges[3]),
                (squares * beyond).sum((1, 2)) if beyond is not None else np.zeros(len(squares)),
            ))  # fmt: skip
        all_of, far_part, outside_part = (np.concatenate(list(part)) for part in zip(*parts, strict=True))
        count = 1 if exact else len(all_of)
        energy[:, :, row, column] = all_of.sum(0) / count
        far[:, :, row, column] = far_part.sum(0) / count
        if not exact:
            error[:, :, row, column] = all_of.std(0, ddof=1) / count**0.5
        totals.append(all_of.sum((1, 2)))
        far_of.append(far_part.sum((1, 2)))
        outside_of.append(outside_part)
    share, share_error = _ratio(far_of, totals, exact)
    outside, outside_error = (None, None) if field is None else _ratio(outside_of, totals, exact)
    input_rows, input_columns, output_rows, output_columns = (tuple(int(e) for e in edge) for edge in edges)
    return OffDiagonal(
        energy=energy,
        error=error,
        far=far,
        near=near,
        share=share,
        share_error=share_error,
        outside=outside,
        outside_error=outside_error,
        input_rows=input_rows,
        input_columns=input_columns,
        output_rows=output_rows,
        output_columns=output_columns,
        probes=None if exact else probes,
        seed=seed,
    )


def structural_field(it: LinearInterpreter) -> tuple[Mask, Mask] | None:
    """Which rows and columns of the output the convolutions let depend on which of the input, norms taken pointwise.

    Returns
    -------
    tuple or None
        Boolean ``(output rows, input rows)`` and ``(output columns, input columns)``; ``None`` where every output can
        use every input, so that nothing lies outside.
    """
    frozen = it if it.plan.interpretation == "freeze" else interpret(it.program, it.image)
    masks = []
    for axis, used in enumerate(frozen.support().axes[-2:], 1):
        decided = used.output_axis == axis
        masks.append(np.asarray(used.matrix) if decided else np.ones((1, used.matrix.shape[1]), dtype=bool))
    return None if all(mask.all() for mask in masks) else (masks[0], masks[1])


def _sides(it: LinearInterpreter) -> tuple[int, int, int, int]:
    if len(it.input_shape) != 3 or len(it.output_shape) != 3:
        raise InputError(
            f"The map is from {it.input_shape} to {it.output_shape}. Off-diagonals are those of a map from an image "
            "(C, H, W) to an image."
        )
    (_, height, width), (_, height_out, width_out) = it.input_shape, it.output_shape
    return height, width, height_out, width_out


def _edges(length: int, blocks: int) -> npt.NDArray[np.int64]:
    return np.asarray(np.arange(blocks + 1) * length // blocks)


def _near(inner: tuple[int, int], near: int, length: int, outputs: int) -> Mask:
    """Which places along an axis of the output lie at most ``near`` from the input places ``inner``."""
    places = (np.arange(outputs) + 0.5) * length / outputs - 0.5
    return np.asarray(np.maximum(inner[0] - places, places - (inner[1] - 1)) <= near)


def _answers(
    it: LinearInterpreter,
    inner: tuple[tuple[int, int], tuple[int, int]],
    probes: int | None,
    generator: torch.Generator,
) -> Iterator[Tensor]:
    """F z for random signs z on an area, or for every impulse in it."""
    shape = it.input_shape
    (top, bottom), (left, right) = inner
    size = shape[0] * (bottom - top) * (right - left)
    count = size if probes is None else probes
    for start in range(0, count, TOGETHER):
        number = min(TOGETHER, count - start)
        if probes is None:
            signs = torch.zeros(number, size, dtype=it.point.dtype)
            signs[torch.arange(number), torch.arange(start, start + number)] = 1
        else:
            signs = 2.0 * torch.randint(0, 2, (number, size), generator=generator) - 1
        v = it.point.new_zeros(number, *shape)
        v[:, :, top:bottom, left:right] = signs.reshape(number, shape[0], bottom - top, right - left).to(v)
        yield it.matvec(v)


def _sums(values: Array, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> Array:
    """Sums over blocks of ``(P, H, W)``."""
    return np.asarray(np.add.reduceat(np.add.reduceat(values, rows[:-1], axis=1), columns[:-1], axis=2))


def _ratio(part: list[Array], whole: list[Array], exact: bool) -> tuple[float, float]:
    """Ratio of two sums over blocks, each the mean over its probes, and its standard error to first order."""
    if exact:
        total = sum(float(w.sum()) for w in whole)
        return (sum(float(p.sum()) for p in part) / total if total else 0.0), 0.0
    total = sum(float(w.mean()) for w in whole)
    if not total:
        return 0.0, 0.0
    ratio = sum(float(p.mean()) for p in part) / total
    variance = sum(float((p - ratio * w).var(ddof=1)) / len(w) for p, w in zip(part, whole, strict=True))
    return ratio, variance**0.5 / total
