"""The flashlight: how much the columns of F change with the place in the image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter
from linearscope.program import Program

__all__ = ["Flashlight", "flashlight", "grid_period", "image_scale"]

#: How far a column is looked at, in input pixels, unless told: an eighth of the short side, between these.
NEAREST: Final = 3
FARTHEST: Final = 16
#: Columns that are held at once.
TOGETHER: Final = 16


@dataclass(frozen=True)
class Flashlight:
    """How much columns depend on their place.

    Attributes
    ----------
    score
        One minus the mean cosine similarity of all pairs of columns: 0 when all are the same up to a positive factor,
        1 when they have nothing in common on average. It can pass 1 when columns oppose each other.
    variation
        The share of the columns' energy that no single column, moved from place to place, could explain.
    positions
        ``(row, column)`` of every input pixel whose column was taken.
    columns
        ``(P, C, h, w)``: their columns, cut to one window and moved so that their pixels lie on each other.
    similarity
        ``(P,)``: of every column, the mean cosine similarity to all others; 0 for a column that is zero.
    channel
        The input channel that was probed.
    window
        How far from its pixel a column was looked at, in input pixels.
    period
        Positions are this many pixels, or a multiple, apart.
    kept
        The share of the columns' energy inside the window.
    dark
        How many columns are zero; they are left out of the score.
    interpreter
        Whose columns these are, so that a notebook can show more of them; ``None`` where they stand alone.
    """

    score: float
    variation: float
    positions: tuple[tuple[int, int], ...]
    columns: Tensor
    similarity: Tensor
    channel: int
    window: int
    period: int
    kept: float
    dark: int
    interpreter: LinearInterpreter | None = field(default=None, repr=False, compare=False)


def flashlight(
    it: LinearInterpreter, *, side: int = 7, channel: int | None = None, window: int | None = None, period: int = 1
) -> Flashlight:
    """Measure how much the columns of an image-to-image map change with the place.

    A linear space-invariant map, such as bicubic upscaling, has the same column everywhere but for its place; walking
    over the image shows nothing. The more a network follows the image, the more its columns differ. The score does not
    change when the whole map is multiplied by a number.

    Parameters
    ----------
    it
        Interpreter of a network from ``(1, C, H, W)`` to ``(1, D, sH, sW)``.
    side
        Columns are taken at ``side`` times ``side`` positions on a regular grid, away from the borders by ``window``.
    channel
        Input channel to probe; default: the middle one, green of RGB.
    window
        How far from its pixel a column is looked at, in input pixels; default: an eighth of the short side, at least 3
        and at most 16.
    period
        Only pixels that many apart are compared: of a network that works on a grid of 4 pixels, every fourth.

    Raises
    ------
    InputError
        When the map is not from an image to an image a whole number of times as large, or the image is too small.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> up = torch.nn.Upsample(scale_factor=2, mode="bicubic").double()
    >>> it = ls.interpret(up, torch.rand(1, 3, 20, 20, dtype=torch.float64))
    >>> abs(flashlight(it).score) < 1e-12
    True

    Source: the observation of Navarrete Michelini et al. 2019, section 8.B, that inspecting the columns of a good
    upscaler feels like walking through the image with a flashlight; the score is ours.
    """
    scale = image_scale(it)
    channels, height, width = it.input_shape
    channel = channels // 2 if channel is None else channel
    if not 0 <= channel < channels:
        raise InputError(f"There is no channel {channel}; the image has {channels}.")
    if period < 1 or side < 2:
        raise InputError("A flashlight needs a period of at least 1 and a side of at least 2.")
    window = min(max(min(height, width) // 8, NEAREST), FARTHEST) if window is None else window
    rows, columns = (_grid(length, side, window, period) for length in (height, width))
    positions = tuple((r, c) for r in rows for c in columns)
    if window < 0 or len(positions) < 2:
        raise InputError(
            f"An image of {height} x {width} pixels has no two places {period} apart and {window} from its borders. "
            "Give a larger image or a smaller window."
        )
    pieces, energy = _aligned(it, channel, positions, window, scale)
    flat = pieces.flatten(1).double()
    norms = flat.norm(dim=1)
    lit = norms > 0
    units = flat[lit] / norms[lit, None]
    count = len(units)
    similarity = torch.zeros(len(flat), dtype=torch.float64)
    score = variation = 0.0
    if count > 1:
        total = units.sum(0)
        similarity[lit] = (units @ total - 1) / (count - 1)
        # Differences from the mean, not one minus a sum: exact where all columns are the same.
        centre = total / count
        score = float((units - centre).square().sum() / (count - 1))
        variation = float((flat - flat.mean(0)).square().sum() / flat.square().sum())
    kept = float(norms.square().sum() / energy) if energy > 0 else 1.0
    return Flashlight(
        score, variation, positions, pieces, similarity, channel, window, period, min(kept, 1.0), len(flat) - count, it
    )


def image_scale(it: LinearInterpreter) -> int:
    """Return how many times larger the output image is than the input image.

    Raises
    ------
    InputError
        When the two are no images, or the scale is not a whole number.
    """
    one, two = it.input_shape, it.output_shape
    if len(one) == len(two) == 3 and min(one) > 0:
        scale = two[1] // one[1]
        if scale >= 1 and tuple(two[1:]) == (scale * one[1], scale * one[2]):
            return scale
    raise InputError(
        f"The map goes from {tuple(one)} to {tuple(two)}, which is not from an image to one a whole number of times as "
        "large. Use it for upscalers and image-to-image networks."
    )


def grid_period(program: Program) -> int:
    """Return how many pixels apart the coarsest feature map of a network looks at the image: 1 without strides.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> coarse = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2, stride=2), torch.nn.ConvTranspose2d(4, 3, 2, stride=2))
    >>> grid_period(ls.capture(coarse, torch.rand(1, 3, 8, 8)))
    2
    """
    height, width = program.input_shape[2:]
    period = 1
    for node in program.nodes[: program.output + 1]:
        if node.live and node.shape is not None and len(node.shape) == 4 and min(node.shape[2:]) > 1:
            period = max(period, min(round(height / node.shape[2]), round(width / node.shape[3])))
    return period


def _grid(length: int, side: int, margin: int, period: int) -> list[int]:
    """At most ``side`` places a multiple of ``period`` apart, spread over what lies ``margin`` from both ends."""
    start, end = margin, length - 1 - margin
    count = (end - start) // period + 1 if end >= start else 0
    if count <= side:
        return [start + i * period for i in range(count)]
    step = (count - 1) / (side - 1)
    return [start + period * round(i * step) for i in range(side)]


def _aligned(
    it: LinearInterpreter, channel: int, positions: tuple[tuple[int, int], ...], window: int, scale: int
) -> tuple[Tensor, float]:
    """Columns ``(P, D, h, w)`` cut to the window around their pixels, and the energy of all of them uncut."""
    reach = scale * (2 * window + 1)
    pieces = torch.empty(len(positions), it.output_shape[0], reach, reach, dtype=it.point.dtype)
    energy = 0.0
    for start in range(0, len(positions), TOGETHER):
        some = positions[start : start + TOGETHER]
        for number, (r, c), column in zip(
            range(start, start + len(some)), some, it.column_windows([(channel, r, c) for r, c in some]), strict=True
        ):
            energy += float(column.values.double().square().sum())
            top, left = scale * (r - window), scale * (c - window)
            pieces[number] = column.whole()[:, top : top + reach, left : left + reach].cpu()
    return pieces, energy
