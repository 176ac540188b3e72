"""Layer by layer: at every feature map z the score is W z + b, and the map shows where W z comes from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import Tensor

from linearscope.analysis.contributions import share
from linearscope.analysis.targets import Target, one_target
from linearscope.errors import UnknownNameError
from linearscope.interpreter import LinearInterpreter, Visit

__all__ = ["LayerForm", "Layerwise", "layerwise"]


@dataclass(frozen=True)
class LayerForm:
    """The score read at one feature map z: ``score = weighted + bias``.

    Attributes
    ----------
    layer
        Name of the feature map.
    weighted
        W z, the part that the feature map makes.
    bias
        b, the part of all constants that come after it (and of what runs past it).
    ratio
        b / score.
    share
        abs(b) / (abs(b) + abs(W z)), which stays between 0 and 1 where the score is near zero.
    map
        W z before the sum over positions, summed over channels: ``(H, W)``; ``None`` where z is no image.
    """

    layer: str
    weighted: float
    bias: float
    ratio: float
    share: float
    map: Tensor | None


@dataclass(frozen=True)
class Layerwise:
    """The affine form of one output at many feature maps, shallow to deep."""

    target: int
    score: float
    layers: Mapping[str, LayerForm]


def layerwise(it: LinearInterpreter, target: Target, layers: Collection[str] | None = None) -> Layerwise:
    """Read the affine form of one output at every feature map, in one backward sweep.

    Parameters
    ----------
    it
        The interpreter.
    target
        An output: flat index or index tuple.
    layers
        Names of feature maps; default: the input (``"input"``) and the output of every operation that lanes pass.

    Returns
    -------
    Layerwise
        With the ``(H, W)`` map of every feature map that is an image ``(1, C, H, W)``.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 2)
    >>> model = torch.nn.Sequential(*layers)
    >>> it = ls.interpret(model, torch.rand(1, 3, 6, 6))
    >>> form = ls.layerwise(it, 0, ["0", "1"]).layers["1"]
    >>> form.map.shape
    torch.Size([4, 4])

    Source: Chen et al. 2019, eq. 2 to 6; the map before its negative part is dropped is HiResCAM.
    """
    flat = one_target(it, target)
    wanted: dict[int, str] | None = None
    if layers is not None:
        known = {**it.program.layers, "input": it.plan.source}
        for name in layers:
            if name not in known:
                raise UnknownNameError("layer", name, known)
        wanted = {known[name]: name for name in layers}
    names = it.program.layers
    score = float(it.output.flatten()[flat])
    found: dict[int, LayerForm] = {}

    def visit(at: Visit) -> None:
        node = at.step.node
        if not isinstance(at.u, Tensor) or (wanted is not None and node.index not in wanted):
            return
        # A norm's first result is known by the norm's own name.
        plain = node.name.removesuffix("[0]")
        name = "input" if node.index == it.plan.source else plain if names.get(plain) == node.index else node.name
        name = name if wanted is None else wanted[node.index]
        weighted = float(share(at.u, at.value)[0])
        bias = score - weighted
        total = abs(bias) + abs(weighted)
        image = at.value.dim() == 4 and at.value.shape[0] == 1 and at.value.shape[-1] * at.value.shape[-2] > 1
        found[node.index] = LayerForm(
            name,
            weighted,
            bias,
            bias / score if score else float("nan"),
            abs(bias) / total if total else float("nan"),
            (at.u[0] * at.value)[0].sum(0) if image else None,
        )

    it.walk(it.impulses([flat]), visit, values=True)
    return Layerwise(flat, score, {found[i].layer: found[i] for i in sorted(found)})
