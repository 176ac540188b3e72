"""``linearscope fields IMAGE``: rows and columns of F at chosen pixels, as pictures, arrays and numbers."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from linearscope.cli.image_model import Channel, Near, look, point
from linearscope.cli.options import Device, Dtype, Interpretation, Model, Output, Preprocess, Weights, choice

if TYPE_CHECKING:
    from linearscope.report.field_pictures import Colours

__all__ = ["fields"]


def fields(
    image: Annotated[Path | None, typer.Argument(help="A photo; default: the bundled one.", metavar="[IMAGE]")] = None,
    model: Model = None,
    weights: Weights = None,
    preprocess: Preprocess = None,
    output: Output = None,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", help="A pixel of the input; may be given several times.", metavar="ROW,COLUMN"),
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help="row, column or both.", metavar="KIND")] = "both",
    channel: Channel = None,
    near: Near = None,
    colours: Annotated[
        str, typer.Option("--colours", help="signed: sum of the channels. colour: channels around grey.")
    ] = "signed",
    interpretation: Interpretation = "freeze",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.", metavar="DIR")] = Path(
        "linearscope-fields"
    ),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Show what pixels of a network's input make, and what makes those of its output: columns and rows of F."""
    start = time.perf_counter()

    from linearscope.analysis.points import check_point, interesting_points
    from linearscope.analysis.walk import WHICH, Steps
    from linearscope.interpreter.plan import INTERPRETATIONS
    from linearscope.report import About, check_out
    from linearscope.report.field_pictures import COLOURS
    from linearscope.report.field_report import write_fields

    choice("interpretation", interpretation, INTERPRETATIONS)
    choice("kind", kind, WHICH)
    choice("kind of colours", colours, COLOURS)
    chosen = [point(text, "--at") for text in at or []]
    check_out(out)
    seen = look(image, model, weights, preprocess, output, interpretation, device, dtype)
    for one in chosen:
        check_point(one, seen.it.input_shape)
    points = {f"{row},{column}": (row, column) for row, column in chosen} or interesting_points(seen.it.image)
    steps = Steps(seen.it, which=kind, channel=channel, near=near)
    found = {name: steps.at(place) for name, place in points.items()}
    about = About(
        model=seen.ready.model.name,
        source=seen.ready.model.source,
        image=seen.image.name,
        preprocessing=str(seen.ready.model.preprocessing),
        command="linearscope " + shlex.join(sys.argv[1:]),
        seconds=time.perf_counter() - start,
    )
    write_fields(found, seen.photos, seen.it.certificate, about, out, colours=cast("Colours", colours))
    for name, step in found.items():
        for field in (step.row, step.column):
            if field is not None:
                side = "input" if field.kind == "row" else "output"
                print(
                    f"{name}: {field.kind} {field.index}, 90 % of the energy within {field.radii[0.9]:.2f} {side} "
                    f"pixels, {field.far:.2%} far away"
                )
    print(f"The files are in {out.resolve()}")
