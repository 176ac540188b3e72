"""What a unit looks for: the parts of images that excite it most, and their mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from linearscope.attribution import Explainer
from linearscope.concepts.relevant_explanation import backprop_rules, unit_heatmaps
from linearscope.concepts.relevant_units import RelevantUnits
from linearscope.errors import InputError
from linearscope.interpreter import interpret
from linearscope.progress import track

__all__ = ["Box", "Patches", "ReceptiveFields", "unit_patches"]


class Box(NamedTuple):
    """A part of an image: first row and column, and last ones plus one."""

    top: int
    left: int
    bottom: int
    right: int

    def cut(self, image: Tensor) -> Tensor:
        """The part of ``(..., H, W)``."""
        return image[..., self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True)
class Patches:
    """Where a unit is excited most in the images that excite it most.

    Attributes
    ----------
    layer, channel
        The unit.
    images
        Numbers of the images, the most exciting first.
    boxes
        In each, what the strongest place of the unit's map can see: its receptive field. At the border it is moved
        into the image, so that all have one size.
    crops
        ``(k, C, h, w)``, in the model's units.
    heatmaps
        ``(k, h, w)``: of the unit's own map, taken back to the image, there.
    patch, heatmap
        Their means, ``(C, h, w)`` and ``(h, w)``.
    """

    layer: str
    channel: int
    images: tuple[int, ...]
    boxes: tuple[Box, ...]
    crops: Tensor
    heatmaps: Tensor

    @property
    def patch(self) -> Tensor:
        """The mean of the crops."""
        return self.crops.mean(0)

    @property
    def heatmap(self) -> Tensor:
        """The mean of the heat maps."""
        return self.heatmaps.mean(0)


class ReceptiveFields:
    """Which pixels a place of a layer's map can see, whatever the image.

    Parameters
    ----------
    explainer
        Of the network.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten())
    >>> fields = ReceptiveFields(ls.Explainer(model, torch.rand(1, 3, 8, 8)))
    >>> fields.box("1", 4, 0)
    Box(top=3, left=0, bottom=6, right=3)
    """

    def __init__(self, explainer: Explainer) -> None:
        self._explainer = explainer
        self._known: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = {}

    def box(self, layer: str, row: int, column: int) -> Box:
        """The field of one place, moved into the image at its border; a layer without extent sees the whole image."""
        if layer not in self._known:
            self._known[layer] = self._axes(layer)
        (top, bottom), (left, right) = (
            axis[min(at, len(axis) - 1)].tolist() for axis, at in zip(self._known[layer], (row, column), strict=True)
        )
        return Box(top, left, bottom, right)

    def _axes(self, layer: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        program = self._explainer.single
        image = torch.zeros(program.input_shape, dtype=program.dtype, device=program.device)
        support = interpret(program.until(layer), image).support()
        rows, columns = (_ends(one.matrix) for one in support.axes[-2:])
        return rows, columns


def unit_patches(
    explainer: Explainer,
    images: Tensor | Callable[[int], Tensor],
    units: RelevantUnits,
    chosen: Sequence[tuple[str, int]] | None = None,
    *,
    top: int = 9,
    backprop: str = "resampled-guided",
) -> dict[tuple[str, int], Patches]:
    """Cut out of the most exciting images what excites each unit.

    Parameters
    ----------
    explainer
        Of the network.
    images
        The images that the units were found on, ``(n, C, H, W)``, or a function that gives one ``(C, H, W)`` by its
        number.
    units
        From :func:`linearscope.relevant_units`.
    chosen
        Layer and channel of units that have a weight; default: all of them.
    top
        How many images of each, at most.
    backprop
        As in :func:`relevant_explanation`.

    Returns
    -------
    dict
        By layer and channel. Units that no image excites are left out.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 2)
    >>> images = torch.rand(4, 3, 6, 6)
    >>> explainer = ls.Explainer(torch.nn.Sequential(*layers), images)
    >>> units = ls.relevant_units(explainer, images, [0, 0, 1, 1], mu=2.0, layers=["1"])
    >>> found = unit_patches(explainer, images, units, top=2)
    >>> next(iter(found.values())).patch.shape
    torch.Size([3, 3, 3])

    Source: Oramas et al., 2019, section 3.3.
    """
    if top < 1:
        raise InputError(f"There is no mean of {top} patches; give at least 1.")
    rules = backprop_rules(backprop)
    units.scorer(explainer.program)
    read = images.__getitem__ if isinstance(images, Tensor) else images
    asked = units.identified() if chosen is None else list(dict.fromkeys(chosen))
    pairs = [(image, *unit) for unit in asked for image in units.exciting(*unit)[:top]]
    fields = ReceptiveFields(explainer)
    made: dict[tuple[str, int], list[tuple[int, Box, Tensor, Tensor]]] = defaultdict(list)
    parts: list[tuple[Box, Tensor, Tensor] | None] = [None] * len(pairs)
    for place, heatmap, own in track(unit_heatmaps(explainer, read, pairs, rules), "patches", len(pairs)):
        box = fields.box(pairs[place][1], *_strongest(own))
        parts[place] = box, box.cut(read(pairs[place][0])).clone(), box.cut(heatmap).clone()
    for (image, layer, channel), part in zip(pairs, parts, strict=True):
        assert part is not None
        made[layer, channel].append((image, *part))
    return {
        unit: Patches(
            *unit,
            tuple(one[0] for one in found),
            tuple(one[1] for one in found),
            torch.stack([one[2] for one in found]),
            torch.stack([one[3] for one in found]),
        )
        for unit, found in made.items()
    }


def _strongest(own: Tensor) -> tuple[int, int]:
    if own.dim() < 2:
        return 0, 0
    place = int(own.abs().flatten().argmax())
    return place // own.shape[1], place % own.shape[1]


def _ends(matrix: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """First place, and last plus one, that each place of an axis sees: all as many as the one that sees most."""
    length = matrix.shape[1]
    sees = matrix.any(1)
    first = np.where(sees, matrix.argmax(1), 0)
    last = np.where(sees, length - matrix[:, ::-1].argmax(1), length)
    size = int((last - first)[sees].max()) if sees.any() else length
    start = np.minimum(first, length - size)
    return np.stack([start, start + size], 1)
