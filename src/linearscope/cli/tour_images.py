"""The tours of networks that make images: which pixels they are shown, what they should make of them, and the page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from linearscope.cli.image_model import point
from linearscope.cli.options import Asked, Ready, prepare
from linearscope.errors import InputError, LinearscopeError

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from linearscope.analysis.image_map import ImageMap, ImageSubject
    from linearscope.analysis.tour_kind import TourKind
    from linearscope.program import Program

__all__ = ["ImageOptions", "first_look", "tour_images"]

LEAST_CROP: Final = 16


@dataclass(frozen=True)
class ImageOptions:
    """The options that only networks which make images take, as checked."""

    original: Path | None
    downscale: bool
    noise: float | None
    points: tuple[tuple[int, int], ...]
    compare: tuple[str, ...]
    vectors: int
    crop: int

    @classmethod
    def checked(
        cls,
        original: Path | None,
        downscale: bool,
        noise: float | None,
        at: Sequence[str],
        compare: Sequence[str],
        vectors: int,
        crop: int,
    ) -> ImageOptions:
        """Check what can be checked before anything is loaded."""
        if original is not None and (downscale or noise is not None):
            raise InputError("--original and --downscale or --noise name two originals. Give one of them.")
        if noise is not None and not 0 < noise <= 255:
            raise InputError(f"--noise is {noise:g} pixel levels. Give a number above 0 and at most 255, such as 25.")
        if vectors < 1:
            raise InputError(f"-k is {vectors}. Give how many eigen-inputs to find, at least 1.")
        if crop != 0 and crop < LEAST_CROP:
            raise InputError(f"--crop is {crop} pixels. Give at least {LEAST_CROP}, or 0 for the whole image.")
        return cls(original, downscale, noise, tuple(point(text, "--at") for text in at), tuple(compare), vectors, crop)


@dataclass(frozen=True)
class Shown:
    """What networks are shown, what they should make of it, and what the reader must know of both."""

    name: str
    photo: Image
    original: Image | None
    notes: tuple[str, ...]


def first_look(ready: Ready, image: Path | None, crop: int) -> Program:
    """Capture the network on the middle of the photo, at most ``crop`` pixels wide, or on all of it where it must be.

    Networks that give labels are shown all of it, and so are those that take one size only.
    """
    from linearscope.analysis.tour_kind import tour_kind
    from linearscope.models import default_image

    tensor = ready.tensor(image or default_image())
    part = _middle(tensor, crop)
    if part.shape != tensor.shape and ready.model.labels is None:
        try:
            program = ready.capture(part)
            if tour_kind(program.input_shape, program.output_shape) != "classification":
                return program
        except LinearscopeError:
            pass  # what is wrong, if anything is, will be said of the whole photo
    return ready.capture(tensor)


def tour_images(asked: Asked, kind: TourKind, program: Program, options: ImageOptions) -> Path:
    """Make the page of a network that makes images, print its numbers, and return where the page is."""
    from linearscope.analysis import tour_image_to_image, tour_super_resolution
    from linearscope.report import About, write_image_to_image, write_super_resolution

    ready = asked.ready
    scale = program.output_shape[2] // program.input_shape[2]
    # A network that was shown more than was asked for takes nothing less.
    crop = 0 if options.crop and max(program.input_shape[2:]) > options.crop else options.crop
    shown = _shown(asked, scale, options)
    subjects = [_subject(ready, shown, crop, scale, program)]
    for spec in options.compare:
        name, _, weights = spec.partition(",")
        device, dtype = ready.bounds[0].device, str(ready.bounds[0].dtype).removeprefix("torch.")
        other = prepare(name, Path(weights) if weights else None, None, None, None, str(device), dtype)
        subjects.append(_subject(other, shown, crop, scale))
    about = About(
        model=ready.model.name,
        source=ready.model.source,
        image=shown.name,
        preprocessing=str(ready.model.preprocessing),
        display=ready.model.preprocessing.display,
        command=asked.command,
        notes=(*shown.notes, *_cropped(ready, shown, crop, options.crop)),
    )
    first, compare, out = subjects[0], subjects[1:], asked.out
    if kind == "super-resolution":
        upscaled = tour_super_resolution(
            first, compare=compare, points=options.points, k=options.vectors, interpretation=asked.interpretation
        )
        about = replace(about, seconds=time.perf_counter() - asked.start)
        page, maps = write_super_resolution(upscaled, about, out), upscaled.maps
    else:
        translated = tour_image_to_image(
            first, compare=compare, points=options.points, k=options.vectors, interpretation=asked.interpretation
        )
        about = replace(about, seconds=time.perf_counter() - asked.start)
        page, maps = write_image_to_image(translated, about, out), translated.maps
    for one in maps:
        print(_summary(one))
    return page


def _shown(asked: Asked, scale: int, options: ImageOptions) -> Shown:
    from linearscope.datasets import shrink
    from linearscope.models import read_image

    notes: list[str] = []
    downscale, noise = options.downscale, options.noise
    if asked.image is not None:
        name, photo, original = asked.image.name, read_image(asked.image), None
    else:
        name, photo, original = _sample(asked.ready.model.name)
        if options.original is not None:
            raise InputError("--original belongs to a photo of your own. Name that too.")
        downscale = downscale or (scale > 1 and _keeps_size(asked.ready, photo))
        if noise is None and asked.ready.model.name in NOISES:
            noise = NOISES[asked.ready.model.name]
    if options.original is not None:
        original = read_image(options.original)
    if (original is not None or downscale or noise is not None) and not _keeps_size(asked.ready, photo):
        raise InputError(
            "The preprocessing resizes or crops the photo, so that the original would not lie on the output. Leave "
            "resize and crop out, and cut with --crop."
        )
    if downscale:
        if min(photo.size) < scale:
            raise InputError(f"{name} is smaller than {scale} pixels and cannot be made {scale} times smaller.")
        original, photo = shrink(photo, scale)
        notes.append(
            f"The photo is the original; the network was shown it made {scale} times smaller, by antialiased bicubic "
            "and rounded to 8 bits."
        )
    if noise is not None:
        photo, original = _noisy(photo, noise), photo
        notes.append(
            f"The photo is the original; the network was shown it with Gaussian noise of {noise:g} of 255 levels "
            "(seed 0), clipped and rounded to 8 bits."
        )
    wanted = scale * photo.size[0], scale * photo.size[1]
    if original is not None and original.size != wanted:
        raise InputError(
            f"The original is {original.size[0]} x {original.size[1]} pixels and the network makes {wanted[0]} x "
            f"{wanted[1]}. Give an original of that size."
        )
    return Shown(name, photo, original, tuple(notes))


#: Side in pixels of the facade that is rendered when no photo is named.
FACADE: Final = 128
#: Deviation of the noise, in 8-bit levels, that bundled denoisers are shown when no photo is named.
NOISES: Final = {"denoiser": 25.0, "denoiser_biased": 25.0}


def _sample(model: str) -> tuple[str, Image, Image | None]:
    """The photo for a network when none is named, and what the network should make of it where that is known."""
    from linearscope.models import default_image, read_image

    if model == "facades":
        from PIL import Image as Images

        from linearscope.datasets import facade, facade_map, facade_photo

        wanted = facade_map(facade(0, FACADE).labels).permute(1, 2, 0).contiguous().numpy()
        return "a rendered facade (seed 0)", facade_photo(0, FACADE), Images.fromarray(wanted)
    return default_image().name, read_image(default_image()), None


def _cropped(ready: Ready, shown: Shown, crop: int, wanted: int) -> list[str]:
    """What to say when only a part is looked at, or when more is than was asked for."""
    if wanted and not crop:
        return [
            f"The network takes no part of {wanted} pixels of this image, so that all of it was looked at (--crop)."
        ]
    height, width = ready.model.preprocessing(shown.photo).shape[2:]
    if not crop or max(height, width) <= crop:
        return []
    part = f"{min(width, crop)} × {min(height, crop)}"
    return [f"Only the middle {part} of {width} × {height} pixels were looked at (--crop)."]


def _subject(ready: Ready, shown: Shown, crop: int, scale: int, program: Program | None = None) -> ImageSubject:
    from linearscope.analysis.image_map import ImageSubject

    image = _middle(_tensor(ready, shown.photo), crop)
    original = None if shown.original is None else _middle(_tensor(ready, shown.original), crop, scale)
    if program is None or program.input_shape != tuple(image.shape):
        program = ready.capture(image)
    return ImageSubject(ready.model.name, program, image, original, ready.placed.output_pixels)


def _tensor(ready: Ready, photo: Image) -> Tensor:
    return ready.model.preprocessing(photo).to(ready.bounds[0].device, ready.bounds[0].dtype)


def _keeps_size(ready: Ready, photo: Image) -> bool:
    """Whether the preprocessing leaves the size of a photo alone."""
    return tuple(ready.model.preprocessing(photo).shape[2:]) == (photo.size[1], photo.size[0])


def _middle(image: Tensor, side: int, scale: int = 1) -> Tensor:
    """The middle of ``(1, C, H, W)``, at most ``side`` wide and high; the same of an image ``scale`` times as large."""
    slices = []
    for length in image.shape[2:]:
        small = length // scale
        kept = min(small, side or small)
        start = (small - kept) // 2
        slices.append(slice(scale * start, scale * (start + kept)))
    return image[:, :, slices[0], slices[1]].contiguous()


def _noisy(photo: Image, levels: float) -> Image:
    import numpy as np
    from PIL import Image as Images

    pixels = np.asarray(photo).astype(float)
    pixels += np.random.default_rng(0).normal(0, levels, pixels.shape)
    return Images.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def _summary(one: ImageMap) -> str:
    parts = [f"residual {one.residual_ratio:.1%} of the output"]
    if one.flashlight is not None:
        parts.append(f"flashlight {one.flashlight.score:.3f}")
    if one.quality is not None:
        parts.insert(0, f"PSNR {one.quality.psnr:.2f} dB")
        if one.quality.ssim is not None:
            parts.insert(1, f"SSIM {one.quality.ssim:.4f}")
    return f"{one.name}: {', '.join(parts)}"
