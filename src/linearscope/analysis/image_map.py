"""What a network that makes an image does to one image: its residual, rows and columns at places, its flashlight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from linearscope.analysis.fields import Field, fields
from linearscope.analysis.flashlight import Flashlight, flashlight, grid_period, image_scale
from linearscope.analysis.points import check_point, interesting_points, matching_output
from linearscope.analysis.quality import Quality, quality
from linearscope.errors import InputError
from linearscope.interpreter import Certificate, LinearInterpreter
from linearscope.program import Program

__all__ = ["ImageMap", "ImageSubject", "Place", "chosen_points", "map_image"]


@dataclass(frozen=True)
class ImageSubject:
    """A network, and the image it is shown, in its own units.

    Attributes
    ----------
    name
        What to call the network.
    program
        From ``(1, C, H, W)`` to ``(1, D, sH, sW)``.
    image
        ``(1, C, H, W)``.
    original
        What the output should be, ``(1, D, sH, sW)``, in the units of the image; ``None`` where nobody knows.
    pixels
        From an image in these units, the input or the output, to pixels from 0 to 1, in RGB or grey.
    """

    name: str
    program: Program
    image: Tensor
    original: Tensor | None = None
    pixels: Callable[[Tensor], Tensor] = lambda image: image


@dataclass(frozen=True)
class Place:
    """A pixel of the image with its column, and the pixel of the output above it with its row.

    Attributes
    ----------
    kind
        What the pixel stands on, or ``"chosen"``.
    point, output_point
        ``(row, column)`` on the input and on the output.
    column, row
        Filters of the middle channel: what the pixel sends out, and what the output pixel takes in.
    """

    kind: str
    point: tuple[int, int]
    output_point: tuple[int, int]
    column: Field
    row: Field


@dataclass(frozen=True)
class ImageMap:
    """One network on one image.

    Attributes
    ----------
    name
        Of the network.
    image, output, residual
        In the network's units, with a leading 1: y0 = F x0 + r.
    image_pixels, output_pixels, original_pixels
        The same as pixels from 0 to 1, unclipped, and the original, ``None`` without one.
    certificate
        The proof of the interpreter.
    residual_ratio
        ``|r| / |y0|``, Euclidean norms.
    residual_share
        ``|r|² / (|r|² + |F x0|²)``, the residual's share of the energy, between 0 and 1.
    places
        Rows and columns.
    flashlight
        How much columns depend on the place; ``None`` where the image is too small to say.
    quality, input_quality
        Of the output against the original, and of the input where it has the same shape; ``None`` without one.
    """

    name: str
    image: Tensor
    output: Tensor
    residual: Tensor
    image_pixels: Tensor
    output_pixels: Tensor
    original_pixels: Tensor | None
    certificate: Certificate
    residual_ratio: float
    residual_share: float
    places: tuple[Place, ...]
    flashlight: Flashlight | None
    quality: Quality | None
    input_quality: Quality | None

    @property
    def scale(self) -> int:
        """How many times larger the output is."""
        return int(self.output.shape[2] // self.image.shape[2])


def chosen_points(image: Tensor, points: Sequence[tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Name the points given, and those that :func:`linearscope.analysis.points.interesting_points` finds."""
    chosen = {"chosen" if len(points) == 1 else f"chosen {number}": point for number, point in enumerate(points, 1)}
    return {**chosen, **interesting_points(image)}


def map_image(it: LinearInterpreter, subject: ImageSubject, points: Mapping[str, tuple[int, int]]) -> ImageMap:
    """Look at one network on one image.

    Parameters
    ----------
    it
        Interpreter of the subject's program on its image.
    subject
        The network.
    points
        ``(row, column)`` of input pixels by what they stand on.

    Raises
    ------
    InputError
        When the map is not from an image to an image a whole number of times as large, or a point lies outside.
    """
    scale = image_scale(it)
    for point in points.values():
        check_point(point, it.input_shape)
    places = []
    for kind, point in points.items():
        above = matching_output(point, it.input_shape, it.output_shape)
        column = fields(it, (it.input_shape[0] // 2, *point), kind="column")
        row = fields(it, (it.output_shape[0] // 2, *above), kind="row")
        places.append(Place(kind, point, above, column, row))
    made = subject.pixels(it.output)
    original = None if subject.original is None else subject.pixels(subject.original)
    output, residual = it.output.double(), it.residual.double()
    r, y, fx = (float(part.norm()) for part in (residual, output, output - residual))
    return ImageMap(
        subject.name,
        it.image,
        it.output,
        it.residual,
        subject.pixels(it.image),
        made,
        original,
        it.certificate,
        r / y if y else 0.0,
        r * r / (r * r + fx * fx) if r or fx else 0.0,
        tuple(places),
        _flashlight(it),
        None if original is None else quality(made, original, border=scale if scale > 1 else 0),
        None if original is None or original.shape != it.image.shape else quality(subject.pixels(it.image), original),
    )


def _flashlight(it: LinearInterpreter) -> Flashlight | None:
    try:
        return replace(flashlight(it, period=grid_period(it.program)), interpreter=None)
    except InputError:
        return None
