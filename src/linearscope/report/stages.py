"""Stages of a network: neighbouring layers whose paths begin alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Stage", "stage_depth", "stages"]

MOST = 32
FEW = 4


@dataclass(frozen=True)
class Stage:
    """Layers ``start`` to ``stop`` (exclusive) of a list, whose paths begin with ``name``."""

    name: str
    start: int
    stop: int


def stage_depth(names: Sequence[str]) -> int:
    """How many parts of their path layers share within a stage: as many as still put several layers into one.

    Where that leaves hardly any stages, each layer is one, up to 32 of them.

    Examples
    --------
    >>> stage_depth([f"features.{i // 3}.{i}" for i in range(45)])
    2
    >>> stage_depth([f"features.{i}" for i in range(16)] + ["classifier.1"])
    2
    """
    best = 1
    for depth in range(2, max((len(_path(name)) for name in names), default=1) + 1):
        fine = len(stages(names, depth))
        if fine > MOST or (fine > 0.6 * len(names) and len(stages(names, best)) >= FEW):
            break
        best = depth
    return best


def stages(names: Sequence[str], depth: int) -> list[Stage]:
    """Cut a list of layers, in order of depth, into runs of the same first ``depth`` parts of their path."""
    found: list[Stage] = []
    for place, name in enumerate(names):
        prefix = ".".join(_path(name)[:depth])
        if found and found[-1].name == prefix:
            found[-1] = Stage(prefix, found[-1].start, place + 1)
        else:
            found.append(Stage(prefix, place, place + 1))
    return found


def _path(name: str) -> list[str]:
    return name.split("#")[0].split("[")[0].split(".")
