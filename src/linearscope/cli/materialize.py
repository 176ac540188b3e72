"""``linearscope materialize [IMAGE]``: all of F, as a file for SciPy or a store on disk."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from linearscope.cli.image_model import Crop, middle
from linearscope.cli.options import (
    INTERRUPTED,
    Device,
    Dtype,
    Interpretation,
    Model,
    Output,
    Preprocess,
    Weights,
    choice,
    prepare,
)
from linearscope.errors import InputError

__all__ = ["materialize", "read_bytes"]

#: The upscaler of four layers.
DEFAULT: Final = "espcn_x2"

_UNITS: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def materialize(
    image: Annotated[Path | None, typer.Argument(help="A photo; default: the bundled one.", metavar="[IMAGE]")] = None,
    model: Model = None,
    weights: Weights = None,
    preprocess: Preprocess = None,
    output: Output = None,
    mode: Annotated[
        str, typer.Option("--mode", help="exact, or effective: only where measured decay says F is large.")
    ] = "exact",
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="Relative error that effective mode aims at.", metavar="SHARE")
    ] = 1e-3,
    rows: Annotated[
        bool | None, typer.Option("--rows/--columns", help="What to probe; default: whichever is faster.")
    ] = None,
    limit: Annotated[
        str, typer.Option("--limit", help="Memory for one SciPy file; a larger F stays a store.", metavar="SIZE")
    ] = "2GB",
    crop: Crop = 64,
    estimate_only: Annotated[
        bool, typer.Option("--estimate", help="Only say what it would take.", show_default=False)
    ] = False,
    interpretation: Interpretation = "freeze",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the matrix.", metavar="DIR")] = Path(
        "linearscope-matrix"
    ),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Write the whole matrix F of a network on one photo.

    Interrupted, the same command goes on where it stopped.
    """
    allowed = read_bytes(limit)

    from linearscope.analysis import estimate
    from linearscope.analysis import materialize as make
    from linearscope.analysis.matrix_plan import MODES
    from linearscope.interpreter import interpret
    from linearscope.interpreter.plan import INTERPRETATIONS
    from linearscope.models import default_image
    from linearscope.report import About
    from linearscope.report.matrix import STORE, check_matrix_out, write_matrix

    choice("interpretation", interpretation, INTERPRETATIONS)
    choice("mode", mode, MODES)
    check_matrix_out(out)
    ready = prepare(model or DEFAULT, weights, preprocess, None, output, device, dtype)
    path = image or default_image()
    tensor, notes = middle(ready, path, crop)
    for note in notes:
        print(note, file=sys.stderr)
    it = interpret(ready.capture(tensor), tensor, interpretation=interpretation)
    kind = "auto" if rows is None else "rows" if rows else "columns"
    store = out / STORE
    plan = estimate(it, mode=mode, kind=kind, tolerance=tolerance, out=store)
    print(plan, flush=True)
    if estimate_only:
        return
    try:
        made = make(it, mode=mode, tolerance=tolerance, out=store, plan=plan)
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on where it stopped.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    about = About(
        model=ready.model.name,
        source=ready.model.source,
        image=path.name,
        preprocessing=str(ready.model.preprocessing),
        command="linearscope " + shlex.join(sys.argv[1:]),
        seconds=made.seconds,
        notes=tuple(notes),
    )
    matrix = write_matrix(made, it.certificate, about, out, sparse=plan.memory_bytes <= allowed)
    print(f"Products with random inputs differ from the network's by {made.error:.1e} of their size.")
    if made.aliasing is not None:
        print(
            f"F differs by at most {made.aliasing.bound:.1e} of its size (with probability "
            f"{made.aliasing.confidence:g}; most likely by {made.aliasing.estimate:.1e})."
        )
    print(f"The matrix is {matrix.resolve()}")


def read_bytes(text: str) -> int:
    """Read a size such as ``500MB`` or ``2GB``.

    Examples
    --------
    >>> read_bytes("1.5 GB")
    1500000000
    """
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([kKMGT]?B?)\s*", text, re.ASCII)
    unit = found[2].upper() if found else ""
    if found is None or (unit and not unit.endswith("B")):
        raise InputError(f"{text!r} is no size. Write a number with kB, MB or GB, such as --limit 2GB.")
    return int(float(found[1]) * _UNITS[unit])
