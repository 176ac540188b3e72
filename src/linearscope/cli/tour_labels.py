"""The tour of a network that gives labels."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from linearscope.cli.options import Asked

if TYPE_CHECKING:
    from linearscope.program import Program

__all__ = ["tour_labels"]


def tour_labels(
    asked: Asked, program: Program, classes: str | None, variant: str, pool: int, strength: float | None
) -> Path:
    """Make the page of a classifier, print its scores, and return where the page is.

    Parameters
    ----------
    asked
        What every tour is asked.
    program
        The classifier, captured for a photo, maybe for another part of it.
    classes, variant, pool, strength
        As in ``linearscope tour``; ``strength`` of the attack in units of the pixel range, ``None`` for none.
    """
    from linearscope.analysis import tour_classification
    from linearscope.models import default_image, find_label
    from linearscope.report import About, write_tour

    ready, path = asked.ready, asked.image or default_image()
    tensor = ready.tensor(path)
    if program.input_shape != tuple(tensor.shape):
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
        interpretation=asked.interpretation,
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
        command=asked.command,
        seconds=time.perf_counter() - asked.start,
    )
    page = write_tour(result, about, asked.out)
    for label in result.before.shown:
        name = names[label] if names else f"label {label}"
        print(
            f"{name}: score {float(result.before.scores[label]):.3f}, {float(result.before.probabilities[label]):.1%}"
        )
    return page
