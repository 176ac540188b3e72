"""``linearscope evaluate DATA``: how good the explanations of several methods are, measured and as a page."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from linearscope.cli.evaluate_options import asked_methods, asked_metrics
from linearscope.cli.explain_options import ALL
from linearscope.cli.options import (
    INTERRUPTED,
    Device,
    Dtype,
    Labels,
    Model,
    Output,
    Preprocess,
    Weights,
    prepare,
)
from linearscope.errors import InputError

__all__ = ["evaluate"]

#: The bundled network for each data set that is rendered.
TRAINED = {"an8flower-single-6c": "an8flower_6c", "an8flower-double-12c": "an8flower_12c"}


def evaluate(
    data: Annotated[
        str | None,
        typer.Argument(
            help="A folder with images/ and masks/, or an8flower-single-6c, an8flower-double-12c.", metavar="DATA"
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option("--methods", help=f"Names between commas, METHOD@WORD for variants, or {ALL!r}.", metavar="A,B,C"),
    ] = None,
    metrics: Annotated[
        str | None, typer.Option("--metrics", help="Names between commas; default: all that apply.", metavar="A,B,C")
    ] = None,
    model: Model = None,
    weights: Weights = None,
    preprocess: Preprocess = None,
    labels: Labels = None,
    output: Output = None,
    count: Annotated[int | None, typer.Option("--count", help="How many images.", metavar="N")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the images and of the random baseline.", metavar="N")] = 0,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="Of a method or metric, such as occlusion.window=8.", metavar="KEY=VALUE"),
    ] = None,
    units: Annotated[
        Path | None, typer.Option("--units", help="For relevant-units: a file of them.", metavar="FILE")
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", help="Feature map for methods that need one, or METHOD=NAME.", metavar="NAME"),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", help="Compare all with this method; default: with the best.", metavar="METHOD"),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", help="Images asked about together, 1 to 16.", metavar="N")] = 16,
    list_: Annotated[bool, typer.Option("--list", help="Print the metrics and their options.")] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the records and the page.", metavar="DIR")
    ] = Path("linearscope-evaluate"),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Measure how good explanations are: methods by metrics over a data set, with intervals and baselines.

    Interrupted, the same command goes on where it stopped.
    """
    if list_:
        _print_metrics()
        return
    if data is None:
        raise InputError(f"No data is named. Give a folder with images/ and masks/, or one of {', '.join(TRAINED)}.")
    if not 1 <= batch <= 16:
        raise InputError(f"--batch is {batch}. Give 1 to 16 images.")
    if seed < 0:
        raise InputError(f"--seed is {seed}. Give 0 or more.")
    asked, named = asked_methods(methods, layer or [], option or [], None if units is None else str(units))

    from importlib.metadata import version

    from linearscope.attribution import Explainer
    from linearscope.evaluation.data import read_data
    from linearscope.evaluation.metrics import METRICS
    from linearscope.evaluation.protocol import evaluate as run
    from linearscope.evaluation.protocol import refusals
    from linearscope.models.files import readable_file
    from linearscope.program import fingerprint
    from linearscope.report import About
    from linearscope.report.evaluate import write_evaluation
    from linearscope.report.evaluate_words import lines

    asked_metrics(metrics, option or [], list(METRICS))
    if units is not None:
        readable_file(units, "Give the file units.npz that linearscope relevant wrote.")
    ready = prepare(model or TRAINED.get(data), weights, preprocess, labels, output, device, dtype)
    wanted = metrics is None or any(
        "masks" in METRICS[name.strip()].needs for name in metrics.split(",") if name.strip() in METRICS
    )
    found = read_data(data, ready.model.preprocessing, count=count, seed=seed, masks=wanted)
    tensors = found.on(ready.bounds[0].device, ready.bounds[0].dtype)
    program = ready.model.module if not isinstance(ready.model.module, Path) else ready.capture(tensors.images[:1])
    explainer = Explainer(program, tensors.images[:batch], output=ready.model.output, bounds=ready.bounds)
    refused = refusals(explainer, tensors.masks is not None)
    chosen = asked_metrics(metrics, option or [], [name for name in METRICS if name not in refused])
    names = ready.names(explainer.outputs)
    settings = {
        "version": version("linearscope"),
        "model": ready.model.name,
        "weights": fingerprint(ready.tensors),
        "preprocessing": str(ready.model.preprocessing),
        "dtype": dtype,
        "output": output,
    }
    try:
        result = run(
            explainer, tensors, asked, chosen, classes=names, against=against, strict=named, out=out,
            settings=settings, seed=seed,
        )  # fmt: skip
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on where it stopped.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    about = About(
        model=ready.model.name,
        image=found.name,
        source=ready.model.source,
        preprocessing=str(ready.model.preprocessing),
        display=ready.model.preprocessing.display,
        labels=names,
        command="linearscope " + shlex.join(sys.argv[1:]),
    )
    page = write_evaluation(result, about, out / "report")
    for line in lines(result):
        print(line)
    for name, reason in result.left_out.items():
        print(f"{name} is left out: {reason}", file=sys.stderr)
    print(f"The report is at {page.resolve()}")


def _print_metrics() -> None:
    from linearscope.cli.tables import print_table
    from linearscope.evaluation.baselines import BASELINES
    from linearscope.evaluation.metrics import METRICS, NEEDS

    print_table(
        ("--metrics", "what it is", "better", "source", "needs", "--option"),
        [
            (
                one.name,
                one.asks,
                one.better,
                one.source,
                "; ".join(NEEDS[need] for need in one.needs),
                "; ".join(f"{name}: {means}" for name, means in one.options.items()),
            )
            for one in METRICS.values()
        ],
    )
    print("\nBaselines, always measured: " + "; ".join(f"{one.name}, {one.title}" for one in BASELINES.values()))
