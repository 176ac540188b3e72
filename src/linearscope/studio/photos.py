"""The photos that a studio holds: those it brings, and those that visitors bring, within bounds."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from linearscope.datasets import facade_photo, flower_photo
from linearscope.errors import InputError
from linearscope.models import default_image, image_from_bytes, read_image
from linearscope.models.images import MAXIMUM_PIXELS
from linearscope.studio.refusals import Missing
from linearscope.studio.schema import Photo

__all__ = ["UPLOAD_BYTES", "UPLOAD_PIXELS", "Photos"]

#: Largest file, and its largest number of pixels.
UPLOAD_BYTES: Final = 20_000_000
UPLOAD_PIXELS: Final = MAXIMUM_PIXELS
#: Bytes of all files that visitors brought; the oldest go first.
ALL_BYTES: Final = 64_000_000
THUMBNAIL: Final = 192


@dataclass(frozen=True)
class _Held:
    about: Photo
    read: Callable[[], Image.Image]
    size: int = 0

    @cached_property
    def thumbnail(self) -> bytes:
        small = self.read()
        small.thumbnail((THUMBNAIL, THUMBNAIL))
        file = io.BytesIO()
        small.save(file, "PNG")
        return file.getvalue()


class Photos:
    """Photos by id.

    Parameters
    ----------
    given
        A photo named where the studio was started; it comes first.
    """

    def __init__(self, given: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._bundled: dict[str, _Held] = {}
        self._uploads: OrderedDict[str, _Held] = OrderedDict()
        if given is not None:
            photo = read_image(given)
            self._bring("given", given.name, "", lambda: photo)
        for name, (title, credit, read) in BUNDLED.items():
            self._bring(name, title, credit, read)

    @property
    def first(self) -> str:
        """The photo that is shown first."""
        return next(iter(self._bundled))

    def list(self) -> list[Photo]:
        """All that can be chosen."""
        with self._lock:
            return [held.about for held in (*self._bundled.values(), *self._uploads.values())]

    def add(self, data: bytes, name: str) -> Photo:
        """Hold a visitor's file; the same file again is the same photo.

        Raises
        ------
        InputError
            When it is no image, damaged or too large.
        """
        if len(data) > UPLOAD_BYTES:
            raise InputError(
                f"{name} is larger than {UPLOAD_BYTES // 1_000_000} MB. Save it smaller, as a JPEG for example."
            )
        if not data:
            raise InputError(f"{name} is empty. Choose an image file.")
        photo = image_from_bytes(data, name)
        about = Photo(
            id=hashlib.sha256(data).hexdigest()[:16],
            title=name,
            width=photo.width,
            height=photo.height,
            bundled=False,
            credit="",
        )
        with self._lock:
            self._uploads[about.id] = _Held(about, lambda: image_from_bytes(data, name), len(data))
            self._uploads.move_to_end(about.id)
            while sum(held.size for held in self._uploads.values()) > ALL_BYTES:
                self._uploads.popitem(last=False)
        return about

    def about(self, photo: str) -> Photo:
        """What is known of a photo."""
        return self._find(photo).about

    def read(self, photo: str) -> Image.Image:
        """The photo itself."""
        return self._find(photo).read()

    def thumbnail(self, photo: str) -> bytes:
        """A small PNG of it."""
        return self._find(photo).thumbnail

    def _find(self, photo: str) -> _Held:
        with self._lock:
            held = self._bundled.get(photo) or self._uploads.get(photo)
        if held is None:
            raise Missing(f"The studio holds no photo {photo[:40]!r}. Choose one of the list, or bring it again.")
        return held

    def _bring(self, name: str, title: str, credit: str, read: Callable[[], Image.Image]) -> None:
        photo = read()
        about = Photo(id=name, title=title, width=photo.width, height=photo.height, bundled=True, credit=credit)
        self._bundled[name] = _Held(about, read)


def _noisy() -> Image.Image:
    """The bundled photo with noise of the strength that the bundled denoisers were made for."""
    pixels = np.asarray(read_image(default_image())).astype(float)
    pixels += np.random.default_rng(0).normal(0, 25, pixels.shape)
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


#: Title, where it is from, and how it is made, of every photo that the studio brings.
BUNDLED: Final[Mapping[str, tuple[str, str, Callable[[], Image.Image]]]] = {
    "espresso": ("Espresso", "CC0, Rachel Michetti", lambda: read_image(default_image())),
    "espresso-noisy": ("Espresso with noise of 25 levels", "CC0, Rachel Michetti; noise, seed 0", _noisy),
    "facade": ("Rendered facade", "rendered here, seed 0", lambda: facade_photo(0, 128)),
    "plant": ("Rendered plant", "rendered here, seed 0", lambda: flower_photo("single-6c", 2, side=128)),
}
#: The photo that a bundled network is shown first, where it is not the first of all.
SHOWN_FIRST: Final = {
    "denoiser": "espresso-noisy",
    "denoiser_biased": "espresso-noisy",
    "facades": "facade",
    "an8flower_6c": "plant",
    "an8flower_12c": "plant",
}
