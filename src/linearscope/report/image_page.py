"""The panels that the pages of upscalers and of image-to-image networks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from torch import Tensor

from linearscope.analysis.eigen import EigenPair, EigenPairs
from linearscope.analysis.fields import Field
from linearscope.analysis.image_map import ImageMap, Place
from linearscope.analysis.quality import Quality
from linearscope.report import image_sentences, sentences
from linearscope.report.about import About, Picture, plain_picture
from linearscope.report.field_figures import field_whole, field_zoom
from linearscope.report.field_pictures import field_colours, field_half, field_limit, position_picture
from linearscope.report.image_figures import (
    cut_out,
    eigen_picture,
    energy_limit,
    flashlight_half,
    flashlight_picture,
    marked_panel,
    singular_values_chart,
)
from linearscope.report.page import Figures
from linearscope.report.words import amount, percent

__all__ = [
    "as_picture",
    "eigen_rows",
    "flashlights",
    "made_picture",
    "marked",
    "networks_table",
    "places",
    "proof",
    "residual_panel",
    "seen_picture",
    "square_of",
]

#: Largest part of a whole picture that a zoom shows: beyond it there is nothing to gain.
WORTH_ZOOMING: Final = 0.6
LEAST_HALF: Final = 6
#: Half the side of the zoom on a filter, where a fifth of the picture is less.
LEAST_ZOOM: Final = 12


def seen_picture(one: ImageMap) -> Picture:
    """The image that a network was shown."""
    return plain_picture(one.image_pixels)


def made_picture(one: ImageMap) -> Picture:
    """The image that a network made; of more than three channels, the strongest at every pixel has its colour."""
    return as_picture(one.output_pixels)


def as_picture(pixels: Tensor) -> Picture:
    """Show pixels ``(1, C, H, W)`` as :func:`made_picture` does."""
    if pixels.shape[1] in (1, 3):
        return plain_picture(pixels)
    strongest = pixels[0].argmax(0).cpu().numpy()
    return np.asarray((colormaps["tab20"](strongest % 20)[..., :3] * 255).round(), dtype=np.uint8)


def square_of(photo: Picture, centre: tuple[float, float], half: int) -> Picture:
    """Cut out of a photo the square around a place, moved inside where it would stick out."""
    return np.asarray(np.moveaxis(cut_out(np.moveaxis(photo, -1, 0), centre, half), 0, -1))


def proof(one: ImageMap, about: About) -> dict[str, Any]:
    """What the badge and the notes of the header say."""
    found = one.certificate
    return {
        "exact": max(found.reconstruction, found.adjoint) <= found.tolerance,
        "certified": sentences.certified(found).replace("the scores", "the output"),
        "frozen": sentences.frozen(found),
        "remarks": [*about.notes, *found.notes],
    }


def networks_table(maps: Sequence[ImageMap]) -> dict[str, Any]:
    """All networks beside each other in numbers, and the input as it is where it can be compared."""
    rows = [
        {
            "name": one.name,
            **_quality(one.quality),
            "residual": percent(one.residual_ratio),
            "flashlight": image_sentences.score(one.flashlight),
        }
        for one in maps
    ]
    if maps[0].input_quality is not None:
        rows.append({"name": "the input as it is", **_quality(maps[0].input_quality), "residual": "", "flashlight": ""})
    return {"quality": any(one.quality is not None for one in maps), "rows": rows}


def _quality(one: Quality | None) -> dict[str, str]:
    return {
        "psnr": "–" if one is None else image_sentences.decibels(one.psnr),
        "ssim": "–" if one is None or one.ssim is None else f"{one.ssim:.4f}",
    }


def residual_panel(one: ImageMap, figures: Figures) -> dict[str, Any]:
    """The residual as a picture, beside the whole output on the same scale."""
    residual, output = one.residual[0], one.output[0]
    limit = energy_limit([residual])
    return {
        "sentence": image_sentences.residual_said(one),
        "limit": amount(limit),
        "output_limit": amount(energy_limit([output])),
        "picture": None
        if one.residual_ratio == 0
        else figures.pixels(
            "residual", f"Residual r of {one.name}: red above zero, blue below", field_colours(residual, limit)
        ),
    }


def places(maps: Sequence[ImageMap], kind: str, figures: Figures, *, whole: bool = False) -> dict[str, Any]:
    """Columns or rows of all networks at all places, on one scale and with one zoom.

    Parameters
    ----------
    maps
        The first is the network asked about.
    kind
        ``"column"`` or ``"row"``.
    figures
        Takes the pictures.
    whole
        Whether to show the first network's filters over the whole image too.
    """
    everything = [_field(place, kind) for one in maps for place in one.places]
    photo = made_picture(maps[0]) if kind == "column" else seen_picture(maps[0])
    limit = field_limit(everything)
    half = min(field_half(everything), max(LEAST_ZOOM, max(photo.shape) // 5))
    where = "output" if kind == "column" else "input"
    points = [
        {
            "name": place.kind,
            "at": f"{place.point[0]},{place.point[1]}",
            "photo": figures.pixels(
                f"{kind}-{number}-photo",
                f"The {where} around the place on {place.kind}",
                position_picture(photo, _field(place, kind).point, half),
            ),
        }
        for number, place in enumerate(maps[0].places, 1)
    ]
    rows = [
        {
            "name": one.name,
            "fields": [
                {
                    "picture": figures.picture(
                        f"{kind}-{number}-{place_number}",
                        f"{kind.capitalize()} of {one.name} at the place on {place.kind}: red above zero, blue below",
                        field_zoom(_field(place, kind), limit=limit, half=half),
                    ),
                    "radius": f"{_field(place, kind).radii[0.9]:.1f}",
                }
                for place_number, place in enumerate(one.places, 1)
            ],
        }
        for number, one in enumerate(maps, 1)
    ]
    shown = {
        "kind": kind,
        "where": where,
        "limit": amount(limit),
        "side": 2 * half + 1,
        "points": points,
        "rows": rows,
        "table": [_field_row(one.name, place, kind) for one in maps for place in one.places],
        "whole": [],
    }
    if whole:
        shown["whole"] = [
            {
                "name": place.kind,
                "far": percent(_field(place, kind).far),
                "picture": figures.picture(
                    f"{kind}-{number}-whole",
                    f"{kind.capitalize()} of {maps[0].name} at the place on {place.kind}, over the whole image",
                    field_whole(_field(place, kind), photo, half=half),
                ),
            }
            for number, place in enumerate(maps[0].places, 1)
        ]
    return shown


def _field_row(name: str, place: Place, kind: str) -> dict[str, str]:
    one = _field(place, kind)
    radii = [f"{one.radii[share]:.1f}" for share in (0.5, 0.9, 0.99)]
    return {
        "name": name,
        "place": place.kind,
        "radii": " / ".join(radii),
        "offset": f"{_signed(one.centroid[0])}, {_signed(one.centroid[1])}",
        "orientation": "–" if one.orientation is None else f"{one.orientation:.0f}°",
        "frequency": "–" if one.frequency is None else f"{one.frequency:.2f}",
        "far": percent(one.far),
    }


def flashlights(maps: Sequence[ImageMap], figures: Figures) -> dict[str, Any] | None:
    """Columns of all networks as tiles over the image; None where the image is too small."""
    lit = [one for one in maps if one.flashlight is not None]
    if not lit or maps[0].flashlight is None:
        return None
    found = maps[0].flashlight
    half = flashlight_half([one.flashlight for one in lit if one.flashlight is not None])
    rows = []
    most = max(one.flashlight.score for one in lit if one.flashlight is not None)
    for number, one in enumerate(lit, 1):
        assert one.flashlight is not None
        rows.append(
            {
                "name": one.name,
                "score": image_sentences.score(one.flashlight),
                "width": round(100 * max(one.flashlight.score, 0) / most, 2) if most > 1e-6 else 0,
                "variation": percent(one.flashlight.variation) if one.flashlight.variation > 1e-6 else "0",
                "kept": percent(one.flashlight.kept),
                "picture": figures.pixels(
                    f"flashlight-{number}",
                    f"Columns of {one.name} at {len(one.flashlight.positions)} places, each where its pixel lies",
                    flashlight_picture(one.flashlight, energy_limit(list(one.flashlight.columns)), half),
                ),
            }
        )
    return {
        "sentence": image_sentences.flashlight_said(maps[0], list(maps[1:])),
        "rows": rows,
        "places": len(found.positions),
        "window": 2 * found.window + 1,
        "tile": 2 * half,
        "period": found.period,
        "photo": figures.pixels(
            "flashlight-photo",
            "The part of the image that the places lie in",
            _lit_part(maps[0]),
        ),
    }


def eigen_rows(found: EigenPairs, one: ImageMap, figures: Figures) -> dict[str, Any]:
    """The first singular triplets as pictures with a zoom."""
    rows = []
    for number, pair in enumerate(found.pairs, 1):
        rows.append(
            {
                "number": number,
                "value": amount(pair.singular_value),
                "residual": percent(pair.residual / pair.singular_value) if pair.singular_value else "–",
                "sides": [
                    _eigen_side(figures, f"eigen-input-{number}", f"Eigen-input {number}", pair, "input", one),
                    _eigen_side(figures, f"eigen-output-{number}", f"Eigen-output {number}", pair, "output", one),
                ],
            }
        )
    return {
        "sentence": image_sentences.eigen_said(found, one.name),
        "products": found.products,
        "notes": found.notes,
        "chart": figures.chart(
            "singular-values",
            f"The {len(found.pairs)} largest singular values of {one.name}",
            lambda width: singular_values_chart(found, width=width),
            4.7,
        ),
        "rows": rows,
    }


def _eigen_side(figures: Figures, name: str, title: str, pair: EigenPair, side: str, one: ImageMap) -> dict[str, Any]:
    values = pair.eigen_input if side == "input" else pair.eigen_output
    found = pair.input_pattern if side == "input" else pair.output_pattern
    limit = energy_limit([values])
    photo = seen_picture(one) if side == "input" else made_picture(one)
    half = max(round(1.25 * found.radius), LEAST_HALF)
    zoomed = 2 * half + 1 < WORTH_ZOOMING * max(values.shape[-2:])
    half = half if zoomed else max(values.shape[-2:])
    return {
        "title": title,
        "said": image_sentences.pattern_said(found, values),
        "whole": figures.pixels(
            name, f"{title} of {one.name}: red above zero, blue below", eigen_picture(values, found, limit)
        ),
        "zoom": figures.pixels(
            f"{name}-zoom", f"{title}, magnified", field_colours(cut_out(values, found.centre, half), limit)
        )
        if zoomed
        else None,
        "photo": figures.pixels(f"{name}-photo", f"The {side} at the same place", square_of(photo, found.centre, half)),
    }


def _lit_part(one: ImageMap) -> Picture:
    """The output at the places of the flashlight, cut half a step beyond the outermost."""
    found = one.flashlight
    assert found is not None
    picture = made_picture(one)
    slices = []
    for axis in range(2):
        places = sorted({place[axis] for place in found.positions})
        half = (places[-1] - places[0]) / max(len(places) - 1, 1) / 2
        low, high = one.scale * (places[0] - half), one.scale * (places[-1] + half + 1)
        slices.append(slice(max(round(low), 0), min(round(high), picture.shape[axis])))
    return picture[slices[0], slices[1]]


def marked(one: ImageMap, figures: Figures) -> Any:
    """The input with its places marked."""
    points: Mapping[str, tuple[int, int]] = {place.kind: place.point for place in one.places}
    return figures.picture("places", "The input with the places marked", marked_panel(seen_picture(one), points))


def _field(place: Place, kind: str) -> Field:
    return place.column if kind == "column" else place.row


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
