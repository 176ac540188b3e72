"""Reach: how far the explanation holds when the image moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter
from linearscope.progress import track
from linearscope.rules import Call, LinearMap
from linearscope.rules.boundaries import first_change

__all__ = ["Reach", "reach"]


@dataclass(frozen=True)
class Reach:
    """How far x can move along a direction d before decisions change.

    Attributes
    ----------
    step
        Smallest t at which ``x0 + t d`` changes the first decision; infinite when none ever does.
    distance
        The same as a Euclidean distance in the model's units.
    layer
        The node whose decision changes first; empty when none does.
    exact
        Whether every unit that lanes pass is a switch or a selection whose boundary is known
        (``linearscope.rules.boundaries``): the map is then the model itself for all smaller steps. With other units
        (smooth activations, norms, gates) the map drifts from the model at any step, and ``step`` speaks of the
        switches alone.
    layers
        The step of every node with switches or selections.
    distances, changed
        Fractions of all decisions that differ from x0's at ``x0 + t d``, for the steps asked.
    """

    step: float
    distance: float
    layer: str
    exact: bool
    layers: Mapping[str, float]
    distances: tuple[float, ...]
    changed: tuple[float, ...]


def reach(it: LinearInterpreter, direction: Tensor, steps: Sequence[float] = ()) -> Reach:
    """Find how far the image may move along ``direction`` before the first decision changes.

    Parameters
    ----------
    it
        Interpreter of an image.
    direction
        ``(1, C, H, W)``, or without the batch axis: an attack's difference, noise, another image less this one, one
        pixel.
    steps
        Where to count the decisions that have changed.

    Raises
    ------
    InputError
        When the direction has another shape or is zero.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 1, bias=False), torch.nn.ReLU())
    >>> _ = torch.nn.init.ones_(model[1].weight)
    >>> it = ls.interpret(model, torch.tensor([[[[1.0, 2.0]]]]))
    >>> round(ls.reach(it, torch.tensor([[[[-1.0, 0.0]]]])).step, 6)
    3.0

    Source: within the region of x0 a piecewise-linear network is its affine map (Chen et al. 2019, section 2.2), and
    every switch's input moves along its own lane.
    """
    lane = direction.reshape(1, *it.input_shape) if direction.numel() == it.point.numel() else direction
    if it.plan.source != it.program.image.index:
        raise InputError("Reach is measured from the image; ask the interpreter of the image.")
    if not bool(direction.any()):
        raise InputError("The direction is zero everywhere, so that nothing moves.")
    layers: dict[str, float] = {}
    smooth = False

    def visit(call: Call, frozen: LinearMap, lanes: list[Any]) -> None:
        nonlocal smooth
        change = first_change(call, lanes)
        if change is not None:
            layers[call.node.name] = float(change[0])
        elif frozen.nbytes:
            smooth = True

    it.run(lane, visit)
    # Integers and booleans made from the image (an argmax, a comparison) and traced branches may change anywhere.
    hidden = it.program.bound is not None or any(
        step.node.dtype is not None and not step.node.dtype.is_floating_point for step in it.plan.steps
    )
    first = min(layers, key=layers.__getitem__, default="")
    step = layers.get(first, float("inf"))
    size = float(lane.double().norm())
    changed = [
        _changed(it, it.image + t * lane.reshape(it.image.shape))
        for t in track(list(steps), "counting changed decisions")
    ]
    return Reach(
        step,
        step * size,
        first if step < float("inf") else "",
        not smooth and not hidden,
        layers,
        tuple(steps),
        tuple(changed),
    )


def _changed(it: LinearInterpreter, image: Tensor) -> float:
    """Fraction of the decisions that ``image`` takes otherwise than the interpreter's image."""
    different = total = 0
    for (_, here), (_, there) in zip(it.decisions(), it.decisions(image), strict=True):
        different += int((here != there).sum())
        total += here.numel()
    return different / total if total else 0.0
