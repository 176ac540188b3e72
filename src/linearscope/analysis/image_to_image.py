"""The image-to-image tour: what a network that makes an image of the same size does to one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linearscope.analysis.coupling import Coupling, coupling
from linearscope.analysis.eigen import EigenPairs, eigen_pairs
from linearscope.analysis.flashlight import image_scale
from linearscope.analysis.image_map import ImageMap, ImageSubject, chosen_points, map_image
from linearscope.analysis.off_diagonal import OffDiagonal, off_diagonal
from linearscope.analysis.templates import Templates, templates
from linearscope.errors import InputError
from linearscope.interpreter import interpret
from linearscope.progress import track

__all__ = ["ImageToImageTour", "tour_image_to_image"]


@dataclass(frozen=True)
class ImageToImageTour:
    """An image-to-image network on one image.

    Attributes
    ----------
    network
        The network asked about.
    others
        Networks to compare with, of the same image at the same places.
    eigen
        The first singular triplets of ``network``.
    off_diagonal
        Which areas of the input feed which areas of the output, near and far.
    templates
        The segments of the output, and which input pixels trigger each.
    coupling
        How far the same rows reach under every interpretation.
    """

    network: ImageMap
    others: tuple[ImageMap, ...]
    eigen: EigenPairs
    off_diagonal: OffDiagonal
    templates: Templates
    coupling: tuple[Coupling, ...]

    @property
    def maps(self) -> tuple[ImageMap, ...]:
        """All of them: the network, then the others."""
        return self.network, *self.others


def tour_image_to_image(
    subject: ImageSubject,
    *,
    compare: Sequence[ImageSubject] = (),
    points: Sequence[tuple[int, int]] = (),
    k: int = 6,
    interpretation: str = "freeze",
    blocks: int = 8,
    probes: int = 4,
    rows: int = 16,
) -> ImageToImageTour:
    """Look at a network that makes an image of the same size.

    Parameters
    ----------
    subject
        The network and the image.
    compare
        Other networks, each shown the same image in its own units.
    points
        ``(row, column)`` of input pixels to look at, before those on an edge, at a corner, in texture and in a flat
        area, which are found by themselves.
    k
        How many singular triplets.
    interpretation
        ``"freeze"`` or ``"taylor"``.
    blocks, probes
        Of the off-diagonal map: the side of its grid of blocks, and random probes for each.
    rows
        How many rows are compared under all interpretations.

    Raises
    ------
    InputError
        When a network does not keep the image's size, or a point lies outside.

    Source: Navarrete Michelini et al. 2019, section 4 case 3, and 8.C.
    """
    it = interpret(subject.program, subject.image, interpretation=interpretation)
    if image_scale(it) != 1:
        raise InputError("The output is larger than the image; use the super-resolution tour.")
    chosen = chosen_points(subject.image, points)
    first = map_image(it, subject, chosen)
    eigen = eigen_pairs(it, k)
    far = off_diagonal(it, blocks=min(blocks, *it.input_shape[1:]), probes=probes)
    found = templates(it)
    others = []
    for other in track(compare, "networks"):
        mapped = interpret(other.program, other.image, interpretation=interpretation)
        if mapped.input_shape[1:] != it.input_shape[1:] or image_scale(mapped) != 1:
            raise InputError(f"{other.name} does not keep the image's size. Compare networks that do.")
        others.append(map_image(mapped, other, chosen))
    coupled = coupling(subject.program, subject.image, points=rows)
    return ImageToImageTour(first, tuple(others), eigen, far, found, coupled)
