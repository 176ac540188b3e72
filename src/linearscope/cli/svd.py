"""``linearscope svd IMAGE``: the largest singular values of F and their vectors, as pictures, arrays and numbers."""

from __future__ import annotations

import shlex
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from linearscope.cli.image_model import Crop, middle
from linearscope.cli.options import (
    INTERRUPTED,
    Device,
    Dtype,
    Interpretation,
    Labels,
    Model,
    Output,
    Preprocess,
    Weights,
    choice,
    prepare,
)

if TYPE_CHECKING:
    pass

__all__ = ["svd"]

DEFAULT: Final = "edsr_small_x2"


def svd(
    image: Annotated[Path | None, typer.Argument(help="A photo; default: the bundled one.", metavar="[IMAGE]")] = None,
    model: Model = None,
    weights: Weights = None,
    preprocess: Preprocess = None,
    labels: Labels = None,
    output: Output = None,
    vectors: Annotated[int, typer.Option("-k", "--vectors", help="How many singular values.", metavar="K")] = 8,
    tol: Annotated[float, typer.Option("--tol", help="Residual divided by the largest singular value.")] = 1e-6,
    method: Annotated[
        str, typer.Option("--method", help="gkl; or algorithm1, arpack, propack to compare with.", metavar="NAME")
    ] = "gkl",
    seed: Annotated[int, typer.Option("--seed", help="Of the random start.", metavar="N")] = 0,
    products: Annotated[
        int | None, typer.Option("--max-products", help="Products with F after which to give up.", metavar="N")
    ] = None,
    crop: Crop = 64,
    interpretation: Interpretation = "freeze",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.", metavar="DIR")] = Path(
        "linearscope-svd"
    ),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Find what a network passes on most strongly from one photo: the first singular vectors of F.

    Interrupted, it writes those that have been found.
    """
    start = time.perf_counter()

    from linearscope.analysis.svd import METHODS, SVDInterrupted
    from linearscope.analysis.svd import svd as find
    from linearscope.interpreter import interpret
    from linearscope.interpreter.plan import INTERPRETATIONS
    from linearscope.models import default_image
    from linearscope.report import About, check_out
    from linearscope.report.svd import write_svd

    choice("interpretation", interpretation, INTERPRETATIONS)
    choice("method", method, tuple(METHODS))
    check_out(out)
    ready = prepare(model or DEFAULT, weights, preprocess, labels, output, device, dtype)
    path = image or default_image()
    tensor, notes = middle(ready, path, crop)
    it = interpret(ready.capture(tensor), tensor, interpretation=interpretation)
    stopped = False
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = find(it, vectors, tol=tol, method=method, seed=seed, max_products=products)
        except SVDInterrupted as interrupted:
            found, stopped = interrupted.found, True
    notes += [str(one.message) for one in said]
    if stopped:
        count = len(found.singular_values)
        notes.append(f"Interrupted after {found.products} products: {count} of {vectors} triplets had converged.")
        if not count:
            print(f"{notes[-1]} Nothing is written.", file=sys.stderr)
            raise typer.Exit(INTERRUPTED)
    about = About(
        model=ready.model.name,
        source=ready.model.source,
        image=path.name,
        preprocessing=str(ready.model.preprocessing),
        labels=ready.model.labels,
        command="linearscope " + shlex.join(sys.argv[1:]),
        seconds=time.perf_counter() - start,
        notes=tuple(notes),
    )
    names = ready.names(it.shape[0]) if len(it.output_shape) == 1 else None
    write_svd(found, it.certificate, about, out, names=names)
    for i, (value, residual) in enumerate(zip(found.singular_values, found.residuals, strict=True), 1):
        print(f"{i:3d}  {float(value):12.6g}  residual {float(residual):.1e}")
    for note in notes:
        print(note, file=sys.stderr)
    print(f"{found.products} products, {found.seconds:.1f} s. The files are in {out.resolve()}")
    if stopped:
        raise typer.Exit(INTERRUPTED)
