"""A folder with rows and columns of F: pictures, arrays, numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from linearscope.analysis.fields import Field
from linearscope.analysis.walk import Step
from linearscope.interpreter import Certificate
from linearscope.report.about import About, Picture
from linearscope.report.field_figures import field_comparison, field_figure, field_numbers
from linearscope.report.field_files import write_field
from linearscope.report.field_pictures import Colours, field_half, field_limit
from linearscope.report.numbers import about_numbers, certificate_numbers
from linearscope.report.output import FIGURES, RESULT, VALUES, replacing, write_json
from linearscope.report.page import Figures

__all__ = ["FIELDS_SCHEMA", "write_fields"]

FIELDS_SCHEMA: Final = "linearscope.fields/1"
#: More pictures than this side by side would be too small.
MOST: Final = 6


def write_fields(
    steps: Mapping[str, Step],
    photos: tuple[Picture, Picture],
    certificate: Certificate,
    about: About,
    out: Path,
    *,
    colours: Colours = "signed",
) -> Path:
    """Write what several pixels show: a PNG and an NPZ file for every row and column, and all numbers as JSON.

    Parameters
    ----------
    steps
        By name, from :class:`linearscope.analysis.walk.Steps`.
    photos
        ``(H, W, 3)`` each: the network's input and its output.
    certificate
        Of the interpreter.
    about
        Where it comes from.
    out
        Folder: new, empty, or with an earlier report, which is replaced when the new one is whole.
    colours
        ``"signed"`` or ``"colour"``, see :func:`linearscope.report.field_pictures.field_colours`.

    Returns
    -------
    Path
        Of ``result.json``. Pictures lie in ``figures/``, one scale for all rows and one for all columns; arrays in
        ``values/``, see :func:`linearscope.report.field_files.write_field`.

    Raises
    ------
    InputError
        When ``out`` holds other things or cannot be written. Nothing half-written is left.
    """
    with replacing(out) as folder:
        (folder / VALUES).mkdir()
        figures = Figures(folder / FIGURES)
        scales = {}
        for kind, photo in zip(("row", "column"), photos, strict=True):
            found = {name: field for name, step in steps.items() if (field := _of(step, kind)) is not None}
            if not found:
                continue
            every = list(found.values())
            scale: dict[str, Any] = {"limit": field_limit(every, colours), "half": field_half(every)}
            scales[kind] = scale
            if 1 < len(every) <= MOST:
                comparison = field_comparison({about.model: every}, list(found), photo, colours=colours, **scale)
                figures.picture(f"{kind}s", f"The {kind}s at {', '.join(found)}, on one scale", comparison)
            for name, field in found.items():
                file = f"{_file(name)}-{kind}"
                figures.picture(
                    file, f"The {kind} at {name}", field_figure(field, photo, colours=colours, title=name, **scale)
                )
                write_field(folder / VALUES / f"{file}.npz", field)
        numbers = {
            "schema": FIELDS_SCHEMA,
            "about": about_numbers(about),
            "certificate": certificate_numbers(certificate),
            "colour_scale_limit": {kind: scale["limit"] for kind, scale in scales.items()},
            "points": [_numbers(name, step) for name, step in steps.items()],
            "figures": figures.files,
        }
        write_json(folder / RESULT, numbers)
    return out / RESULT


def _numbers(name: str, step: Step) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "input_row_column": step.point,
        "output_row_column": step.output_point,
        "stands_on": step.on,
        "edge_direction_degrees": step.direction,
    }
    for kind in ("row", "column"):
        field = _of(step, kind)
        if field is not None:
            found[kind] = {**field_numbers(field), "values": f"{VALUES}/{_file(name)}-{kind}.npz"}
    return found


def _of(step: Step, kind: str) -> Field | None:
    return step.row if kind == "row" else step.column


def _file(name: str) -> str:
    return name.replace(",", "-")
