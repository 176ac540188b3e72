"""The page of an image-to-image tour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from linearscope.analysis.image_to_image import ImageToImageTour
from linearscope.report import image_sentences
from linearscope.report.about import About
from linearscope.report.image_numbers import image_to_image_numbers
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
)
from linearscope.report.off_diagonal_figures import (
    block_matrix_figure,
    far_areas_figure,
    off_diagonal_caption,
    template_caption,
    templates_figure,
)
from linearscope.report.output import FIGURES, PAGE, RESULT, replacing, write_json
from linearscope.report.page import Figures, render
from linearscope.report.words import count, percent

__all__ = ["write_image_to_image"]

#: Segments that the page shows; result.json has all.
TEMPLATES = 6


def write_image_to_image(tour: ImageToImageTour, about: About, out: Path) -> Path:
    """Write an image-to-image tour as one HTML page that opens offline, with its figures and numbers beside it.

    Parameters
    ----------
    tour
        From :func:`linearscope.analysis.tour_image_to_image`.
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
    first = tour.network
    with replacing(out) as folder:
        figures = Figures(folder / FIGURES)
        page = render(
            "image_to_image.html",
            about=about,
            header={
                "title": image_sentences.headline(first),
                "sentence": image_sentences.quality_said(first, None),
                "places": marked(first, figures),
                "networks": networks_table(tour.maps),
                **proof(first, about),
            },
            outputs_={"rows": _outputs(tour, figures)},
            residual_=residual_panel(first, figures),
            columns={
                "sentence": image_sentences.columns_said(first, None),
                **places(tour.maps, "column", figures, whole=True),
            },
            rows={
                "sentence": image_sentences.rows_said(first, None),
                **places(tour.maps, "row", figures, whole=True),
            },
            far=_far(tour, figures),
            templates=_templates(tour, figures),
            flashlight_=flashlights(tour.maps, figures),
            eigen_=eigen_rows(tour.eigen, first, figures),
        )
        (folder / PAGE).write_text(page, encoding="utf-8")
        write_json(folder / RESULT, {**image_to_image_numbers(tour, about), "figures": figures.files})
    return out / PAGE


def _outputs(tour: ImageToImageTour, figures: Figures) -> list[dict[str, Any]]:
    pictures = {"input": ("input", seen_picture(tour.network))}
    for number, one in enumerate(tour.maps, 1):
        pictures[f"output-{number}"] = one.name, made_picture(one)
    if tour.network.original_pixels is not None:
        pictures["original"] = "ground truth", as_picture(tour.network.original_pixels)
    return [
        {"name": label, "picture": figures.pixels(name, label, pixels)} for name, (label, pixels) in pictures.items()
    ]


def _far(tour: ImageToImageTour, figures: Figures) -> dict[str, Any]:
    found, first = tour.off_diagonal, tour.network
    photo, output = seen_picture(first), made_picture(first)
    return {
        "sentence": off_diagonal_caption(found),
        "near": found.near,
        "areas": figures.picture(
            "far-areas",
            "An area of the output, and the areas of the input far away that feed it",
            far_areas_figure(found, photo, output),
        )
        if found.share > 0
        else None,
        "matrix": figures.picture(
            "block-matrix",
            "Energy of F between all areas of the input and of the output",
            block_matrix_figure(found, photo),
        ),
        "blocks": found.energy.shape[0],
        "probes": found.probes,
        "coupling": {
            "near": tour.coupling[0].near,
            "rows": len(tour.coupling[0].points),
            "same": all(np.allclose(one.far, tour.coupling[0].far) for one in tour.coupling),
            "table": [
                {
                    "name": one.interpretation,
                    "used": one.interpretation == first.certificate.interpretation,
                    "outside": percent(float(one.outside.mean())),
                    "far": percent(float(one.far.mean())),
                }
                for one in tour.coupling
            ],
        },
    }


def _templates(tour: ImageToImageTour, figures: Figures) -> dict[str, Any]:
    found, first = tour.templates, tour.network
    photo, output = seen_picture(first), made_picture(first)
    shown = min(TEMPLATES, len(found.items))
    return {
        "sentence": image_sentences.templates_said(found),
        "picture": figures.picture(
            "templates",
            f"{count(shown, 'segment')} of the output, and the input pixels that trigger each",
            templates_figure(found, photo, output, count=shown),
        )
        if shown
        else None,
        "rows": [template_caption(one) for one in found.items],
    }
