"""What a subject is asked: one row or column, pictures, scores and their sums, discussions. Called by the queue."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from linearscope.analysis import contributions, discussion, fields, share_maps
from linearscope.analysis.discussion import VARIANTS
from linearscope.analysis.fields import NEAR
from linearscope.errors import InputError, UnknownNameError
from linearscope.studio.packets import Arrays
from linearscope.studio.schema import ContributionsInfo, LayerShare, Score
from linearscope.studio.subject import Subject, timed

__all__ = [
    "LISTED",
    "Told",
    "contribution_sums",
    "field",
    "images_only",
    "labels_only",
    "layer_map",
    "output",
    "pictures",
    "scores",
    "spread",
]

#: A header and its arrays.
Told = tuple[dict[str, Any], Arrays]
#: What to do about a name that is not there.
LISTED = "Choose one that the page offers, which GET /api/studio lists."
#: Targets that are asked about together.
TARGETS = 16


def field(subject: Subject, kind: Literal["row", "column"], channel: int | None, row: int, column: int) -> Told:
    """One row or column of F, or the sum over the channels of a pixel, in its window."""
    images_only(subject, "The flashlight")
    shape = subject.it.output_shape if kind == "row" else subject.it.input_shape
    within("channel", channel, shape[0])
    within("row", row, shape[1])
    within("column", column, shape[2])
    found, seconds = timed(lambda: fields(subject.it, (channel, row, column), kind))
    header = {
        "kind": kind,
        "channel": channel,
        "row": row,
        "column": column,
        "shape": found.shape,
        "start": found.start,
        "point": found.point,
        "energy": found.energy,
        "radii": found.radii,
        "centroid": found.centroid,
        "orientation": found.orientation,
        "frequency": found.frequency,
        "far": found.far,
        "near": NEAR,
        "seconds": seconds,
    }
    return header, {"values": found.values}


def pictures(subject: Subject) -> Told:
    """The photo as the network sees it, and the image it makes."""
    return {}, subject.pictures


def output(subject: Subject) -> Told:
    """y, and r of y = F x + r."""
    images_only(subject, "An output picture")
    return {}, {"output": subject.it.output[0], "residual": subject.it.residual[0]}


def scores(subject: Subject) -> list[Score]:
    """All scores by index."""
    labels_only(subject, "A list of scores")
    values = subject.it.output.flatten().tolist()
    return [Score(index=i, name=subject.name(i), score=value) for i, value in enumerate(values)]


def contribution_sums(subject: Subject, targets: list[int]) -> list[ContributionsInfo]:
    """Scores as sums of the pixels' share and every layer's."""
    labels_only(subject, "A sum of shares")
    several(subject, targets)
    found = []
    for target, one in zip(targets, contributions(subject.it, list(targets)), strict=True):
        maps = _maps(subject, target)
        layers = [LayerShare(layer=name, share=share, map=name in maps) for name, share in one.layers.items()]
        score = subject.score(target)
        found.append(ContributionsInfo(target=score, input=one.input, layers=layers, error=one.error))
    return found


def layer_map(subject: Subject, target: int, layer: str) -> Told:
    """Where a share of a score lies."""
    labels_only(subject, "A layer's map")
    several(subject, [target])
    maps = _maps(subject, target)
    if layer not in maps:
        raise UnknownNameError("share with a map", layer, maps, hint="Choose a bar of the page.")
    return {"target": target, "layer": layer, "share": float(maps[layer].double().sum())}, {"values": maps[layer]}


def spread(subject: Subject, targets: list[int], variant: str) -> Told:
    """Scores spread over the pixels."""
    labels_only(subject, "A discussion")
    several(subject, targets)
    if variant not in VARIANTS:
        raise UnknownNameError("discussion", variant, VARIANTS, hint=LISTED)
    key = "discussion", tuple(targets), variant
    found = subject.kept(key)
    if found is None:
        found = discussion(subject.it, list(targets), variant=variant)
        subject.keep(key, found, found.maps)
    named = [subject.score(target).model_dump() for target in targets]
    return {"variant": variant, "targets": named, "scale": found.scale.tolist()}, {"maps": found.maps}


def labels_only(subject: Subject, what: str) -> None:
    """Refuse a network that makes an image."""
    if subject.kind != "classification":
        raise InputError(
            f"{what} needs a network that gives labels, and {subject.recipe.model} makes an image. Choose another one."
        )


def images_only(subject: Subject, what: str) -> None:
    """Refuse a network that gives labels."""
    if subject.kind == "classification":
        raise InputError(
            f"{what} needs a network that makes an image, and {subject.recipe.model} gives labels. Choose another one."
        )


def several(subject: Subject, targets: list[int]) -> None:
    """Refuse targets that are not there, none, too many, or one twice."""
    if not 1 <= len(targets) <= TARGETS or len(set(targets)) < len(targets):
        raise InputError(f"{len(targets)} targets were given. Give 1 to {TARGETS}, each once.")
    for target in targets:
        subject.score(target)


def within(name: str, value: int | None, length: int) -> None:
    """Refuse a place outside of an axis."""
    if value is not None and not 0 <= value < length:
        raise InputError(f"There is no {name} {value}. Give one from 0 to {length - 1}.")


def _maps(subject: Subject, target: int) -> dict[str, Tensor]:
    key = "maps", target
    found: dict[str, Tensor] | None = subject.kept(key)
    if found is None:
        found = share_maps(subject.it, target)
        subject.keep(key, found, *found.values())
    return found
