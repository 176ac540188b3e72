"""What the subtitles of a walk say."""

from __future__ import annotations

from typing import Final

import numpy as np

from linearscope.analysis.fields import Field
from linearscope.analysis.walk import Step, Stretch, Walk, stretches
from linearscope.report.field_pictures import field_half, square
from linearscope.report.video import Cue
from linearscope.report.words import percent

__all__ = ["STANDING", "cues"]

STANDING: Final = {"edge": "on an edge", "corner": "at a corner", "texture": "in texture", "flat": "in a flat area"}

# Seconds: of the introduction, and of a subtitle at least and at most.
INTRODUCTION: Final = 3.0
LEAST: Final = 1.8
MOST: Final = 4.5
#: Degrees within which a filter is said to lie along an edge.
ALONG: Final = 20.0
#: A change below this is rounding.
SAME: Final = 1e-5


def cues(walk: Walk, fps: float, names: tuple[str, str]) -> list[Cue]:
    """Say what is seen, stretch by stretch, in order and without gaps, from the first frame to the last.

    Parameters
    ----------
    walk
        From :func:`linearscope.analysis.walk.walk`.
    fps
        Steps shown a second.
    names
        Of the network and of the image.
    """
    steps = [walk.places[point] for point in walk.positions]
    changes = {kind: _changes(walk, kind) for kind in ("row", "column")}
    found = stretches([step.on for step in steps], max(1, round(LEAST * fps)), max(1, round(MOST * fps)))
    end = len(steps) / fps
    spoken = [
        Cue(one.start / fps, one.stop / fps, _stretch(one, [steps[i] for i in range(one.start, one.stop)], changes))
        for one in found
    ]
    if end < 2 * INTRODUCTION + LEAST:
        return spoken
    what = " and ".join(
        text
        for kind, text in (
            ("row", "the row of F: which input pixels make this output pixel"),
            ("column", "the column of F: what this input pixel makes"),
        )
        if walk.fields(kind)
    )
    first = Cue(0, INTRODUCTION, f"{names[0]} on {names[1]}.\nBelow, {what}.")
    later = [Cue(max(cue.start, INTRODUCTION), cue.end, cue.text) for cue in spoken if cue.end > INTRODUCTION + 1]
    later[0] = Cue(INTRODUCTION, later[0].end, later[0].text)
    return [first, *later]


def _stretch(one: Stretch, steps: list[Step], changes: dict[str, dict[tuple[int, int], float]]) -> str:
    head = STANDING[one.on].capitalize()
    directions = [step.direction for step in steps if step.direction is not None]
    edge = _mean_direction(directions) if one.on == "edge" and directions else None
    if edge is not None:
        head += f" at {edge:.0f}°"
    lines = []
    for kind in ("row", "column"):
        fields = [field for step in steps if (field := step.row if kind == "row" else step.column) is not None]
        if fields:
            points = [step.point for step in steps]
            lines.append(_filter(kind, fields, edge, float(np.mean([changes[kind][point] for point in points]))))
    lines[0] = f"{head}: {lines[0]}"
    return "\n".join(line if i == 0 else line[0].upper() + line[1:] for i, line in enumerate(lines))


def _filter(kind: str, fields: list[Field], edge: float | None, change: float) -> str:
    radius = float(np.median([field.radii[0.9] for field in fields]))
    directions = [field.orientation for field in fields if field.orientation is not None]
    text = f"90\u202f% of the {kind}’s energy within {radius:.1f} px"
    if edge is not None and 2 * len(directions) > len(fields):
        direction = _mean_direction(directions)
        apart = abs((direction - edge + 90) % 180 - 90)
        text += f", {'along the edge' if apart <= ALONG else 'not along the edge'} ({direction:.0f}°)"
    alike = "the same as everywhere" if change < SAME else f"{percent(change)} unlike the mean"
    return f"{text}, {alike}."


def _changes(walk: Walk, kind: str) -> dict[tuple[int, int], float]:
    """One minus the cosine of every filter's angle to the mean direction of all, in one square around their pixels."""
    fields = walk.fields(kind)
    if not fields:
        return {}
    half = max(1, round(float(np.median([field_half([field]) for field in fields]))))
    flat = np.stack([np.nan_to_num(square(field, half)).ravel() for field in fields])
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    units = np.divide(flat, norms, out=np.zeros_like(flat), where=norms > 0)
    mean = units.mean(0)
    cosines = units @ mean / (float(np.linalg.norm(mean)) or 1.0)
    return dict(zip(walk.places, 1 - cosines, strict=True))


def _mean_direction(degrees: list[float]) -> float:
    doubled = np.exp(2j * np.radians(degrees)).mean()
    return float(np.degrees(np.angle(doubled)) / 2 % 180)
