"""The numbers of the tours of networks that make images as plain values, for ``result.json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from linearscope.analysis.eigen import EigenPairs
from linearscope.analysis.flashlight import Flashlight
from linearscope.analysis.image_map import ImageMap, Place
from linearscope.analysis.image_to_image import ImageToImageTour
from linearscope.analysis.pattern import Pattern
from linearscope.analysis.quality import Quality
from linearscope.analysis.super_resolution import SuperResolutionTour
from linearscope.report.about import About
from linearscope.report.field_figures import field_numbers
from linearscope.report.numbers import about_numbers, certificate_numbers

__all__ = ["IMAGE_TO_IMAGE_SCHEMA", "SUPER_RESOLUTION_SCHEMA", "image_to_image_numbers", "super_resolution_numbers"]

SUPER_RESOLUTION_SCHEMA: Final = "linearscope.super-resolution/1"
IMAGE_TO_IMAGE_SCHEMA: Final = "linearscope.image-to-image/1"


def super_resolution_numbers(tour: SuperResolutionTour, about: About) -> dict[str, Any]:
    """Everything that the page of an upscaler says in numbers."""
    return {
        "schema": SUPER_RESOLUTION_SCHEMA,
        "about": about_numbers(about),
        "scale": tour.scale,
        "networks": [_map(one) for one in tour.maps],
        "singular_triplets": _eigen(tour.eigen),
    }


def image_to_image_numbers(tour: ImageToImageTour, about: About) -> dict[str, Any]:
    """Everything that the page of an image-to-image network says in numbers."""
    return {
        "schema": IMAGE_TO_IMAGE_SCHEMA,
        "about": about_numbers(about),
        "networks": [_map(one) for one in tour.maps],
        "singular_triplets": _eigen(tour.eigen),
        "off_diagonal": tour.off_diagonal.numbers(),
        "templates": {
            **tour.templates.summary(),
            "segments_looked_at": [one.numbers() for one in tour.templates.items],
        },
        "coupling": [
            {
                "interpretation": one.interpretation,
                "near_pixels": one.near,
                "rows": one.points,
                "share_of_energy_outside_the_structural_field": one.outside.tolist(),
                "share_of_energy_far": one.far.tolist(),
            }
            for one in tour.coupling
        ],
    }


def _map(one: ImageMap) -> dict[str, Any]:
    return {
        "name": one.name,
        "image_shape": tuple(one.image.shape),
        "output_shape": tuple(one.output.shape),
        "certificate": certificate_numbers(one.certificate),
        "residual_ratio": one.residual_ratio,
        "residual_share_of_energy": one.residual_share,
        "quality": None if one.quality is None else _quality(one.quality),
        "quality_of_the_input": None if one.input_quality is None else _quality(one.input_quality),
        "places": [_place(place) for place in one.places],
        "flashlight": None if one.flashlight is None else _flashlight(one.flashlight),
    }


def _quality(one: Quality) -> dict[str, Any]:
    return {
        "psnr_db": one.psnr,
        "ssim": one.ssim,
        "on": "luma, 8-bit levels",
        "border_pixels_left_out": one.border,
    }


def _place(one: Place) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "input_row_column": one.point,
        "output_row_column": one.output_point,
        "column": field_numbers(one.column),
        "row": field_numbers(one.row),
    }


def _flashlight(one: Flashlight) -> dict[str, Any]:
    return {
        "score": one.score,
        "variation": one.variation,
        "channel": one.channel,
        "window_pixels": one.window,
        "period_pixels": one.period,
        "share_of_energy_in_window": one.kept,
        "columns_that_are_zero": one.dark,
        "positions_row_column": one.positions,
        "mean_similarity": one.similarity.tolist(),
    }


def _eigen(found: EigenPairs) -> dict[str, Any]:
    return {
        "products": found.products,
        "tolerance": found.tol,
        "complete": found.complete,
        "notes": found.notes,
        "triplets": [
            {
                "singular_value": pair.singular_value,
                "residual": pair.residual,
                "eigen_input": _pattern(pair.input_pattern),
                "eigen_output": _pattern(pair.output_pattern),
            }
            for pair in found.pairs
        ],
    }


def _pattern(one: Pattern) -> dict[str, Any]:
    names = {
        "centre": "centre_row_column",
        "radius": "radius_pixels_90_percent",
        "area": "share_of_pixels",
        "frequency": "frequency_cycles_per_pixel",
        "orientation": "orientation_degrees",
    }
    return {names.get(key, key): value for key, value in asdict(one).items()}
