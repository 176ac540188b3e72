"""A folder with singular triplets: pictures, arrays, numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from linearscope.analysis.pattern import Pattern, pattern
from linearscope.analysis.svd import SVD
from linearscope.interpreter import Certificate
from linearscope.report.about import About
from linearscope.report.numbers import about_numbers, certificate_numbers
from linearscope.report.output import FIGURES, RESULT, VALUES, replacing, write_json
from linearscope.report.page import Figures
from linearscope.report.svd_figures import is_picture, triplet_figure, triplets_overview, values_chart

__all__ = ["SVD_SCHEMA", "write_svd"]

SVD_SCHEMA: Final = "linearscope.svd/1"


def write_svd(
    found: SVD, certificate: Certificate, about: About, out: Path, *, names: Sequence[str] | None = None
) -> Path:
    """Write singular triplets: a picture of each, one of all, a chart of the values, all numbers and all vectors.

    Parameters
    ----------
    found
        From :func:`linearscope.svd`; at least one triplet.
    certificate
        Of the interpreter.
    about
        Where it comes from.
    out
        Folder: new, empty, or with an earlier report, which is replaced when the new one is whole.
    names
        Of the outputs, where these are labels and no image.

    Returns
    -------
    Path
        Of ``result.json``. Pictures lie in ``figures/``; ``values/vectors.npz`` holds ``singular_values``,
        ``residuals``, ``eigen_inputs`` and ``eigen_outputs``.

    Raises
    ------
    InputError
        When ``out`` holds other things or cannot be written. Nothing half-written is left.
    """
    with replacing(out) as folder:
        (folder / VALUES).mkdir()
        figures = Figures(folder / FIGURES)
        figures.picture("singular-values", "The singular values", values_chart(found))
        if is_picture(found.eigen_inputs[0]) or is_picture(found.eigen_outputs[0]):
            figures.picture("overview", "Eigen-inputs and eigen-outputs, enlarged", triplets_overview(found))
        for i in range(len(found.singular_values)):
            figures.picture(f"triplet-{i + 1:02d}", f"Singular triplet {i + 1}", triplet_figure(found, i, names))
        np.savez_compressed(
            folder / VALUES / "vectors.npz",
            singular_values=found.singular_values.numpy(),
            residuals=found.residuals.numpy(),
            eigen_inputs=found.eigen_inputs.cpu().numpy(),
            eigen_outputs=found.eigen_outputs.cpu().numpy(),
        )
        write_json(folder / RESULT, _numbers(found, certificate, about, figures))
    return out / RESULT


def _numbers(found: SVD, certificate: Certificate, about: About, figures: Figures) -> dict[str, Any]:
    return {
        "schema": SVD_SCHEMA,
        "about": about_numbers(about),
        "certificate": certificate_numbers(certificate),
        "settings": {"method": found.method, "tol": found.tol},
        "complete": found.complete,
        "products": found.products,
        "seconds": found.seconds,
        "singular_values": found.singular_values.tolist(),
        "residuals": found.residuals.tolist(),
        "converged": found.converged.tolist(),
        "clusters_from_0": found.clusters,
        "eigen_input_shape": list(found.eigen_inputs.shape[1:]),
        "eigen_output_shape": list(found.eigen_outputs.shape[1:]),
        "triplets": [
            {
                side: _pattern(pattern(vectors[i])) if is_picture(vectors[i]) else None
                for side, vectors in (("eigen_input", found.eigen_inputs), ("eigen_output", found.eigen_outputs))
            }
            for i in range(len(found.singular_values))
        ],
        "values": f"{VALUES}/vectors.npz",
        "figures": figures.files,
    }


def _pattern(one: Pattern) -> dict[str, Any]:
    return {
        "centre_row_column": one.centre,
        "radius_of_90_percent_pixels": one.radius,
        "share_of_area": one.area,
        "frequency_cycles_per_pixel": one.frequency,
        "orientation_degrees": one.orientation,
    }
