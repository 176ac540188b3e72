"""``linearscope contributions DIR``: residual and layer shares over a folder of images."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from linearscope.cli.options import (
    Device,
    Dtype,
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
    epsilon: Annotated[
        float | None,
        typer.Option("--attack", help="Attack every image first (FGSM), this many 8-bit levels.", metavar="LEVELS"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the page and the records.", metavar="DIR")] = Path(
        "linearscope-contributions"
    ),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Measure over a folder how much of the top score is made by the image and how much by every layer's constants.

    Interrupted, the same command goes on where it stopped.
    """
    strength = epsilon_in_pixels(epsilon) if epsilon is not None else None

    from linearscope.interpreter.plan import INTERPRETATIONS
    from linearscope.report import write_statistics
    from linearscope.sweep import Sweep, fingerprint, image_files

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
        labels=ready.model.labels,
    )
    records, skipped = sweep.run(files)
    page = write_statistics(
        records,
        skipped,
        out,
        model=ready.model.name,
        source=ready.model.source,
        folder=folder.name or str(folder),
        command="linearscope " + shlex.join(sys.argv[1:]),
        epsilon=strength,
    )
    for name, reason in skipped:
        print(f"Skipped {name}: {reason}", file=sys.stderr)
    print(f"{len(records)} images, {len(skipped)} skipped. The report is at {page.resolve()}")
