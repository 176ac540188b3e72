"""The page of the units that tell classes apart: which they are, what they look for, what excites them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw
from torch import Tensor

from linearscope.concepts import Box, Patches, RelevantUnits
from linearscope.report.about import About, Picture, clip
from linearscope.report.explain_figures import COLOURS, heat_pixels
from linearscope.report.numbers import about_numbers
from linearscope.report.output import FIGURES, PAGE, RESULT, VALUES, replacing, write_json
from linearscope.report.page import Figures, render
from linearscope.report.stages import stage_depth, stages
from linearscope.report.style import HALF, INPUT, MUTED, WIDE, chart, gradient, mark_stages, styled
from linearscope.report.words import amount, count, joined, percent, tiny

__all__ = ["RELEVANT_SCHEMA", "units_by_layer", "write_relevant"]

RELEVANT_SCHEMA: Final = "linearscope.relevant/1"
#: Exciting images shown of a unit, and their side in pixels.
SHOWN: Final = 6
SIDE: Final = 132
#: Colour of what a unit sees.
OUTLINE: Final = "#ff3b6b"


def write_relevant(
    found: RelevantUnits,
    patches: Mapping[tuple[str, int], Patches],
    images: Callable[[int], Tensor],
    labels: Sequence[int],
    accuracy: float,
    about: About,
    out: Path,
    *,
    top: int = 4,
) -> Path:
    """Write relevant units as one HTML page that opens offline, with figures, units and numbers beside it.

    Parameters
    ----------
    found
        From :func:`linearscope.relevant_units`.
    patches
        From :func:`linearscope.concepts.unit_patches`; classes whose units have none are listed without pictures.
    images
        Gives an image of the data set, ``(C, H, W)`` in the model's units, by its number.
    labels
        The class of each.
    accuracy
        The part of them whose largest score is their class's.
    about
        Where it comes from; ``image`` names the data set.
    out
        Folder: new, empty, or an earlier report, which is replaced when the new one is whole.
    top
        How many units of a class are shown.

    Returns
    -------
    Path
        Of ``index.html``. Beside it are ``result.json``, ``figures/`` and ``values/units.npz``, which
        :func:`linearscope.load_relevant_units` reads.

    Raises
    ------
    InputError
        When ``out`` holds other things or cannot be written. Nothing half-written is left.
    """
    identified = found.identified()
    with replacing(out) as folder:
        (folder / VALUES).mkdir()
        figures = Figures(folder / FIGURES)
        shown: dict[tuple[str, int], dict[str, Any]] = {}
        page = render(
            "relevant.html",
            about=about,
            title=f"The units that tell {count(len(found.classes), 'class', 'classes')} apart",
            sentence=_sentence(found, len(labels), accuracy),
            certified=f"No class's squared error could fall by more than {tiny(float(found.gap.max()))} of what it is "
            "without any weights (measured: the duality gap).",
            chart=figures.chart(
                "units-by-layer",
                "How many units of each layer have a weight for some class",
                lambda width: units_by_layer(found, width=width),
            ),
            depth=_depth(found),
            heat=gradient(COLOURS["magnitude"]),
            classes=[_class(found, c, patches, images, labels, figures, shown, about, top) for c in found.classes],
            rows=_rows(found),
            units=len(identified),
        )
        found.save(folder / VALUES / "units.npz")
        (folder / PAGE).write_text(page, encoding="utf-8")
        write_json(folder / RESULT, {**_numbers(found, accuracy, len(labels), about), "figures": figures.files})
    return out / PAGE


@styled
def units_by_layer(found: RelevantUnits, *, width: float = WIDE) -> Figure:
    """Draw how many units of each layer have a weight for some class.

    Parameters
    ----------
    found
        From :func:`linearscope.relevant_units`.
    width
        In inches.
    """
    names = list(found.layers)
    numbers = Counter(layer for layer, _ in found.identified())
    figure, axes = chart(width, 2.9, "relevant units")
    mark_stages(axes, stages(names, stage_depth(names)), 0, len(names), width)
    bars = axes.bar(range(len(names)), [numbers[name] for name in names], 0.7, color=INPUT, linewidth=0)
    if width > HALF and len(names) <= 48:
        axes.bar_label(bars, [str(numbers[name] or "") for name in names], fontsize=7.5, color=MUTED, padding=2)
    axes.set_xlim(-0.8, len(names) - 0.2)
    axes.set_ylim(0, max(numbers.values()) * 1.14)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure


def _sentence(found: RelevantUnits, images: int, accuracy: float) -> str:
    identified = len(found.identified())
    return (
        f"Every channel of {count(len(found.layers), 'layer')} was scored on {count(images, 'image')}, and a lasso "
        f"looked for the few whose scores tell each class (the sizes of a class's weights sum to at most "
        f"{found.mu:g}). Of {count(len(found.units), 'unit')}, {identified:,} have a weight for some class. The "
        f"network itself names {percent(accuracy)} of the images right."
    )


def _depth(found: RelevantUnits) -> str:
    numbers = Counter(layer for layer, _ in found.identified())
    most = max(numbers.values())
    first = [name for name in found.layers if numbers[name] == most]
    empty = sum(name not in numbers for name in found.layers)
    none = f"; {count(empty, 'layer has', 'layers have')} none" if empty else ""
    if len(first) > 3:
        return f"No layer has more than {most}{none}."
    return f"{joined(first)} {'has' if len(first) == 1 else 'have'} the most, {most}{none}."


def _class(
    found: RelevantUnits,
    c: int,
    patches: Mapping[tuple[str, int], Patches],
    images: Callable[[int], Tensor],
    labels: Sequence[int],
    figures: Figures,
    shown: dict[tuple[str, int], dict[str, Any]],
    about: About,
    top: int,
) -> dict[str, Any]:
    units = found.of_class(c)
    speaking = [one for one in units if one.weight > 0]
    largest = max((one.weight for one in speaking), default=1.0)
    cards = []
    for one in speaking[:top]:
        unit = one.layer, one.channel
        if unit not in patches:
            continue
        if unit not in shown:
            shown[unit] = _unit(patches[unit], images, figures, about, len(shown))
        same = sum(labels[i] == c for i in patches[unit].images)
        cards.append(
            {
                **shown[unit],
                "layer": one.layer,
                "channel": one.channel,
                "weight": amount(one.weight),
                "width": round(100 * one.weight / largest, 2),
                "same": f"{same} of the {len(patches[unit].images)} images that excite it most are of this class.",
            }
        )
    against = len(units) - len(speaking)
    return {
        "name": clip(found.name(c), 60),
        "counted": count(int(found.counts[found.row(c)]), "image"),
        "units": f"{count(len(speaking), 'unit speaks', 'units speak')} for it, {against} against it",
        "cards": cards,
    }


def _unit(one: Patches, images: Callable[[int], Tensor], figures: Figures, about: About, number: int) -> dict[str, Any]:
    name = f"unit-{number + 1:03d}"
    what = f"channel {one.channel} of {one.layer}"
    patch = about.display(one.patch[None])
    strip = [_outlined(about.display(images(i)[None]), box) for i, box in list(zip(one.images, one.boxes, strict=True))]
    return {
        "patch": figures.pixels(f"{name}-patch", f"Mean of what excites {what}", patch),
        "heat": figures.pixels(
            f"{name}-heat",
            f"Mean of the heat maps of {what}",
            heat_pixels(patch, one.heatmap, "magnitude", float(one.heatmap.max()) or 1.0),
        ),
        "strip": figures.pixels(f"{name}-images", f"Images that excite {what} most", _montage(strip[:SHOWN])),
        "size": _sight(one, patch, images),
    }


def _sight(one: Patches, patch: Picture, images: Callable[[int], Tensor]) -> str:
    height, width = patch.shape[:2]
    if (height, width) == tuple(images(one.images[0]).shape[1:]):
        return "the whole image"
    return f"{width} × {height} pixels, outlined"


def _outlined(photo: Picture, box: Box) -> Picture:
    """A photo at a fixed size with what a unit sees in it outlined."""
    height, width = photo.shape[:2]
    scale = SIDE / max(height, width)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
    small = Image.new("RGB", (SIDE, SIDE), "white")
    small.paste(Image.fromarray(photo).resize(shape, method))
    if box.bottom - box.top < height or box.right - box.left < width:
        ends = (box.left * scale - 2, box.top * scale - 2, box.right * scale + 1, box.bottom * scale + 1)
        ImageDraw.Draw(small).rectangle([min(max(round(end), 0), SIDE - 1) for end in ends], outline=OUTLINE, width=2)
    return np.asarray(small)


def _montage(photos: Sequence[Picture]) -> Picture:
    """Photos in a row of :data:`SHOWN` places; between them a line that stands out on light and on dark pages."""
    room = 2
    made = np.full((SIDE, SHOWN * (SIDE + room) - room, 3), 128, dtype=np.uint8)
    for place, photo in enumerate(photos):
        start = place * (SIDE + room)
        made[:, start : start + SIDE] = photo
    return made


def _rows(found: RelevantUnits) -> list[dict[str, Any]]:
    return [
        {
            "name": found.name(c),
            "images": int(found.counts[row]),
            "units": len(found.of_class(c)),
            "sum": amount(float(abs(found.weights[[row]]).sum())),
            "gap": tiny(float(found.gap[row])),
            "top": ", ".join(f"{one.layer} {one.channel} ({amount(one.weight)})" for one in found.of_class(c, 3)),
        }
        for row, c in enumerate(found.classes)
    ]


def _numbers(found: RelevantUnits, accuracy: float, images: int, about: About) -> dict[str, Any]:
    return {
        "schema": RELEVANT_SCHEMA,
        "about": about_numbers(about),
        "images": images,
        "accuracy": accuracy,
        "mu": found.mu,
        "score": found.score,
        "channels": dict(found.channels),
        "identified": [list(unit) for unit in found.identified()],
        "classes": [
            {
                "output": c,
                "name": found.name(c),
                "images": int(found.counts[row]),
                "duality_gap": float(found.gap[row]),
                "units": [list(one) for one in found.of_class(c)],
            }
            for row, c in enumerate(found.classes)
        ],
        "units": f"{VALUES}/units.npz",
    }
