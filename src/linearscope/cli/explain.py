"""``linearscope explain IMAGE``: attribution methods side by side on one image, as a page."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from linearscope.cli.explain_options import ALL, chosen_methods, layers_of, options_of, targets_of
from linearscope.cli.image_model import Crop, middle
from linearscope.cli.options import (
    Device,
    Dtype,
    Labels,
    Model,
    Output,
    Preprocess,
    Ready,
    Weights,
    choice,
    prepare,
)
from linearscope.errors import LinearscopeError

if TYPE_CHECKING:
    from torch import Tensor

    from linearscope.program import Program

__all__ = ["explain"]


def explain(
    image: Annotated[Path | None, typer.Argument(help="A photo; default: the bundled one.", metavar="[IMAGE]")] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", help=f"Names between commas, or {ALL!r} for all that apply.", metavar="A,B,C"),
    ] = None,
    model: Model = None,
    weights: Weights = None,
    preprocess: Preprocess = None,
    labels: Labels = None,
    output: Output = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target", help="A label, its index, or a place of the output; can be repeated.", metavar="LABEL|INDEX"
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", help="Feature map for methods that need one, or METHOD=NAME.", metavar="NAME"),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="Of a method, such as lrp-epsilon.epsilon=0.1.", metavar="KEY=VALUE"),
    ] = None,
    heatmap: Annotated[
        str | None,
        typer.Option("--heatmap", help="positive, magnitude or signed; default: each method's own.", metavar="KIND"),
    ] = None,
    crop: Crop = 128,
    layers: Annotated[bool, typer.Option("--layers", help="Print the feature maps that --layer takes.")] = False,
    methods: Annotated[bool, typer.Option("--methods", help="Print the methods and their options.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the page.", metavar="DIR")] = Path(
        "linearscope-explain"
    ),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Ask attribution methods which pixels made a score: writes index.html, its figures, values and result.json."""
    start = time.perf_counter()
    if methods:
        _print_methods()
        return

    from linearscope.attribution import Explainer, compare
    from linearscope.attribution.result import HEATMAPS
    from linearscope.models import default_image, find_label
    from linearscope.report import About, check_out
    from linearscope.report.explain import write_explain
    from linearscope.report.explain_words import check_line, target_name

    kind = next(one for one in (*HEATMAPS, None) if one == heatmap) if heatmap in HEATMAPS else None
    if heatmap is not None:
        choice("kind of heat map", heatmap, HEATMAPS)
    names, named = chosen_methods(method)
    read_at = layers_of(layer or [], names)
    given = options_of(option or [], names)
    if not layers:
        check_out(out)
    ready = prepare(model, weights, preprocess, labels, output, device, dtype)
    path = image or default_image()
    tensor, program, notes = _shown(ready, path, crop)
    explainer = Explainer(program, tensor, bounds=ready.bounds)
    if layers:
        _print_layers(explainer.layers.items())
        return
    for name in read_at.values():
        explainer.spatial(name)
    shape = program.output_shape[1:]
    known = ready.names(shape[0]) if len(shape) == 1 else None
    asked = targets_of(target or [], shape, lambda text: find_label(known, text, classes=shape[0]), len(shape) == 1)
    found = compare(explainer, tensor, asked, methods=names, layers=read_at, options=given, kind=kind, strict=named)
    about = About(
        model=ready.model.name,
        source=ready.model.source,
        image=path.name,
        preprocessing=str(ready.model.preprocessing),
        display=ready.model.preprocessing.display,
        labels=known,
        command="linearscope " + shlex.join(sys.argv[1:]),
        seconds=time.perf_counter() - start,
        notes=tuple(notes),
    )
    page = write_explain(found, about, out)
    for number, (one, score) in enumerate(zip(found.targets, found.scores, strict=True)):
        print(f"{target_name(found, one, about)}: score {score:.3f}")
        for answer in found.answers:
            print(f"  {answer.method.name}: {check_line(answer, number)}")
    for name, reason in found.left_out.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    print(f"The report is at {page.resolve()}")


def _shown(ready: Ready, path: Path, crop: int) -> tuple[Tensor, Program, list[str]]:
    """The photo and the Program for it; of a network that makes an image, the photo's middle."""
    part, notes = middle(ready, path, crop)
    if notes and ready.model.labels is None:
        try:
            program = ready.capture(part)
            if len(program.output_shape) == 4:
                return part, program, notes
        except LinearscopeError:
            pass  # what is wrong, if anything is, will be said of the whole photo
    tensor = ready.tensor(path)
    return tensor, ready.capture(tensor), []


def _print_methods() -> None:
    from linearscope.attribution import METHODS
    from linearscope.cli.tables import print_table

    print_table(
        ("--method", "what it is", "source", "family", "--layer", "--option"),
        [
            (
                one.name,
                one.title,
                one.source,
                one.family,
                {"yes": "needs one", "may": "may read one"}.get(one.layer, ""),
                "; ".join(f"{name}: {means}" for name, means in one.options.items()),
            )
            for one in METHODS.values()
        ],
    )


def _print_layers(layers: Iterable[tuple[str, tuple[int, ...]]]) -> None:
    from linearscope.cli.tables import print_table

    print_table(
        ("--layer", "channels", "height x width"),
        [(name, str(shape[0]), f"{shape[1]} x {shape[2]}") for name, shape in layers],
    )
