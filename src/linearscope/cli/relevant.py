"""``linearscope relevant DIR``: which few channels of a network tell the classes of a data set."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from linearscope.cli.options import (
    INTERRUPTED,
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
from linearscope.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from linearscope.attribution import Explainer

__all__ = ["relevant"]

#: Model of a built-in data set, unless another is named.
_MODELS: Final = {"an8flower-single-6c": "an8flower_6c", "an8flower-double-12c": "an8flower_12c"}
#: Classes shown with pictures; all are in the table.
_PICTURED: Final = 24
#: Images of a class below which the page says that they are few.
_FEW: Final = 20
#: Images that go through together.
_BATCH: Final = 16


def relevant(
    data: Annotated[
        str,
        typer.Argument(
            help="A folder with one sub-folder a class, or an8flower-single-6c or -double-12c.", metavar="DIR"
        ),
    ],
    model: Model = None,
    weights: Weights = None,
    preprocess: Preprocess = None,
    labels: Labels = None,
    output: Output = None,
    mu: Annotated[
        float, typer.Option("--mu", help="The sizes of a class's weights sum to at most this.", metavar="NUMBER")
    ] = 10.0,
    score: Annotated[
        str,
        typer.Option("--score", help="squared: the sum of squares of a unit's map; norm: its root.", metavar="NAME"),
    ] = "squared",
    layer: Annotated[
        list[str] | None,
        typer.Option(
            "--layer", help="Score this layer; can be repeated. Default: all that have channels.", metavar="NAME"
        ),
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", help="Images, the same of each class; default: all.", metavar="N")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of that choice, or of what is rendered.", metavar="N")] = 0,
    top: Annotated[int, typer.Option("--top", help="Units shown of each class.", metavar="N")] = 4,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the page and the scores.", metavar="DIR")] = Path(
        "linearscope-relevant"
    ),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Find the units that tell classes apart, and show what excites them.

    Interrupted, the same command goes on where it stopped; with another --mu the scores are used again.
    """
    start = time.perf_counter()

    from linearscope.concepts import UnitScorer, find_units, unit_patches
    from linearscope.concepts.relevant_units import check_mu
    from linearscope.concepts.unit_scores import SCORES
    from linearscope.program import fingerprint
    from linearscope.report import About
    from linearscope.report.relevant import write_relevant
    from linearscope.sweep import UnitSweep, labelled_images

    check_mu(mu)
    choice("score of units", score, SCORES)
    if top < 1:
        raise InputError(f"--top is {top}. Give 1 or more.")
    ready = prepare(model or _MODELS.get(data), weights, preprocess, labels, output, device, dtype)
    images = labelled_images(data, count=count, seed=seed, side=_side(ready))

    def read(number: int) -> Tensor:
        return ready.model.preprocessing(images.photo(number)).to(ready.bounds[0])

    explainer = _explainer(ready, read(0))
    names = ready.names(explainer.outputs)
    classes, matched = images.labels(names, explainer.outputs)
    scorer = UnitScorer(explainer.program, layer, "squared" if score == "squared" else "norm")
    sweep = UnitSweep(
        out,
        settings={
            "model": ready.model.name,
            "weights": fingerprint(ready.tensors),
            "preprocessing": str(ready.model.preprocessing),
            "score": score,
            "dtype": dtype,
            "output": output,
            "data": images.name,
        },
        scorer=scorer,
        read=read,
    )
    try:
        scored = sweep.run(images)
        truth = [classes[i] for i in scored.numbers]
        found = find_units(scored.scores, truth, scorer.channels, mu=mu, score=score, names=names)
        pictured = found.classes[:_PICTURED]
        chosen = [one[:2] for c in pictured for one in found.of_class(c, top) if one.weight > 0]
        patches = unit_patches(explainer, lambda i: read(scored.numbers[i])[0], found, chosen)
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on where it stopped.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    notes = [*matched, *(f"{name} was skipped: {reason}" for name, reason in scored.skipped)]
    if len(found.classes) > _PICTURED:
        notes.append(f"The first {_PICTURED} classes are shown with pictures; the table has all of them.")
    least = int(min(found.counts))
    if least < _FEW:
        few = f"Some class has {least} images: with fewer than {_FEW}, units may tell these images and no classes."
        matched = (*matched, few)
        notes.insert(0, few)
    right = sum(int(a) == b for a, b in zip(scored.predicted.tolist(), truth, strict=True)) / len(truth)
    about = About(
        model=ready.model.name,
        image=images.name,
        source=ready.model.source,
        preprocessing=str(ready.model.preprocessing),
        display=ready.model.preprocessing.display,
        labels=names,
        command="linearscope " + shlex.join(sys.argv[1:]),
        seconds=time.perf_counter() - start,
        notes=tuple(notes),
    )
    page = write_relevant(
        found, patches, lambda i: read(scored.numbers[i])[0], truth, right, about, out / "report", top=top
    )
    for name, reason in scored.skipped:
        print(f"Skipped {name}: {reason}", file=sys.stderr)
    for note in matched:
        print(note, file=sys.stderr)
    for c in found.classes[:_PICTURED]:
        best = ", ".join(f"{one.layer} {one.channel} ({one.weight:+.2f})" for one in found.of_class(c, 3))
        print(f"{found.name(c)}: {best}")
    print(
        f"{len(found.identified())} of {len(found.units)} units tell {len(found.classes)} classes apart, on "
        f"{len(truth)} images. The report is at {page.resolve()}"
    )


def _explainer(ready: Ready, image: Tensor) -> Explainer:
    """The model for batches of images like one; a .pt2 file for the batch that it was made for."""
    from torch import nn

    from linearscope.attribution import Explainer

    module = ready.model.module
    if isinstance(module, nn.Module):
        return Explainer(module, image.repeat(_BATCH, 1, 1, 1), output=ready.model.output)
    return Explainer(ready.capture(image), image)


def _side(ready: Ready) -> int:
    """Side of rendered images: what the model is shown."""
    size = ready.model.preprocessing.resize or ready.model.preprocessing.crop or 64
    return max(32, size if isinstance(size, int) else max(size))
