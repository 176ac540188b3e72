"""``linearscope walk IMAGE``: the video of a walk over an image, with the row and the column of F at every step."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from linearscope.cli.image_model import Channel, ImageModel, Near, look, point
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
)
from linearscope.errors import InputError

if TYPE_CHECKING:
    from linearscope.analysis.fields import Field, Kind
    from linearscope.report.field_pictures import Colours

__all__ = ["walk"]

FASTEST: Final = 60.0
LONGEST: Final = 3600.0
KEY: Final = "key.json"


def walk(
    image: Annotated[Path | None, typer.Argument(help="A photo; default: the bundled one.", metavar="[IMAGE]")] = None,
    model: Model = None,
    weights: Weights = None,
    preprocess: Preprocess = None,
    output: Output = None,
    path: Annotated[
        str | None,
        typer.Option(
            "--path",
            help="Pixels of the input to walk to, such as '10,10 40,60'; default: over flat, edge, corner, texture.",
            metavar="'R,C R,C ...'",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="How long the video is.")] = 20.0,
    fps: Annotated[float, typer.Option("--fps", help="Frames, and steps, a second.")] = 10.0,
    size: Annotated[int, typer.Option("--size", help="Height of the video in pixels; it is 16:9.")] = 720,
    kind: Annotated[str, typer.Option("--kind", help="row, column or both.", metavar="KIND")] = "both",
    channel: Channel = None,
    near: Near = None,
    colours: Annotated[
        str, typer.Option("--colours", help="signed: sum of the channels. colour: channels around grey.")
    ] = "signed",
    lossless: Annotated[
        bool, typer.Option("--lossless", help="Without any loss, for players that can show H.264 in RGB.")
    ] = False,
    interpretation: Interpretation = "freeze",
    out: Annotated[Path, typer.Option("--out", "-o", help="The video.", metavar="FILE.mp4")] = Path("walk.mp4"),
    device: Device = "cpu",
    dtype: Dtype = "float32",
) -> None:
    """Film a walk over an image: the network, its input and output, the row and the column of F, with subtitles.

    Interrupted, the same command goes on where it stopped.
    """
    from linearscope.analysis.walk import WHICH, Steps, default_path, positions
    from linearscope.analysis.walk import walk as walk_along
    from linearscope.interpreter.plan import INTERPRETATIONS
    from linearscope.report.field_pictures import COLOURS
    from linearscope.report.video import check_video
    from linearscope.report.walk import check_height, write_walk

    choice("interpretation", interpretation, INTERPRETATIONS)
    choice("kind", kind, WHICH)
    choice("kind of colours", colours, COLOURS)
    count = _frames(seconds, fps)
    check_height(size)
    waypoints = None if path is None else [point(text, "--path") for text in path.split()]
    check_video(out)
    seen = look(image, model, weights, preprocess, output, interpretation, device, dtype)
    waypoints = waypoints if waypoints is not None else list(default_path(seen.it))
    positions(waypoints, seen.it.input_shape, count)
    kept = out.parent / f".{out.name}.fields"
    steps = Steps(seen.it, which=kind, channel=channel, find=_remembering(seen, kept, interpretation, near))
    try:
        found = walk_along(steps, waypoints, count)
        names = seen.ready.model.name, seen.image.name
        spoken = write_walk(
            found,
            seen.photos,
            out,
            fps=fps,
            names=names,
            height=size,
            colours=cast("Colours", colours),
            lossless=lossless,
        )
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on where it stopped.", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    shutil.rmtree(kept, ignore_errors=True)
    print(f"{count} frames, at {len(found.places)} places. The video is {out.resolve()}")
    print(f"Its subtitles are also in {spoken.resolve()}")


def _frames(seconds: float, fps: float) -> int:
    if not (isfinite(fps) and 0 < fps <= FASTEST):
        raise InputError(f"--fps is {fps:g}. Give a number above 0 and at most {FASTEST:g}, such as 10.")
    if not (isfinite(seconds) and 0 < seconds <= LONGEST):
        raise InputError(f"--seconds is {seconds:g}. Give a number above 0 and at most {LONGEST:g}, such as 20.")
    if round(seconds * fps) < 2:
        raise InputError(f"{seconds:g} seconds of {fps:g} frames are no walk. Give more --seconds or more --fps.")
    return round(seconds * fps)


def _remembering(
    seen: ImageModel, folder: Path, interpretation: str, near: int | None
) -> Callable[[tuple[int, ...], Kind], Field]:
    """Rows and columns, kept in a folder so that an interrupted walk goes on; those of another walk are removed."""
    from linearscope.analysis.fields import fields
    from linearscope.program import fingerprint
    from linearscope.report.field_files import read_field, write_field

    key = {
        "schema": "linearscope.walk/1",
        "network": seen.it.program.fingerprint(),
        "image": fingerprint([seen.it.image]),
        "interpretation": interpretation,
        "near": near,
    }
    if folder.exists() and _key(folder) != key:
        if _key(folder) is None:
            raise InputError(f"{folder} is not of a walk. Remove it, or choose another --out.")
        shutil.rmtree(folder)
    known = set(folder.glob("*.npz")) if folder.exists() else set()

    def find(index: tuple[int, ...], kind: Kind) -> Field:
        path = folder / f"{kind}-{'-'.join(map(str, index))}.npz"
        if path in known:
            return read_field(path)
        field = fields(seen.it, index, kind, near=near)
        if not folder.exists():
            begun = folder.with_suffix(".part")
            begun.mkdir(exist_ok=True)
            (begun / KEY).write_text(json.dumps(key), encoding="utf-8")
            begun.replace(folder)
        write_field(path, field)
        return field

    return find


def _key(folder: Path) -> object:
    try:
        found = json.loads((folder / KEY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("schema") == "linearscope.walk/1" else None
