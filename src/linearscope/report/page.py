"""From results to pages: draws the figures, fills the templates, keeps the numbers beside them."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from PIL import Image

from linearscope.report.about import Picture
from linearscope.report.style import LARGEST_PICTURE, NARROW, SMALLEST_PICTURE, WIDE, gradient, png
from linearscope.report.words import count

__all__ = ["Figures", "Shown", "render"]

TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Shown:
    """A figure in a page.

    Attributes
    ----------
    src, narrow
        Data URIs; ``narrow`` is what phones show, empty where it is the same.
    width, height
        Of ``src`` in pixels.
    alt
        What is to be seen.
    chart
        Whether it is a chart, which dark pages show inverted, and no photo.
    """

    src: str
    narrow: str
    width: int
    height: int
    alt: str
    chart: bool


@dataclass
class Figures:
    """Writes figures as files and gives them to the page as data.

    Attributes
    ----------
    folder
        Where the PNG files go.
    files
        What every file shows, by its name.
    """

    folder: Path
    files: dict[str, str] = field(default_factory=dict)

    def picture(self, name: str, alt: str, figure: Figure) -> Shown:
        """Add a picture."""
        data = self._write(name, alt, figure)
        return Shown(_uri(data), "", *_size(data), alt, False)

    def pixels(self, name: str, alt: str, pixels: Picture) -> Shown:
        """Add ``(H, W, 3)`` pixel by pixel; a small one is enlarged by a whole factor, a very large one reduced."""
        factor = max(1, -(-SMALLEST_PICTURE // max(pixels.shape[:2])))
        image = Image.fromarray(pixels.repeat(factor, 0).repeat(factor, 1))
        image.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE), Image.Resampling.BOX)
        file = io.BytesIO()
        image.save(file, "PNG")
        data = self._keep(name, alt, file.getvalue())
        return Shown(_uri(data), "", *_size(data), alt, False)

    def chart(self, name: str, alt: str, draw: Callable[[float], Figure], width: float = WIDE) -> Shown:
        """Add a chart that ``draw`` makes at a width in inches; phones get one of their own, not a file."""
        data = self._write(name, alt, draw(width))
        narrow = png(draw(NARROW)) if width > NARROW else b""
        return Shown(_uri(data), _uri(narrow) if narrow else "", *_size(data), alt, True)

    def _write(self, name: str, alt: str, figure: Figure) -> bytes:
        return self._keep(name, alt, png(figure))

    def _keep(self, name: str, alt: str, data: bytes) -> bytes:
        (self.folder / f"{name}.png").write_bytes(data)
        self.files[f"{self.folder.name}/{name}.png"] = alt
        return data


def render(template: str, **values: Any) -> str:
    """Fill a template; every value is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = breakable
    return environment.get_template(template).render(gradient=gradient(), count=count, **values)


def stacked(parts: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """Lay out signed bars of two shares on one scale, in percent of its width.

    Parameters
    ----------
    parts
        Pairs of shares. Those above zero stand side by side right of it, those below left of it.

    Returns
    -------
    list of dict
        ``zero``, ``score`` (places) and ``first``, ``second`` (place and length).
    """
    low = min(0.0, *(sum(v for v in pair if v < 0) for pair in parts))
    high = max(0.0, *(sum(v for v in pair if v > 0) for pair in parts))
    room = 100 / ((high - low) or 1.0)

    def place(value: float) -> float:
        return round((value - low) * room, 3)

    rows = []
    for first, second in parts:
        after = first if first * second > 0 else 0.0
        rows.append(
            {
                "zero": place(0.0),
                "score": place(first + second),
                "first": (place(min(first, 0.0)), round(abs(first) * room, 3)),
                "second": (place(after + min(second, 0.0)), round(abs(second) * room, 3)),
            }
        )
    return rows


def breakable(name: str) -> Markup:
    """Let a long path break after its dots."""
    return Markup(str(escape(name)).replace(".", ".<wbr>"))


def _uri(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def _size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", data[16:24])
    return width, height
