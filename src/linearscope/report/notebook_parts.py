"""What cards in a notebook are made of: words, numbers, bars and small pictures, right on light and dark ground."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from linearscope.report.about import Picture
from linearscope.report.field_pictures import field_colours

__all__ = [
    "CARDS",
    "Bar",
    "Card",
    "Shown",
    "card_of",
    "map_picture",
    "pixel_picture",
    "render_card",
    "signed_bars",
    "tensor_picture",
]

#: The longer side of a picture in a card, in pixels; small ones are shown larger than they are.
SIDE: Final = 144
#: Colours of a map to either side of zero.
STEPS: Final = 100
#: A card is smaller than this, in bytes; pictures that do not fit are left out.
LARGEST: Final = 290_000

SOFT: Final = "opacity:.75"
FOR: Final = "#c2503c"
AGAINST: Final = "#3b7fc0"


@dataclass(frozen=True)
class Shown:
    """A picture in a card: PNG data, the size it is shown at, whether its pixels are to be seen, and what it is."""

    data: str
    width: int
    height: int
    crisp: bool
    caption: str


@dataclass(frozen=True)
class Bar:
    """A named number and its length, from -1 to 1."""

    name: str
    value: str
    length: float


@dataclass(frozen=True)
class Card:
    """What a result says in a notebook.

    Parameters
    ----------
    title
        What it is, two or three words.
    about
        Beside the title: of what.
    sentence
        What it found.
    facts
        Names and values.
    pictures, bars
        At most a handful.
    notes
        What must be known, one sentence each.
    frame
        HTML of an inner page, made by us; empty for none.
    """

    title: str
    about: str = ""
    sentence: str = ""
    facts: Sequence[tuple[str, str]] = ()
    pictures: Sequence[Shown] = ()
    bars: Sequence[Bar] = ()
    notes: Sequence[str] = ()
    frame: str = ""


#: How each class of result is shown; open to new entries by :func:`card_of`.
CARDS: dict[type, Callable[[Any], Card]] = {}

Make = Callable[[Any], Card]


def card_of(*kinds: type) -> Callable[[Make], Make]:
    """Enter a function as the way in which results of some classes, and of classes made from them, are shown."""

    def enter(make: Make) -> Make:
        CARDS.update(dict.fromkeys(kinds, make))
        return make

    return enter


def render_card(card: Card) -> str:
    """Write a card as HTML; all its text is escaped."""
    about = f' <span style="font-weight:400;{SOFT}">{escape(card.about)}</span>' if card.about else ""
    parts = [f'<div style="font-size:15px;font-weight:600;overflow-wrap:anywhere">{escape(card.title)}{about}</div>']
    if card.sentence:
        parts.append(f'<div style="margin-top:4px;overflow-wrap:anywhere">{escape(card.sentence)}</div>')
    if card.facts:
        parts.append(_row("".join(_fact(*fact) for fact in card.facts), "6px 26px"))
    if card.pictures:
        parts.append(_row("".join(_pictures(card.pictures)), "12px 14px"))
    if card.bars:
        parts.append(_bars(card.bars))
    parts += [
        f'<div style="margin-top:8px;font-size:12px;{SOFT};overflow-wrap:anywhere">{escape(note)}</div>'
        for note in card.notes
    ]
    return (
        '<div style="box-sizing:border-box;max-width:900px;margin:4px 0;padding:12px 16px 14px;border-radius:8px;'
        "border:1px solid rgba(128,128,128,.4);color:inherit;text-align:left;"
        'font:13px/1.45 system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Arial,sans-serif">'
        + "".join(parts)
        + "</div>"
        + card.frame
    )


def map_picture(values: Tensor | npt.NDArray[Any], caption: str, limit: float | None = None) -> Shown:
    """Draw a map ``(h, w)`` or ``(C, h, w)``, summed: red above zero, blue below; from ``limit`` on alike.

    Default limit: the size whose larger values hold half of the energy, so that one peak does not hide the rest.
    """
    plane = _array(values)
    plane = plane.sum(0) if plane.ndim == 3 else plane
    if limit is None:
        sizes = np.sort(np.abs(plane[np.isfinite(plane)]))[::-1]
        energy = np.cumsum(sizes**2)
        holds = len(energy) and energy[-1] > 0
        limit = float(sizes[int(np.searchsorted(energy, 0.5 * energy[-1]))]) if holds else 1.0
    # Numbers of a palette, not colours: a third of the bytes, and no colour that is not of the scale.
    small = np.asarray(_reduced(Image.fromarray(plane.astype(np.float32))))
    known = np.isfinite(small)
    places = np.where(known, np.clip(np.where(known, small, 0) / limit, -1, 1) * STEPS + STEPS, 2 * STEPS + 1)
    image = Image.fromarray(places.round().astype(np.uint8), "P")
    scale = np.append(np.linspace(-1, 1, 2 * STEPS + 1), np.nan)
    image.putpalette(field_colours(scale[None, None], 1.0).tobytes())
    return _shown(image, caption)


def tensor_picture(tensor: Tensor, caption: str) -> Shown:
    """Draw an image ``(1, C, H, W)`` or ``(C, H, W)``: values from 0 to 1 as they are, others stretched onto that."""
    planes = _array(tensor)
    planes = planes[0] if planes.ndim == 4 else planes
    if len(planes) != 3:
        planes = planes.mean(0, keepdims=True).repeat(3, 0)
    low, high = float(planes.min()), float(planes.max())
    if low < -0.05 or high > 1.05:
        planes = (planes - low) / ((high - low) or 1.0)
    return pixel_picture((planes.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0), caption)


def pixel_picture(pixels: Picture, caption: str) -> Shown:
    """Show ``(H, W, 3)``, reduced where it is large."""
    return _shown(_reduced(Image.fromarray(np.ascontiguousarray(pixels))), caption)


def signed_bars(named: Sequence[tuple[str, float, str]], most: int = 8) -> list[Bar]:
    """Bars of the largest of named numbers, each with its words, in the order given; a last one says what is left."""
    kept = sorted(range(len(named)), key=lambda i: -abs(named[i][1]))[:most]
    largest = max((abs(named[i][1]) for i in kept), default=0.0) or 1.0
    return [Bar(named[i][0], named[i][2], named[i][1] / largest) for i in sorted(kept)]


def _fact(name: str, value: str) -> str:
    return (
        f'<div><div style="font-size:12px;{SOFT}">{escape(name)}</div>'
        '<div style="font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere">'
        f"{escape(value)}</div></div>"
    )


def _row(inside: str, gap: str) -> str:
    return f'<div style="display:flex;flex-wrap:wrap;gap:{gap};margin-top:10px;align-items:flex-start">{inside}</div>'


def _pictures(pictures: Sequence[Shown]) -> list[str]:
    found, size = [], 0
    for one in pictures:
        size += len(one.data)
        if size > LARGEST - 40_000:
            break
        found.append(
            f'<figure style="margin:0;max-width:{max(one.width, 96)}px">'
            f'<img alt="{escape(one.caption)}" src="{one.data}" width="{one.width}" height="{one.height}" '
            'style="display:block;margin:0;max-width:100%;height:auto;'
            f"image-rendering:{'pixelated' if one.crisp else 'auto'};"
            'outline:1px solid rgba(128,128,128,.35)">'
            f'<figcaption style="margin-top:4px;font-size:12px;line-height:1.35;{SOFT};overflow-wrap:anywhere">'
            f"{escape(one.caption)}</figcaption></figure>"
        )
    return found


def _bars(bars: Sequence[Bar]) -> str:
    rows = []
    signed = any(bar.length < 0 for bar in bars)
    for bar in bars:
        size = min(1.0, abs(bar.length)) * (50 if signed else 100)
        start = (50 - size if bar.length < 0 else 50) if signed else 0
        zero = (
            '<i style="position:absolute;left:50%;top:-2px;bottom:-2px;width:1px;background:rgba(128,128,128,.7)"></i>'
        )
        rows.append(
            '<div style="display:flex;gap:10px;align-items:center">'
            f'<div style="flex:0 1 210px;min-width:0;overflow-wrap:anywhere">{escape(bar.name)}</div>'
            '<div style="position:relative;flex:1 1 120px;min-width:60px;height:10px;background:rgba(128,128,128,.16)">'
            f'<i style="position:absolute;top:0;bottom:0;left:{start:.2f}%;width:{size:.2f}%;'
            f'background:{AGAINST if bar.length < 0 else FOR}"></i>{zero if signed else ""}</div>'
            '<div style="flex:0 0 76px;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap">'
            f"{escape(bar.value)}</div></div>"
        )
    return f'<div style="display:grid;gap:4px;margin-top:10px;max-width:620px">{"".join(rows)}</div>'


def _array(values: Tensor | npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(values.detach().cpu().double().numpy() if isinstance(values, Tensor) else values, np.float64)


def _reduced(image: Image.Image) -> Image.Image:
    """At most :data:`SIDE` pixels wide and high, each the mean of what it stands for."""
    scale = SIDE / max(image.size)
    if scale >= 1:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BOX)


def _shown(image: Image.Image, caption: str) -> Shown:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    data = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
    scale = SIDE / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    return Shown(data, width, height, max(image.size) <= SIDE // 2, caption)
