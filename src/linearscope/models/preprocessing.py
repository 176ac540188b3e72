"""From a photo to a model's input and back, as a value that can be written as one line of text."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Final, Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from linearscope.errors import InputError, UnknownNameError
from linearscope.models.images import MAXIMUM_PIXELS

__all__ = ["Preprocessing"]

Channels = Literal["RGB", "BGR", "L", "Y"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]

COUNTS: Final = {"RGB": 3, "BGR": 3, "L": 1, "Y": 1}
FILTERS: Final = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
MAXIMUM_SIDE: Final = 8192
LUMA: Final = (0.299, 0.587, 0.114)
EXAMPLE: Final = "resize=256,crop=224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225"


@dataclass(frozen=True)
class Preprocessing:
    """What a model wants done to a photo: resize, cut out the centre, then ``(scale * p / 255 - mean) / std``.

    Examples
    --------
    >>> prepare = Preprocessing.parse("resize=256,crop=224,mean=0.5,std=0.25")
    >>> prepare(Image.new("RGB", (640, 480), "white")).shape
    torch.Size([1, 3, 224, 224])
    >>> str(prepare)
    'resize=256,crop=224,interpolation=bilinear,scale=1,mean=0.5,std=0.25,channels=RGB'

    Parameters
    ----------
    resize
        Length of the short side in pixels, or ``(height, width)``, or None to leave the size alone. Shrinking
        is antialiased.
    crop
        ``(height, width)`` in pixels of the centre that is kept, or None to keep all.
    interpolation
        How to resize.
    scale
        The value of a white pixel before mean and std.
    mean, std
        In units of ``scale``; one number for all channels or one each, in the order of ``channels``.
    channels
        ``"RGB"``, ``"BGR"``, or one channel of luma, 0.299 R + 0.587 G + 0.114 B as in ITU-R BT.601, of full range:
        ``"L"`` is Pillow's grey, rounded to 8 bits before resizing; ``"Y"``, the Y of YCbCr that upscalers take, is
        formed after resizing and not rounded.

    Raises
    ------
    InputError
        When values are out of range or do not fit together.

    Notes
    -----
    As text: ``key=value`` pairs in any order between commas, sizes as ``256`` or ``240x320`` (height first) or
    ``none``, channel values between slashes. ``str`` names every key.
    """

    resize: int | tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    interpolation: Interpolation = "bilinear"
    scale: float = 1.0
    mean: tuple[float, ...] = field(default=(0.0,))
    std: tuple[float, ...] = field(default=(1.0,))
    channels: Channels = "RGB"

    def __post_init__(self) -> None:
        if self.channels not in COUNTS:
            raise UnknownNameError("order of channels", self.channels, COUNTS)
        if self.interpolation not in FILTERS:
            raise UnknownNameError("interpolation", self.interpolation, FILTERS)
        for key, sides in (("resize", self.resize), ("crop", self.crop)):
            for side in (sides,) if isinstance(sides, int) else sides or ():
                if not 1 <= side <= MAXIMUM_SIDE:
                    raise InputError(f"{key} is {side} pixels. Give a size from 1 to {MAXIMUM_SIDE}.")
        for key, numbers in (("scale", (self.scale,)), ("mean", self.mean), ("std", self.std)):
            if not all(math.isfinite(number) for number in numbers):
                raise InputError(f"{key} is not finite. Give ordinary numbers.")
            if key != "mean" and min(numbers, default=1.0) <= 0:
                raise InputError(f"{key} is {_numbers(numbers)}. Give numbers above 0.")
            if len(numbers) not in (1, COUNTS[self.channels]):
                raise InputError(
                    f"{key} has {len(numbers)} numbers and channels={self.channels} has {COUNTS[self.channels]}. "
                    f"Give one number, or one for each channel as in {EXAMPLE}."
                )
        if self.resize is not None and self.crop is not None:
            least = (self.resize, self.resize) if isinstance(self.resize, int) else self.resize
            if self.crop[0] > least[0] or self.crop[1] > least[1]:
                raise InputError(
                    f"crop={_crop(self.crop)} is larger than resize={_resize(self.resize)}. "
                    "Resize to more, or crop to less."
                )

    def __call__(self, image: Image.Image) -> Tensor:
        """Return ``image`` as ``(1, C, H, W)``, float32, in model units.

        Raises
        ------
        InputError
            When the image is smaller than the crop, or so narrow that resizing its short side makes it enormous.
        """
        pixels = np.array(self._cut(image.convert("L" if self.channels == "L" else "RGB")))
        planes = torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1)[None].double()
        if self.channels == "BGR":
            planes = planes.flip(1)
        if self.channels == "Y":
            planes = (planes * torch.tensor(LUMA, dtype=torch.float64).view(1, 3, 1, 1)).sum(1, keepdim=True)
        values = (planes * (self.scale / 255) - self._mean) / self._std
        return values.float().contiguous()

    def display(self, tensor: Tensor) -> npt.NDArray[np.uint8]:
        """Return a tensor in model units as a picture, the inverse of calling; pixels out of range are clipped.

        Parameters
        ----------
        tensor
            ``(1, C, H, W)`` or ``(C, H, W)``.

        Returns
        -------
        ndarray, uint8, (H, W, 3)
            RGB.

        Raises
        ------
        InputError
            When the tensor has another shape or holds NaN or infinite values.
        """
        planes = tensor.detach().cpu().double()
        planes = planes[None] if planes.ndim == 3 else planes
        if planes.ndim != 4 or planes.shape[0] != 1 or planes.shape[1] != self.channel_count:
            raise InputError(
                f"A tensor of shape {tuple(tensor.shape)} is not one image of {self.channel_count} channels. "
                f"Give (1, {self.channel_count}, H, W)."
            )
        if not torch.isfinite(planes).all():
            raise InputError("The image holds NaN or infinite pixels. Give finite values.")
        pixels = ((planes * self._std + self._mean) * (255 / self.scale)).round().clamp(0, 255)[0]
        if self.channels == "BGR":
            pixels = pixels.flip(0)
        picture = pixels.expand(3, -1, -1).permute(1, 2, 0).to(torch.uint8).contiguous().numpy()
        return cast("npt.NDArray[np.uint8]", picture)

    @property
    def channel_count(self) -> int:
        """How many channels the model's input has."""
        return COUNTS[self.channels]

    @property
    def level(self) -> Tensor:
        """How many model units one 8-bit pixel level is: float32, ``(1, C, 1, 1)``."""
        return (self.scale / 255 / self._std).float()

    @property
    def lower(self) -> Tensor:
        """Model units of pixel 0: float32, ``(1, C, 1, 1)``."""
        return (-self._mean / self._std).float()

    @property
    def upper(self) -> Tensor:
        """Model units of pixel 255: float32, ``(1, C, 1, 1)``."""
        return ((self.scale - self._mean) / self._std).float()

    @property
    def _mean(self) -> Tensor:
        return torch.tensor(self.mean, dtype=torch.float64).expand(self.channel_count).view(1, -1, 1, 1)

    @property
    def _std(self) -> Tensor:
        return torch.tensor(self.std, dtype=torch.float64).expand(self.channel_count).view(1, -1, 1, 1)

    def __str__(self) -> str:
        return (
            f"resize={_resize(self.resize)},crop={_crop(self.crop)},interpolation={self.interpolation},"
            f"scale={_numbers((self.scale,))},mean={_numbers(self.mean)},std={_numbers(self.std)},"
            f"channels={self.channels}"
        )

    @classmethod
    def parse(cls, text: str, base: Preprocessing | None = None) -> Preprocessing:
        """Read the text form.

        Parameters
        ----------
        text
            For example ``resize=256,crop=224``; keys and words in any case.
        base
            Keys that the text does not name keep their value from here; without it, from ``Preprocessing()``.

        Raises
        ------
        UnknownNameError
            For a key, an interpolation or an order of channels that does not exist.
        InputError
            For an entry that is no ``key=value``, a key given twice, or a value that cannot be read or used.
        """
        known = [entry.name for entry in fields(cls)]
        given: dict[str, object] = {}
        for part in text.split(","):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            key = name.lower()
            if not equals or not value:
                raise InputError(f"{part.strip()!r} is no step of preprocessing. Write key=value, as in {EXAMPLE}.")
            if key not in known:
                raise UnknownNameError("step of preprocessing", name, known)
            if key in given:
                raise InputError(f"{key} is given twice in {text!r}. Give it once.")
            given[key] = _value(key, value)
        return replace(base or cls(), **given)  # type: ignore[arg-type]

    def _cut(self, image: Image.Image) -> Image.Image:
        width, height = image.size
        if self.resize is not None:
            if isinstance(self.resize, int):
                short = min(width, height)
                target = (self.resize * width // short, self.resize * height // short)
            else:
                target = (self.resize[1], self.resize[0])
            if target[0] * target[1] > MAXIMUM_PIXELS:
                raise InputError(
                    f"An image of {width} x {height} pixels would become {target[0]} x {target[1]} by "
                    f"resize={_resize(self.resize)}. Cut it to a less narrow shape."
                )
            image = image.resize(target, FILTERS[self.interpolation])
            width, height = target
        if self.crop is None:
            return image
        if self.crop[0] > height or self.crop[1] > width:
            raise InputError(
                f"An image of {width} x {height} pixels is smaller than crop={_crop(self.crop)}. "
                "Give a larger one, or resize in the preprocessing."
            )
        left, top = round((width - self.crop[1]) / 2), round((height - self.crop[0]) / 2)
        return image.crop((left, top, left + self.crop[1], top + self.crop[0]))


def _value(key: str, text: str) -> object:
    if key == "channels":
        return text.upper()
    if key == "interpolation":
        return text.lower()
    if key in ("resize", "crop"):
        return _read_size(key, text.lower())
    try:
        numbers = tuple(float(number) for number in text.split("/"))
    except ValueError as error:
        raise InputError(f"{key}={text} holds what is no number. Write {key}=0.5 or {key}=0.5/0.4/0.3.") from error
    if key == "scale":
        if len(numbers) != 1:
            raise InputError(f"scale={text} holds {len(numbers)} numbers. Give one, the value of a white pixel.")
        return numbers[0]
    return numbers


def _read_size(key: str, text: str) -> int | tuple[int, int] | None:
    if text == "none":
        return None
    sides = text.split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() and len(side) < 10 for side in sides):
        raise InputError(f"{key}={text} is no size. Write {key}=224, {key}=240x320 (height x width) or {key}=none.")
    if len(sides) == 2:
        return int(sides[0]), int(sides[1])
    return int(text) if key == "resize" else (int(text), int(text))


def _resize(size: int | tuple[int, int] | None) -> str:
    return f"{size[0]}x{size[1]}" if isinstance(size, tuple) else "none" if size is None else str(size)


def _crop(size: tuple[int, int] | None) -> str:
    return _resize(size[0] if size is not None and size[0] == size[1] else size)


def _numbers(numbers: tuple[float, ...]) -> str:
    return "/".join(repr(float(number)).removesuffix(".0") for number in numbers)
