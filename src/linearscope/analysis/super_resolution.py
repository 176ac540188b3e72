"""The super-resolution tour: what an upscaler does to one image, beside bicubic upscaling and other networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linearscope.analysis.eigen import EigenPairs, eigen_pairs
from linearscope.analysis.flashlight import image_scale
from linearscope.analysis.image_map import ImageMap, ImageSubject, chosen_points, map_image
from linearscope.errors import InputError
from linearscope.interpreter import interpret
from linearscope.networks import Bicubic
from linearscope.program import capture
from linearscope.progress import track

__all__ = ["SuperResolutionTour", "tour_super_resolution"]


@dataclass(frozen=True)
class SuperResolutionTour:
    """An upscaler on one image.

    Attributes
    ----------
    scale
        How many times larger the output is.
    network, bicubic
        The network asked about, and bicubic upscaling by the same scale, of the same image at the same places.
    others
        Networks to compare with.
    eigen
        The first singular triplets of ``network``.
    """

    scale: int
    network: ImageMap
    bicubic: ImageMap
    others: tuple[ImageMap, ...]
    eigen: EigenPairs

    @property
    def maps(self) -> tuple[ImageMap, ...]:
        """All of them: the network, the others, bicubic."""
        return self.network, *self.others, self.bicubic


def tour_super_resolution(
    subject: ImageSubject,
    *,
    compare: Sequence[ImageSubject] = (),
    points: Sequence[tuple[int, int]] = (),
    k: int = 6,
    interpretation: str = "freeze",
) -> SuperResolutionTour:
    """Look at an upscaler on one image.

    Parameters
    ----------
    subject
        The network and the small image.
    compare
        Other upscalers by the same scale, each shown the same image in its own units.
    points
        ``(row, column)`` of input pixels to look at, before those on an edge, at a corner, in texture and in a flat
        area, which are found by themselves.
    k
        How many singular triplets.
    interpretation
        ``"freeze"`` or ``"taylor"``.

    Raises
    ------
    InputError
        When a network does not upscale the image by a whole number above 1, scales differ, or a point lies outside.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
    <...>
    >>> layers = torch.nn.Conv2d(3, 12, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(12, 12, 3, padding=1)
    >>> model = torch.nn.Sequential(*layers, torch.nn.PixelShuffle(2)).double()
    >>> image = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    >>> tour = tour_super_resolution(ImageSubject("small", ls.capture(model, image), image), k=2)
    >>> tour.scale, len(tour.network.places), abs(tour.bicubic.flashlight.score) < 1e-12
    (2, 4, True)

    Source: Navarrete Michelini et al. 2019, section 4 case 2, and 8.B.
    """
    it = interpret(subject.program, subject.image, interpretation=interpretation)
    scale = image_scale(it)
    if scale < 2:
        raise InputError(
            "The output is as large as the image, so that nothing is upscaled; use the image-to-image tour."
        )
    chosen = chosen_points(subject.image, points)
    eigen = eigen_pairs(it, k)
    reference = ImageSubject(
        "bicubic",
        capture(Bicubic(scale, channels=subject.image.shape[1]).to(subject.image), subject.image),
        subject.image,
        subject.original,
        subject.pixels,
    )
    maps = [map_image(it, subject, chosen)]
    for other in track((*compare, reference), "networks", len(compare) + 1):
        mapped = interpret(other.program, other.image, interpretation=interpretation)
        if image_scale(mapped) != scale or mapped.input_shape[1:] != it.input_shape[1:]:
            raise InputError(
                f"{other.name} makes {mapped.output_shape[2]} x {mapped.output_shape[1]} pixels of the image and "
                f"{subject.name} {it.output_shape[2]} x {it.output_shape[1]}. Compare networks of one scale."
            )
        maps.append(map_image(mapped, other, chosen))
    return SuperResolutionTour(scale, maps[0], maps[-1], tuple(maps[1:-1]), eigen)
