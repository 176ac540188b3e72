"""The flashlight as one file: every row or column of F at a stride, for a browser without a network."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain
from pathlib import Path
from typing import Any, Final

from PIL import Image
from torch import Tensor

from linearscope.analysis.fields import KINDS, Kind
from linearscope.errors import InputError, UnknownNameError
from linearscope.interpreter import Certificate, LinearInterpreter
from linearscope.report.about import Picture, current_versions, plain_picture
from linearscope.report.flashlight_data import Cut, between_images, cut_windows, pack
from linearscope.report.words import count

__all__ = ["LIMIT", "PagePlan", "flashlight_parts", "plan_page", "stride_within", "write_flashlight_page"]

#: The largest page, in bytes.
LIMIT: Final = 200_000_000
#: Values that are packed into one piece, in bytes before packing: what the page opens at once.
PIECE: Final = 1_000_000
#: Positions whose windows are computed at once, at most.
TOGETHER: Final = 16
#: Windows are sampled at this many places a side to say how large a page will be.
SAMPLES: Final = 3
#: Pins that the page has colours for.
PINS: Final = 4

FORMAT: Final = "linearscope.flashlight/1"
ASSETS: Final = Path(__file__).parent / "assets"

Step = Callable[[int, int], object]
Place = tuple[int, int]


@dataclass(frozen=True)
class PagePlan:
    """How large a page will be.

    Attributes
    ----------
    kind, stride
        Which filters, and of every how many pixels in each direction.
    positions
        How many rows or columns of F it holds.
    bytes
        Of the file, about.
    seconds
        That it takes to make on this machine, about.
    """

    kind: Kind
    stride: int
    positions: int
    bytes: int
    seconds: float


def plan_page(
    it: LinearInterpreter,
    *,
    kind: Kind = "column",
    stride: int = 1,
    channel: int | None = None,
    light: Place | None = None,
    pins: Sequence[Place] = (),
    path: Sequence[Place] = (),
) -> PagePlan:
    """Say how large :func:`flashlight_parts` will be, from a few windows spread over the image.

    Parameters are those of :func:`flashlight_parts`. Which windows are looked at is fixed, so that the size is the
    same every time; the seconds are measured.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> it = ls.interpret(torch.nn.Conv2d(3, 3, 3, padding=1), torch.rand(1, 3, 16, 16))
    >>> plan_page(it, stride=4).positions
    16
    """
    _check(it, kind, stride)
    return _Sample(it, kind, channel, _named(it, kind, light, pins, path)).plan(stride)


def stride_within(
    it: LinearInterpreter, limit: int, *, kind: Kind = "column", channel: int | None = None, most: int | None = None
) -> int | None:
    """Return the smallest stride whose page stays below ``limit`` bytes and ``most`` positions; None when none does."""
    _check(it, kind, 1)
    return _Sample(it, kind, channel).stride(limit, most)


def flashlight_parts(
    it: LinearInterpreter,
    *,
    kind: Kind = "column",
    stride: int = 1,
    channel: int | None = None,
    model: str = "network",
    photo: str = "photo",
    input_picture: Picture | None = None,
    output_picture: Picture | None = None,
    input_channels: Sequence[str] | None = None,
    output_channels: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    light: Place | None = None,
    pins: Sequence[Place] = (),
    path: Sequence[Place] = (),
    limit: int = LIMIT,
    step: Step | None = None,
) -> Iterator[str]:
    """Make, part by part, one HTML file in which a light moves over the photo and the row or column of F follows.

    The file holds its script, its style, the photo and the filters, and asks nothing of a network. The filters are
    those of the interpreter rounded to float32, and nothing else is lost.

    Parameters
    ----------
    it
        Interpreter of a network from an image ``(C, H, W)`` to an image ``(D, H', W')``.
    kind
        ``"column"``: what an input pixel sends out. ``"row"``: what an output pixel takes in.
    stride
        Filters of every so many pixels in both directions.
    channel
        Of the pixel under the light; default: the sum over all of them.
    model, photo
        Their names, for the title.
    input_picture, output_picture
        What the network saw and what it made, ``(H, W, 3)`` uint8; default: values from 0 to 1 as they are.
    input_channels, output_channels
        Names of the channels, such as ``("R", "G", "B")``.
    notes
        What the reader must know, one sentence each.
    light
        ``(row, column)`` where the light is at first; default: near the middle.
    pins
        Places ``(row, column)`` that are pinned at first, at most 4.
    path
        Places along which the light can be played. Filters of these, of the pins and of the light are in the page
        whatever the stride.
    limit
        The largest page in bytes.
    step
        Called with the positions done and all of them; what it raises ends the work.

    Raises
    ------
    InputError
        When the map is not between two images, an option does not fit, or the page would be too large; the message
        says which stride fits.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> it = ls.interpret(torch.nn.Conv2d(3, 3, 3, padding=1), torch.rand(1, 3, 16, 16))
    >>> "".join(flashlight_parts(it, stride=4)).startswith("<!doctype html>")
    True

    Source: Navarrete Michelini et al. 2019, section 8.D, whose authors precomputed rows and columns for a viewer.
    """
    _check(it, kind, stride)
    named = _named(it, kind, light, pins, path)
    sample = _Sample(it, kind, channel, named)
    plan = sample.plan(stride)
    if plan.bytes > limit:
        raise InputError(_too_large(plan.bytes, limit, sample.stride(limit)))
    shapes = between_images(it)
    given = shapes[0] if kind == "column" else shapes[1]
    rows, columns = positions(given[1], stride), positions(given[2], stride)
    together = max(1, min(TOGETHER, int(8 * PIECE // max(1, sample.raw))))
    shown = [
        plain_picture(_image(it.point)) if input_picture is None else input_picture,
        plain_picture(_image(it.output)) if output_picture is None else output_picture,
    ]
    # How the pieces are cut has to stand before them: by the largest window, which is that of the middle.
    length = max(1, min(len(columns), int(PIECE // max(1, sample.largest))))
    meta = {
        "format": FORMAT,
        "title": f"Flashlight · {model} on {photo}",
        "model": model,
        "photo": photo,
        "kind": kind,
        "channel": channel,
        "stride": stride,
        "input_shape": shapes[0],
        "output_shape": shapes[1],
        "input_channels": _channels(input_channels, shapes[0][0]),
        "output_channels": _channels(output_channels, shapes[1][0]),
        "rows": rows,
        "columns": columns,
        "piece": length,
        "kept": (kept := _off(named, rows, columns)),
        "light": (given[1] // 2, given[2] // 2) if light is None else light,
        "pins": list(pins),
        "path": list(path),
        "certificate": _certificate(it.certificate),
        "versions": current_versions(),
        "notes": list(notes),
    }
    size = 0
    pieces = _pieces(it, kind, channel, rows, columns, kept, length, together, step)
    for part in chain(_head(meta, shown), pieces, [_END]):
        size += len(part)
        if size > limit:
            raise InputError(_too_large(size, limit, sample.stride(int(limit * plan.bytes / (1.2 * size)))))
        yield part


def write_flashlight_page(file: Path, it: LinearInterpreter, /, **options: Any) -> Path:
    """Write the page to a file, which appears when it is whole.

    Parameters
    ----------
    file
        One that is there is replaced in one step.
    it, options
        As for :func:`flashlight_parts`.
    """
    unfinished = file.parent / f".{file.name}.{secrets.token_hex(4)}.part"
    try:
        with unfinished.open("w", encoding="utf-8") as opened:
            opened.writelines(flashlight_parts(it, **options))
        unfinished.replace(file)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror or error}. Choose another place.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return file


def _pieces(
    it: LinearInterpreter, kind: Kind, channel: int | None, rows: list[int], columns: list[int], kept: list[Place],
    length: int, together: int, step: Step | None,
) -> Iterator[str]:  # fmt: skip
    pieces = [("piece-kept", kept)] if kept else []
    for i, row in enumerate(rows):
        pieces += [
            (f"piece-{i}-{j // length}", [(row, column) for column in columns[j : j + length]])
            for j in range(0, len(columns), length)
        ]
    done, total = 0, len(kept) + len(rows) * len(columns)
    if step is not None:
        step(done, total)
    for name, places in pieces:
        cuts: list[Cut] = []
        for first in range(0, len(places), together):
            cuts += cut_windows(it, kind, places[first : first + together], channel)
            done += len(places[first : first + together])
            if step is not None:
                step(done, total)
        data = base64.b64encode(pack(cuts)).decode("ascii")
        yield f'<script type="application/octet-stream+base64" id="{name}">{data}</script>\n'


def positions(length: int, stride: int) -> list[int]:
    """Every ``stride``-th place, with as much room before the first as after the last.

    Examples
    --------
    >>> positions(11, 4)
    [1, 5, 9]
    """
    first = ((length - 1) % stride) // 2
    return list(range(first, length, stride))


class _Sample:
    """What windows weigh and take, from a few of them."""

    def __init__(self, it: LinearInterpreter, kind: Kind, channel: int | None, named: Sequence[Place] = ()) -> None:
        shapes = between_images(it)
        self.kind, self.named = kind, named
        self.given = shapes[0] if kind == "column" else shapes[1]
        self._fixed = 60_000 + 4 * sum(height * width for _, height, width in shapes)
        places = [
            ((2 * i + 1) * self.given[1] // (2 * SAMPLES), (2 * j + 1) * self.given[2] // (2 * SAMPLES))
            for i in range(SAMPLES)
            for j in range(SAMPLES)
        ]
        cut_windows(it, kind, places[:1], channel)  # what is only done once is not part of the time
        start = time.perf_counter()
        cuts = cut_windows(it, kind, places, channel)
        packed = len(pack(cuts))
        self._seconds = (time.perf_counter() - start) / len(places)
        self._bytes = packed * 4 / 3 / len(places)
        #: Bytes of a window before packing: the mean, and the largest.
        self.raw = sum(values.nbytes for _, _, values in cuts) / len(cuts) + 16
        self.largest = max(values.nbytes for _, _, values in cuts) + 16

    def plan(self, stride: int) -> PagePlan:
        rows, columns = positions(self.given[1], stride), positions(self.given[2], stride)
        many = len(rows) * len(columns) + len(_off(self.named, rows, columns))
        return PagePlan(self.kind, stride, many, round(self._fixed + many * self._bytes), many * self._seconds)

    def stride(self, limit: int, most: int | None = None) -> int | None:
        for stride in range(1, max(self.given[1:]) + 1):
            plan = self.plan(stride)
            if plan.bytes <= limit and (most is None or plan.positions <= most):
                return stride
        return None


def _named(
    it: LinearInterpreter, kind: Kind, light: Place | None, pins: Sequence[Place], path: Sequence[Place]
) -> list[Place]:
    """The places that a page must hold, as they were named."""
    _, height, width = between_images(it)[0 if kind == "column" else 1]
    if len(pins) > PINS:
        raise InputError(f"{len(pins)} pins were given, and a page shows {PINS} at most. Leave some out.")
    lit = [] if light is None else [light]
    for what, places in (("The light", lit), ("A pin", pins), ("A place of the path", path)):
        for place in places:
            if not (0 <= place[0] < height and 0 <= place[1] < width):
                raise InputError(f"{what} is at {tuple(place)}, outside of {height} x {width} pixels. Put it inside.")
    return [*lit, *pins, *path]


def _off(named: Sequence[Place], rows: list[int], columns: list[int]) -> list[Place]:
    """Those of some places that are not where every filter is, each once."""
    return [place for place in dict.fromkeys(named) if place[0] not in rows or place[1] not in columns]


def _check(it: LinearInterpreter, kind: Kind, stride: int) -> None:
    if kind not in KINDS:
        raise UnknownNameError("kind of field", kind, KINDS)
    if stride < 1:
        raise InputError(f"The stride is {stride}. Give 1 for every pixel, or more.")
    between_images(it)


def _too_large(size: int, limit: int, fits: int | None) -> str:
    advice = "Show the network a smaller image." if fits is None else f"A stride of {fits} fits."
    return f"The page would have {size / 1e6:,.0f} MB, and {limit / 1e6:,.0f} MB is the most. {advice}"


def _image(tensor: Tensor) -> Tensor:
    return tensor if tensor.dim() == 4 else tensor[None]


def _channels(names: Sequence[str] | None, size: int) -> list[str]:
    if names is None:
        return ["R", "G", "B"] if size == 3 else [str(i) for i in range(size)]
    if len(names) != size:
        raise InputError(f"{count(len(names), 'channel')} named and there are {size}. Give one name each.")
    return list(names)


def _certificate(found: Certificate) -> dict[str, Any]:
    return {
        "reconstruction": found.reconstruction,
        "adjoint": found.adjoint,
        "tolerance": found.tolerance,
        "dtype": str(found.dtype).removeprefix("torch."),
        "interpretation": found.interpretation,
        "frozen": dict(found.frozen),
        "notes": list(found.notes),
    }


def _head(meta: dict[str, Any], shown: Sequence[Picture]) -> tuple[str, ...]:
    script, style = _asset("flashlight.js"), _asset("flashlight.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    # "<" and separators that end lines in scripts are written as numbers: nothing in a name can end the element.
    said = json.dumps(meta, ensure_ascii=True).replace("<", "\\u003c")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(meta['title'])}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<noscript>{escape(meta['title'])}. This page needs JavaScript to move the light.</noscript>\n"
        '<div id="app"></div>\n'
        f'<script type="application/json" id="about">{said}</script>\n',
        f'<img id="input-picture" alt="" hidden src="{_png(shown[0])}">\n',
        f'<img id="output-picture" alt="" hidden src="{_png(shown[1])}">\n',
        f"<script>{script}</script>\n",
    )


_END: Final = "</body>\n</html>\n"


def _asset(name: str) -> str:
    try:
        text = (ASSETS / name).read_text(encoding="utf-8")
    except OSError:
        raise InputError(
            f"{name} is not in this installation. Install linearscope again, or run `npm run build` in frontend/."
        ) from None
    return text.replace("</script", "<\\/script").strip()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _png(pixels: Picture) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
