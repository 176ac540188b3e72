"""Templates: from each segment of the output, the input pixels that trigger it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from scipy.cluster.vq import kmeans2
from torch import Tensor

from linearscope.analysis.points import surroundings
from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter

__all__ = ["Template", "Templates", "output_segments", "templates"]

Mask = npt.NDArray[np.bool_]

#: Colours are found on at most this many pixels.
SAMPLED: Final = 20_000


@dataclass(frozen=True)
class Template:
    """One segment of the output and the row of F that makes its colour.

    Attributes
    ----------
    label
        Of the segment.
    area
        In pixels.
    centre
        ``(row, column)``, the mean of its pixels.
    colour
        Mean of the output over the segment, a number a channel.
    direction
        Unit vector of colour: what sets the segment apart from the mean of the whole output.
    value
        The segment's mean along ``direction``; ``input + residual``.
    input, residual
        Its share of the image, ``<row, x0>``, and of the constants.
    row
        ``(C, H, W)``: F^T of the segment's mean along ``direction``.
    contribution
        ``(H, W)``: ``row * x0`` summed over channels; it sums to ``input``.
    triggers
        Boolean ``(H, W)``: the fewest input pixels that hold half of the row's energy.
    on_edges
        Part of the triggers that lies on edges and corners of the input.
    chance
        Part of all pixels at most ``near`` from the segment that does.
    far
        Part of the row's energy more than ``near`` from the segment.
    """

    label: int
    area: int
    centre: tuple[float, float]
    colour: tuple[float, ...]
    direction: tuple[float, ...]
    value: float
    input: float
    residual: float
    row: Tensor
    contribution: Tensor
    triggers: Mask
    on_edges: float
    chance: float
    far: float

    @property
    def half(self) -> int:
        """How many input pixels hold half of the row's energy."""
        return int(self.triggers.sum())

    def numbers(self) -> dict[str, Any]:
        """What there is to say, without the arrays, for a file."""
        return {
            "label": self.label,
            "area_pixels": self.area,
            "centre_pixels": list(self.centre),
            "colour": list(self.colour),
            "direction": list(self.direction),
            "value": self.value,
            "input": self.input,
            "residual": self.residual,
            "trigger_pixels": self.half,
            "triggers_on_edges_share": self.on_edges,
            "edges_around_share": self.chance,
            "far_share": self.far,
        }


@dataclass(frozen=True)
class Templates:
    """The largest segments of an output.

    Attributes
    ----------
    segments
        ``(H, W)``: the label of every output pixel, 0 for none.
    items
        One for each segment looked at, the largest first.
    near
        In pixels.
    edges
        Boolean ``(H, W)``: input pixels on an edge or at a corner, by
        :func:`~linearscope.analysis.points.surroundings`.
    """

    segments: npt.NDArray[np.int64]
    items: tuple[Template, ...]
    near: int
    edges: Mask

    def summary(self) -> dict[str, Any]:
        """Means over the segments, each counted once."""
        found = self.items
        mean = {
            name: float(np.mean([getattr(one, name) for one in found])) if found else None
            for name in ("on_edges", "chance", "far")
        }
        return {
            "segments": len(found),
            "triggers_on_edges_share": mean["on_edges"],
            "edges_around_share": mean["chance"],
            "segments_above_chance": sum(one.on_edges > one.chance for one in found),
            "median_trigger_pixels": float(np.median([one.half for one in found])) if found else None,
            "far_share": mean["far"],
            "near_pixels": self.near,
        }


def templates(
    it: LinearInterpreter,
    segments: npt.NDArray[np.int64] | None = None,
    *,
    count: int = 12,
    near: int | None = None,
) -> Templates:
    """Find for the largest segments of the output the input pixels that trigger them.

    The question to F is one row: the mean over the segment of the output, along the colour that sets it apart from the
    rest. Its energy says on which pixels the segment's colour depends.

    Parameters
    ----------
    it
        Interpreter of a network from an image to an image of the same size.
    segments
        ``(H, W)`` integers, 0 for none; default: :func:`output_segments` of the output.
    count
        How many segments, the largest first.
    near
        In pixels: what is farther than this from a segment is far. Default: an eighth of the longer side.

    Raises
    ------
    InputError
        When the output has another size than the image, or ``segments`` does not fit it.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> image = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    >>> image[..., 8:16, 8:16] = 1
    >>> box = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False).double()
    >>> found = ls.templates(ls.interpret(box, image), count=2)
    >>> [one.area for one in found.items][1] < 8 * 8 + 40
    True

    Source: the templates are those of Navarrete Michelini et al. 2019, section 4, case 3; the measures are ours.
    """
    if len(it.input_shape) != 3 or len(it.output_shape) != 3 or it.input_shape[1:] != it.output_shape[1:]:
        raise InputError(
            f"The map is from {it.input_shape} to {it.output_shape}. Templates are those of a map from an image "
            "(C, H, W) to an image of the same size."
        )
    height, width = it.input_shape[1:]
    found = output_segments(it.output) if segments is None else np.asarray(segments, dtype=np.int64)
    if found.shape != (height, width) or (found < 0).any():
        raise InputError(f"The segments have shape {found.shape}. Give labels of at least 0 for {(height, width)}.")
    if count < 1:
        raise InputError(f"{count} segments were asked for. Give at least 1.")
    near = max(height, width) // 8 if near is None else near
    sizes = np.bincount(found.ravel())
    sizes[0] = 0
    chosen = [int(label) for label in np.argsort(-sizes, kind="stable")[:count] if sizes[label]]
    kinds = surroundings(it.image)
    edges = (kinds == "edge") | (kinds == "corner")
    if not chosen:
        return Templates(found, (), near, edges)
    output = it.output.reshape(it.output_shape).double().cpu()
    mean = output.mean((1, 2))
    inside = [torch.from_numpy(found == label) for label in chosen]
    colours = [output[:, mask].mean(1) for mask in inside]
    directions = [_direction(colour - mean) for colour in colours]
    u = torch.stack([d[:, None, None] * mask / mask.sum() for d, mask in zip(directions, inside, strict=True)])
    rows = it.rmatvec(u.to(it.output)).cpu()
    image, residual = it.point.reshape(it.input_shape).double().cpu(), it.residual.reshape(it.output_shape)
    residuals = (u * residual.double().cpu()).sum((1, 2, 3)).tolist()
    items = []
    for label, mask, colour, direction, row, constant in zip(
        chosen, inside, colours, directions, rows, residuals, strict=True
    ):
        distance = ndimage.distance_transform_cdt(~mask.numpy(), "chessboard")
        energy = row.double().square().sum(0).numpy()
        triggers = _half(energy)
        contribution = (row.double() * image).sum(0)
        places = torch.nonzero(mask).double().mean(0)
        items.append(
            Template(
                label,
                int(mask.sum()),
                (float(places[0]), float(places[1])),
                tuple(colour.tolist()),
                tuple(direction.tolist()),
                float(colour @ direction),
                float(contribution.sum()),
                constant,
                row,
                contribution,
                triggers,
                _mean(edges[triggers]),
                _mean(edges[distance <= near]),
                float(energy[distance > near].sum() / energy.sum()) if energy.any() else 0.0,
            )
        )
    return Templates(found, tuple(items), near, edges)


def output_segments(
    output: Tensor,
    *,
    palette: Sequence[Sequence[float]] | None = None,
    colours: int = 8,
    least: int | None = None,
    seed: int = 0,
) -> npt.NDArray[np.int64]:
    """Cut an image into connected areas of one colour.

    Parameters
    ----------
    output
        ``(1, C, H, W)`` or ``(C, H, W)``.
    palette
        The colours there are, a number a channel in the units of ``output``; each pixel counts as the nearest.
        Default: ``colours`` colours found by k-means.
    colours
        How many colours to find.
    least
        Areas of fewer pixels are left out. Default: a thousandth of the image, at least 9.
    seed
        Of k-means.

    Returns
    -------
    ndarray, int, (H, W)
        0 where an area is too small, else 1, 2, ... by falling area.

    Raises
    ------
    InputError
        When ``output`` is no image, or the palette has other channels.

    Examples
    --------
    >>> import torch
    >>> image = torch.zeros(1, 12, 12)
    >>> image[:, 2:6, 2:6] = 1
    >>> output_segments(image, palette=[[0.0], [1.0]])[4, 4]
    np.int64(2)
    """
    planes = output.reshape(output.shape[-3:]) if output.dim() == 4 and len(output) == 1 else output
    if planes.dim() != 3:
        raise InputError(f"An output of shape {tuple(output.shape)} is no image. Give (1, C, H, W) or (C, H, W).")
    channels, height, width = planes.shape
    values = planes.detach().double().cpu().numpy()
    # A median takes single pixels away and leaves edges where they are.
    smooth = ndimage.median_filter(values, size=(1, 3, 3), mode="nearest").reshape(channels, -1).T
    if palette is None:
        rng = np.random.default_rng(seed)
        sample = smooth if len(smooth) <= SAMPLED else smooth[rng.choice(len(smooth), SAMPLED, replace=False)]
        distinct = np.unique(sample, axis=0)
        known = distinct if len(distinct) <= colours else kmeans2(sample, colours, minit="++", seed=rng)[0]
    else:
        known = np.asarray(palette, dtype=np.float64)
        if known.ndim != 2 or known.shape[1] != channels:
            raise InputError(f"The palette has shape {known.shape}. Give one number for each of {channels} channels.")
    nearest = ((smooth[:, None] - known) ** 2).sum(2).argmin(1).reshape(height, width)
    least = max(9, height * width // 1000) if least is None else least
    pieces = np.zeros((height, width), np.int64)
    for colour in range(len(known)):
        part, number = ndimage.label(nearest == colour)
        pieces = np.where(part > 0, part + pieces.max(), pieces) if number else pieces
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    names = np.zeros(len(sizes), np.int64)
    kept = [label for label in np.argsort(-sizes, kind="stable") if sizes[label] >= max(least, 1)]
    names[kept] = np.arange(1, len(kept) + 1)
    return np.asarray(names[pieces])


def _direction(difference: Tensor) -> Tensor:
    length = difference.norm()
    return difference / length if length > 0 else torch.full_like(difference, len(difference) ** -0.5)


def _half(energy: npt.NDArray[np.float64]) -> Mask:
    """The fewest places that hold half of the energy; none where there is no energy."""
    order = np.argsort(-energy, axis=None, kind="stable")
    held = np.cumsum(energy.ravel()[order])
    mask = np.zeros(energy.size, dtype=bool)
    if held[-1] > 0:
        mask[order[: int(np.searchsorted(held, held[-1] / 2)) + 1]] = True
    return mask.reshape(energy.shape)


def _mean(flags: Mask) -> float:
    return float(flags.mean()) if flags.size else 0.0
