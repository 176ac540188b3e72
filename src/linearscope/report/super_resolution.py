"""The page of a super-resolution tour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from linearscope.analysis.image_map import ImageMap
from linearscope.analysis.super_resolution import SuperResolutionTour
from linearscope.report import image_sentences
from linearscope.report.about import About, Picture
from linearscope.report.field_pictures import field_colours
from linearscope.report.image_figures import energy_limit
from linearscope.report.image_numbers import super_resolution_numbers
from linearscope.report.image_page import (
    as_picture,
    eigen_rows,
    flashlights,
    made_picture,
    marked,
    networks_table,
    places,
    proof,
    residual_panel,
    seen_picture,
    square_of,
)
from linearscope.report.output import FIGURES, PAGE, RESULT, replacing, write_json
from linearscope.report.page import Figures, Shown, render
from linearscope.report.words import amount

__all__ = ["write_super_resolution"]

#: Half the side of the detail that is shown of all networks, in pixels of the small image.
DETAIL = 12


def write_super_resolution(tour: SuperResolutionTour, about: About, out: Path) -> Path:
    """Write a super-resolution tour as one HTML page that opens offline, with its figures and numbers beside it.

    Parameters
    ----------
    tour
        From :func:`linearscope.analysis.tour_super_resolution`.
    about
        Where it comes from.
    out
        Folder: new, empty, or an earlier report, which is replaced when the new one is whole.

    Returns
    -------
    Path
        Of ``index.html``; ``result.json`` and ``figures/`` lie beside it.

    Raises
    ------
    InputError
        When ``out`` holds other things or cannot be written. Nothing half-written is left.
    """
    first, reference = tour.network, tour.bicubic
    with replacing(out) as folder:
        figures = Figures(folder / FIGURES)
        page = render(
            "super_resolution.html",
            about=about,
            header={
                "title": image_sentences.headline(first),
                "scale": tour.scale,
                "sentence": image_sentences.quality_said(first, reference, _apart(first, reference)),
                "places": marked(first, figures),
                "networks": networks_table(tour.maps),
                **proof(first, about),
            },
            outputs_=_outputs(tour, figures),
            residual_=residual_panel(first, figures),
            columns={
                "sentence": image_sentences.columns_said(first, reference),
                **places(tour.maps, "column", figures),
            },
            rows={"sentence": image_sentences.rows_said(first, reference), **places(tour.maps, "row", figures)},
            flashlight_=flashlights(tour.maps, figures),
            eigen_=eigen_rows(tour.eigen, first, figures),
        )
        (folder / PAGE).write_text(page, encoding="utf-8")
        write_json(folder / RESULT, {**super_resolution_numbers(tour, about), "figures": figures.files})
    return out / PAGE


def _outputs(tour: SuperResolutionTour, figures: Figures) -> dict[str, Any]:
    first, reference = tour.network, tour.bicubic
    place = {place.kind: place for place in first.places}["texture"]
    half = tour.scale * DETAIL
    change = (first.output - reference.output)[0]
    limit = energy_limit([change])

    def shown(name: str, label: str, pixels: Picture, zoom: Picture) -> dict[str, Any]:
        return {
            "name": label,
            "picture": figures.pixels(name, label, pixels),
            "detail": figures.pixels(f"{name}-detail", f"{label}, a detail", zoom),
        }

    def made(name: str, label: str, pixels: Picture) -> dict[str, Any]:
        return shown(name, label, pixels, square_of(pixels, place.output_point, half))

    small = seen_picture(first)
    rows = [shown("input", "input", small, square_of(small, place.point, DETAIL))]
    rows += [made(f"output-{number}", one.name, made_picture(one)) for number, one in enumerate(tour.maps, 1)]
    if first.original_pixels is not None:
        rows.append(made("original", "original", as_picture(first.original_pixels)))
    difference: Shown = figures.pixels(
        "difference", f"Output of {first.name} less that of bicubic upscaling", field_colours(change, limit)
    )
    return {
        "rows": rows,
        "difference": difference,
        "limit": amount(limit),
        "apart": amount(_apart(first, reference)),
        "detail": min(2 * half + 1, *first.output.shape[2:]),
    }


def _apart(one: ImageMap, two: ImageMap) -> float:
    """Root mean square difference of two outputs in 8-bit levels."""
    return float((255 * (one.output_pixels - two.output_pixels)).double().square().mean().sqrt())
