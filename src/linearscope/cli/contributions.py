"""``linearscope contributions DIR``: residual and layer shares over a folder of images."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from linearscope.cli.options import (
    INTERRUPTED,
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

__all__ = ["contributions"]


def contributions(
    folder: Annotated[Path, typer.Argument(help="A folder of images.", metavar="DIR")],
    model: Model = None,
    weights: Weights = None,
    preprocess: Preprocess = None,
    labels: Labels = None,
    output: Output = None,
    interpretation: Interpretation = "freeze",
    attack: Annotated[bool, typer.Option("--attack/--no-attack", help="Attack every image first (FGSM).")] = False,
    epsilon: Epsilon = 2.0,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the page and the records.", metavar="DIR")
    ] = Path("linearscope-contributions"),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Measure over a folder how much of the top score is made by the image and how much by every layer's constants.

    Interrupted, the same command goes on where it stopped.
    """
    strength = epsilon_in_pixels(epsilon) if attack else None

    from linearscope.analysis.statistics import summarise
    from linearscope.interpreter.plan import INTERPRETATIONS
    from linearscope.program import fingerprint
    from linearscope.report import About, write_statistics
    from linearscope.sweep import Sweep, image_files

    choice("interpretation", interpretation, INTERPRETATIONS)
    files = image_files(folder)
    ready = prepare(model, weights, preprocess, labels, output, device, dtype)
    sweep = Sweep(
        out,
        settings={
            "model": ready.model.name,
            "weights": fingerprint(ready.tensors),
            "preprocessing": str(ready.model.preprocessing),
            "interpretation": interpretation,
            "attack": strength,
            "dtype": dtype,
            "output": output,
        },
        capture=ready.capture,
        read=ready.tensor,
        interpretation=interpretation,
        epsilon=strength,
        bounds=ready.bounds,
        names=ready.names,
    )
    try:
        records, skipped = sweep.run(files)
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on where it stopped.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    notes = [f"{name} was skipped: {reason}" for name, reason in skipped]
    if strength is not None:
        notes.insert(0, f"Every image was attacked first (FGSM, {epsilon:g} pixel levels).")
    about = About(
        model=ready.model.name,
        image=folder.name or str(folder),
        source=ready.model.source,
        preprocessing=str(ready.model.preprocessing),
        labels=ready.model.labels,
        command="linearscope " + shlex.join(sys.argv[1:]),
        notes=tuple(notes),
    )
    page = write_statistics(summarise(records), about, out / "report")
    for name, reason in skipped:
        print(f"Skipped {name}: {reason}", file=sys.stderr)
    print(f"{len(records)} images, {len(skipped)} skipped. The report is at {page.resolve()}")
