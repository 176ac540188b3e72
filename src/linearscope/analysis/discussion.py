"""Pixel discussions and votes: every score spread over the pixels, and for each pixel the label it speaks for most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from linearscope.analysis.contributions import contributions, each_constant, share
from linearscope.analysis.targets import Target, flat_targets, one_target
from linearscope.errors import InputError
from linearscope.interpreter import LinearInterpreter, Visit
from linearscope.progress import track
from linearscope.rules import Branch, LinearMap, Slope

__all__ = ["DEFAULT_VARIANT", "VARIANTS", "Discussion", "Votes", "discussion", "pooled", "share_maps", "votes"]

DEFAULT_VARIANT = "spread"


@dataclass(frozen=True)
class Discussion:
    """Scores spread over pixels.

    Attributes
    ----------
    variant
        Which definition (a key of :data:`VARIANTS`).
    targets
        Flat output indices, one a map.
    scores
        ``(T,)``, the outputs.
    maps
        ``(T, H, W)``, summed over the image's channels. Except for ``"input"`` each sums to its score.
    scale
        ``(T,)``: the factor with which the whole map was rescaled to sum to the score; 1 where the definition sums to
        it by itself. A factor far from 1 means that the map before it did not speak of the score.
    """

    variant: str
    targets: tuple[int, ...]
    scores: Tensor
    maps: Tensor
    scale: Tensor


@dataclass(frozen=True)
class Votes:
    """For each pixel the target with the largest discussion.

    Attributes
    ----------
    targets
        Flat output indices that could be voted for.
    winner
        ``(H, W)``: the flat output index each pixel votes for.
    pool
        Side in pixels of the neighbourhoods that vote together.
    """

    targets: tuple[int, ...]
    winner: Tensor
    pool: int

    def share(self, target: int) -> float:
        """Fraction of the pixels that vote for ``target``."""
        return float((self.winner == target).double().mean())

    def mask(self, target: int) -> Tensor:
        """Boolean ``(H, W)``: the pixels that vote for ``target``."""
        return self.winner == target

    def ranking(self) -> list[tuple[int, float]]:
        """Targets with votes and their share of the pixels, most votes first."""
        found, counts = torch.unique(self.winner, return_counts=True)
        order = counts.argsort(descending=True)
        return [(int(found[i]), float(counts[i]) / self.winner.numel()) for i in order]


def discussion(
    it: LinearInterpreter,
    targets: Target | Sequence[Target] | None = None,
    *,
    variant: str = DEFAULT_VARIANT,
) -> Discussion:
    """Spread scores over the pixels of the image.

    Parameters
    ----------
    it
        Interpreter of an image ``(1, C, H, W)``.
    targets
        Outputs; default: all of them.
    variant
        ``"spread"``: row times image, and the share of every constant at the place of its feature map, each place
        spread evenly over the pixels under it. Sums to the score by itself.
        ``"input"``: row times image alone; sums to the score less the residual.
        ``"printed"``: eq. 18 as printed: masked biases projected back from their layer whatever the target, and the
        whole rescaled to the score.
        ``"weighted"``: constants times what they are worth to the target, projected back; rescaled as a whole.
        ``"layered"``: the same, each layer's term rescaled to its own share first. One backward walk a layer: slow.

    Raises
    ------
    InputError
        When the variant or a target does not exist, or the input is no image.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5)
    >>> model = torch.nn.Sequential(*layers)
    >>> it = ls.interpret(model, torch.rand(1, 3, 6, 6))
    >>> d = ls.discussion(it)
    >>> d.maps.shape, torch.allclose(d.maps.sum((1, 2)), d.scores, atol=1e-5)
    (torch.Size([5, 6, 6]), True)
    >>> ls.votes(d).winner.shape
    torch.Size([6, 6])

    Source: Navarrete Michelini et al. 2019, eq. 17 and 18; ``"spread"`` after FullGrad (Srinivas and Fleuret, 2019).
    """
    if variant not in VARIANTS:
        raise InputError(f"There is no discussion {variant!r}; there are {', '.join(map(repr, VARIANTS))}.")
    if it.point.dim() != 4 or it.point.shape[0] != 1:
        raise InputError(f"A discussion needs one image (1, C, H, W); the input has shape {tuple(it.point.shape)}.")
    flat = flat_targets(it, list(range(it.shape[0])) if targets is None else targets)
    scores = it.output.flatten()[flat]
    maps = torch.empty(len(flat), *it.point.shape[2:], dtype=it.point.dtype)
    scale = torch.ones(len(flat), dtype=it.point.dtype)
    place = 0
    parts = it.in_batches(len(flat), lambda start, end: VARIANTS[variant](it, flat[start:end]))
    for part in track(parts, "discussions", len(flat), len):
        end = place + len(part)
        if variant in _RESCALED:
            factor = scores[place:end] / part.sum((1, 2))
            if not torch.isfinite(factor).all():
                raise InputError(f"A {variant!r} discussion sums to zero, so that it cannot be scaled to its score.")
            part = part * factor[:, None, None]
            scale[place:end] = factor.cpu()
        maps[place:end] = part.cpu()
        place = end
    return Discussion(variant, tuple(flat), scores.cpu(), maps, scale)


def votes(d: Discussion, *, pool: int = 1) -> Votes:
    """For each pixel, the label whose discussion is largest there.

    Parameters
    ----------
    d
        A discussion of at least two targets.
    pool
        Side in pixels (odd) of the neighbourhood whose mean votes: 1 is the paper's vote of single pixels.

    Source: Navarrete Michelini et al. 2019, section 4, case 1.
    """
    if len(d.targets) < 2:
        raise InputError("A vote needs at least two targets.")
    if pool < 1 or pool % 2 == 0:
        raise InputError(f"pool is {pool}; give an odd number of pixels, 1 for single pixels.")
    return Votes(d.targets, torch.tensor(d.targets)[pooled(d.maps, pool).argmax(0)], pool)


def pooled(maps: Tensor, pool: int) -> Tensor:
    """Mean of maps ``(T, H, W)`` over the neighbourhood of ``pool`` pixels in which a vote is taken together."""
    if pool == 1:
        return maps
    return F.avg_pool2d(maps.unsqueeze(1), pool, 1, pool // 2, count_include_pad=False).squeeze(1)


def share_maps(it: LinearInterpreter, target: Target) -> dict[str, Tensor]:
    """Where the shares of one score lie: a map of every share that has places.

    Parameters
    ----------
    it
        Interpreter of an image ``(1, C, H, W)``.
    target
        An output: flat index or index tuple.

    Returns
    -------
    dict
        ``"input"``: ``(H, W)``, row times image, summed over channels. By the name of its node, of every constant that
        is added to a feature map: ``(h, w)`` in the map's own size, summed over channels. Each sums to its share of
        :func:`~linearscope.contributions`; a constant without places has no map.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5)
    >>> it = ls.interpret(torch.nn.Sequential(*layers), torch.rand(1, 3, 6, 6))
    >>> {name: tuple(map.shape) for name, map in share_maps(it, 0).items()}
    {'input': (6, 6), '0': (4, 4)}

    Source: Navarrete Michelini et al. 2019, eq. 8, before the sum over places.
    """
    flat = [one_target(it, target)]
    found: dict[str, Tensor] = {}

    def add(name: str, u: Tensor, constant: Tensor) -> None:
        if u.dim() == 5 and u.shape[1] == 1 and u.shape[-1] * u.shape[-2] > 1:
            here = _over_channels(u[:, 0], constant)[0].cpu()
            found[name] = found[name] + here if name in found else here

    gradient = it.walk(it.impulses(flat), each_constant(it, add))
    return {"input": (gradient * it.point).sum(1)[0].cpu(), **found}


_RESCALED = {"printed", "weighted"}


def _input(it: LinearInterpreter, flat: Sequence[int]) -> Tensor:
    return (it.rmatvec(it.impulses(list(flat))) * it.point).sum(1)


def _spread(it: LinearInterpreter, flat: Sequence[int]) -> Tensor:
    size = it.point.shape[2:]
    total = torch.zeros(len(flat), *size, dtype=it.point.dtype, device=it.point.device)
    # Maps of one size are summed before they are resized, which is by far the most expensive part.
    by_size: dict[tuple[int, int], Tensor] = {}

    def add(_: str, u: Tensor, constant: Tensor) -> None:
        nonlocal total
        if u.dim() == 5 and u.shape[1] == 1:
            here = _over_channels(u[:, 0], constant)
            key = (here.shape[1], here.shape[2])
            by_size[key] = by_size[key] + here if key in by_size else here
        else:
            total += (share(u, constant).to(total) / (size[0] * size[1]))[:, None, None]

    gradient = it.walk(it.impulses(list(flat)), each_constant(it, add))
    for here in by_size.values():
        total += _area_resize(here, size)
    return total + (gradient * it.point).sum(1)


def _over_channels(u: Tensor, constant: Tensor) -> Tensor:
    """Sum over channels of ``(P, C, H, W)`` times a constant that broadcasts to ``(C, H, W)``: ``(P, H, W)``."""
    constant = constant.reshape([1] * (3 - constant.dim()) + list(constant.shape[-3:]))
    if constant.shape[1:] == (1, 1) and constant.shape[0] == u.shape[1]:
        return (constant.view(1, -1) @ u.flatten(2)).reshape(u.shape[0], *u.shape[2:])
    if constant.shape == u.shape[1:]:
        places = constant.flatten().nonzero().squeeze(1)
        if 10 * len(places) < constant.numel():  # bounds hold at few places
            sums = u.new_zeros(u.shape[0], u.shape[2] * u.shape[3])
            values = u.flatten(1)[:, places] * constant.flatten()[places]
            return sums.index_add_(1, places % sums.shape[1], values).reshape(u.shape[0], *u.shape[2:])
    return (u * constant).sum(1)


def _area_resize(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Resize ``(P, h, w)`` to ``size`` so that each place's value is spread evenly over its area and sums stay."""
    rows, columns = (_overlaps(a, b).to(maps) for a, b in zip(maps.shape[1:], size, strict=True))
    return rows.T @ maps @ columns


def _overlaps(places: int, pixels: int) -> Tensor:
    """``(places, pixels)``: the fraction of each place's extent that each pixel covers; rows sum to 1."""
    edges = torch.arange(places + 1, dtype=torch.float64) / places
    grid = torch.arange(pixels + 1, dtype=torch.float64) / pixels
    low = torch.maximum(edges[:-1, None], grid[None, :-1])
    high = torch.minimum(edges[1:, None], grid[None, 1:])
    return (high - low).clamp(min=0) * places


def _printed(it: LinearInterpreter, flat: Sequence[int]) -> Tensor:
    """Row times image, plus P_i b^_i of every inner constant, plus the target's own last constant projected back."""
    last: dict[int, LinearMap] = {}
    consumers: dict[int, list[int]] = {}
    for step in it.plan.steps:
        for index in step.sources:
            consumers.setdefault(index, []).append(step.node.index)

    def masked(constant: Tensor, index: int) -> Tensor:
        # b^ = A b + c with A the units right behind; A is idempotent, so A^T A puts the masked bias at the layer.
        after = consumers.get(index, [])
        unit = last.get(after[0]) if len(after) == 1 else None
        if unit is None:
            return constant
        return unit.transpose(masked(unit.forward([constant]), after[0]))[0]  # type: ignore[return-value]

    def visit(at: Visit) -> Tensor | None:
        if at.map is None or not isinstance(at.u, Tensor):
            return None
        if isinstance(at.map, (Branch, Slope)) and at.step.rule is not None:
            last[at.step.node.index] = at.map
        constant = at.map.constant
        if not isinstance(constant, Tensor):
            return None
        full = constant.expand(at.u.shape[1:]).unsqueeze(0)
        if at.step.node.index != it.program.output:
            return masked(full, at.step.node.index).expand_as(at.u)
        return full * at.u  # of the last constant, the target's entry only

    rows = it.rmatvec(it.impulses(list(flat)))
    projected = it.walk(it.impulses(list(flat)), visit) - rows
    return (rows * it.point + projected).sum(1)


def _weighted(it: LinearInterpreter, flat: Sequence[int], only: str | None = None) -> Tensor:
    """Row times image plus F_i^T (what constant i is worth to the target), both halves in one walk."""
    count = len(flat)

    def visit(at: Visit) -> Tensor | None:
        if at.map is None or not isinstance(at.u, Tensor) or (only is not None and at.step.node.name != only):
            return None
        constant = at.map.constant
        if not isinstance(constant, Tensor):
            return None
        return torch.cat([torch.zeros_like(at.u[:count]), at.u[:count] * constant])

    seeds = it.impulses(list(flat))
    back = it.walk(torch.cat([seeds, torch.zeros_like(seeds)]), visit)
    image = back[:count] * it.point if only is None else 0
    return (image + back[count:]).sum(1)


def _layered(it: LinearInterpreter, flat: Sequence[int]) -> Tensor:
    each = contributions(it, list(flat))
    total = _input(it, flat)
    pixels = total.shape[1] * total.shape[2]
    for name in each[0].layers:
        term = _weighted(it, flat, only=name)
        shares = torch.tensor([c.layers[name] for c in each], dtype=term.dtype, device=term.device)
        sums = term.sum((1, 2))
        # A term that cancels to nothing cannot be scaled to its share, which is then spread evenly.
        sound = sums.abs() > 1e-3 * term.abs().sum((1, 2))
        scaled = term * (shares / torch.where(sound, sums, torch.ones_like(sums)))[:, None, None]
        total += torch.where(sound[:, None, None], scaled, (shares / pixels)[:, None, None].expand_as(term))
    return total


#: Definitions of a pixel discussion, by name.
VARIANTS: dict[str, Callable[[LinearInterpreter, Sequence[int]], Tensor]] = {
    "spread": _spread,
    "input": _input,
    "printed": _printed,
    "weighted": _weighted,
    "layered": _layered,
}
