"""``linearscope tour IMAGE``: the whole account of one image, as a page; which account depends on the network."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from linearscope.cli.options import (
    Asked,
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
from linearscope.errors import InputError

if TYPE_CHECKING:
    from linearscope.analysis.tour_kind import TourKind

__all__ = ["tour"]

#: Options that only some kinds of networks take, by the name of their parameter.
LABELS_ONLY: Final = ("labels", "classes", "variant", "pool", "attack", "epsilon")
IMAGES_ONLY: Final = ("original", "at", "compare", "vectors", "crop")
ONLY: Final[dict[TourKind, tuple[str, ...]]] = {
    "classification": LABELS_ONLY,
    "super-resolution": (*IMAGES_ONLY, "downscale"),
    "image-to-image": (*IMAGES_ONLY, "noise"),
}


def tour(
    context: typer.Context,
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
    original: Annotated[
        Path | None, typer.Option("--original", help="What the network should make of the photo.", metavar="FILE")
    ] = None,
    downscale: Annotated[
        bool, typer.Option("--downscale", help="The photo is the original: make it small first (antialiased bicubic).")
    ] = False,
    noise: Annotated[
        float | None,
        typer.Option("--noise", help="The photo is the original: add noise of this deviation.", metavar="LEVELS"),
    ] = None,
    at: Annotated[
        list[str] | None, typer.Option("--at", help="Pixel to look at; can be repeated.", metavar="ROW,COLUMN")
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option("--compare", help="A network beside it; can be repeated.", metavar="MODEL[,WEIGHTS]"),
    ] = None,
    vectors: Annotated[int, typer.Option("-k", "--vectors", help="How many eigen-inputs.", metavar="K")] = 6,
    crop: Annotated[
        int, typer.Option("--crop", help="Side in pixels of the middle that is looked at; 0: all.", metavar="N")
    ] = 128,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the page.", metavar="DIR")] = Path(
        "linearscope-tour"
    ),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Explain what a network did on one photo: writes index.html, its figures and result.json.

    A network that gives labels, one that makes a larger image and one that makes an image of the same size get an
    account each of their own.
    """
    start = time.perf_counter()
    strength = epsilon_in_pixels(epsilon) if attack else None

    from linearscope.analysis import VARIANTS
    from linearscope.analysis.discussion import DEFAULT_VARIANT
    from linearscope.analysis.tour_kind import tour_kind
    from linearscope.cli.tour_images import ImageOptions, first_look, tour_images
    from linearscope.cli.tour_labels import tour_labels
    from linearscope.interpreter.plan import INTERPRETATIONS
    from linearscope.report import check_out

    choice("interpretation", interpretation, INTERPRETATIONS)
    variant = choice("variant of the discussion", variant or DEFAULT_VARIANT, tuple(VARIANTS))
    options = ImageOptions.checked(original, downscale, noise, at or [], compare or [], vectors, crop)
    check_out(out)
    ready = prepare(model, weights, preprocess, labels, output, device, dtype)
    program = first_look(ready, image, crop)
    kind = tour_kind(program.input_shape, program.output_shape)
    _refuse_others(context, kind, ready.model.name)
    asked = Asked(ready, image, interpretation, out, "linearscope " + shlex.join(sys.argv[1:]), start)
    if kind == "classification":
        page = tour_labels(asked, program, classes, variant, pool, strength)
    else:
        page = tour_images(asked, kind, program, options)
    print(f"The report is at {page.resolve()}")


def _refuse_others(context: typer.Context, kind: TourKind, model: str) -> None:
    """Refuse options that would do nothing for this kind of network."""
    from linearscope.analysis.tour_kind import TOUR_KINDS

    flags = {parameter.name: max(parameter.opts, key=len) for parameter in context.command.params}
    for name in dict.fromkeys(name for names in ONLY.values() for name in names):
        source = context.get_parameter_source(name)
        if name in ONLY[kind] or source is None or source.name != "COMMANDLINE":
            continue
        owners = " or ".join(does for one, does in TOUR_KINDS.items() if name in ONLY[one])
        raise InputError(f"{model} {TOUR_KINDS[kind]}, and {flags[name]} is for a network that {owners}. Leave it out.")
