"""``linearscope tour IMAGE``: the whole account of one image, as a page."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from linearscope.cli.options import (
    Device,
    Dtype,
    Epsilon,
    Interpretation,
    Labels,
    Model,
    Output,
    Preprocess,
    Weights,
    choice,
    epsilon_in_pixels,
    prepare,
)

__all__ = ["tour"]


def tour(
    image: Annotated[Path | None, typer.Argument(help="A photo; default: the bundled one.", metavar="[IMAGE]")] = None,
    model: Model = None,
    weights: Weights = None,
    preprocess: Preprocess = None,
    labels: Labels = None,
    output: Output = None,
    classes: Annotated[
        str | None,
        typer.Option("--classes", help="Names or indices between commas; default: the top three.", metavar="LIST"),
    ] = None,
    interpretation: Interpretation = "freeze",
    variant: Annotated[
        str | None, typer.Option("--variant", help="Definition of the pixel discussion.", metavar="NAME")
    ] = None,
    pool: Annotated[
        int, typer.Option("--pool", help="Side in pixels of the neighbourhoods that vote together; odd.", metavar="N")
    ] = 1,
    attack: Annotated[bool, typer.Option("--attack/--no-attack", help="Explain again after an attack (FGSM).")] = True,
    epsilon: Epsilon = 2.0,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the page.", metavar="DIR")] = Path(
        "linearscope-tour"
    ),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Explain why a classifier gave its scores on one photo: writes index.html, its figures and result.json."""
    start = time.perf_counter()
    strength = epsilon_in_pixels(epsilon) if attack else None

    from linearscope.analysis import VARIANTS, tour_classification
    from linearscope.analysis.discussion import DEFAULT_VARIANT
    from linearscope.interpreter.plan import INTERPRETATIONS
    from linearscope.models import default_image, find_label
    from linearscope.report import About, check_out, write_tour

    choice("interpretation", interpretation, INTERPRETATIONS)
    variant = choice("variant of the discussion", variant or DEFAULT_VARIANT, tuple(VARIANTS))
    check_out(out)
    ready = prepare(model, weights, preprocess, labels, output, device, dtype)
    path = image or default_image()
    tensor = ready.tensor(path)
    program = ready.capture(tensor)
    count = program.output_shape[-1]
    names = ready.names(count)
    shown = None
    if classes is not None:
        shown = list(dict.fromkeys(find_label(names, name, classes=count) for name in classes.split(",")))
    result = tour_classification(
        program,
        tensor,
        labels=shown,
        interpretation=interpretation,
        variant=variant,
        pool=pool,
        epsilon=strength,
        lower=ready.bounds[0],
        upper=ready.bounds[1],
    )
    about = About(
        model=ready.model.name,
        source=ready.model.source,
        image=path.name,
        preprocessing=str(ready.model.preprocessing),
        display=ready.model.preprocessing.display,
        labels=names,
        command="linearscope " + shlex.join(sys.argv[1:]),
        seconds=time.perf_counter() - start,
    )
    page = write_tour(result, about, out)
    for label in result.before.shown:
        name = names[label] if names else f"label {label}"
        print(
            f"{name}: score {float(result.before.scores[label]):.3f}, {float(result.before.probabilities[label]):.1%}"
        )
    print(f"The report is at {page.resolve()}")
