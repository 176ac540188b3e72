"""Least squares with few weights: the constrained lasso, for all classes at once, with a certificate for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Final

import torch
from torch import Tensor

from linearscope.errors import InputError
from linearscope.progress import track

__all__ = ["Lasso", "lasso", "lasso_path", "project_l1"]

#: Units that may join a class's working set in one round, at most.
_JOINING: Final = 32
#: Classes that go through a round together, which bounds the memory.
_TOGETHER: Final = 128
#: Steps of FISTA in one round, and how often they may be asked for.
_STEPS: Final = 300
_ROUNDS: Final = 100
#: Times the exact solution on a face may run into a corner before FISTA is asked again.
_CORNERS: Final = 12
#: Of a linear system, beside its largest diagonal.
_DAMPING: Final = 1e-12


@dataclass(frozen=True)
class Lasso:
    """Weights of all classes, and how far each can be from the best.

    Attributes
    ----------
    weights
        ``(units, classes)``, mostly zeros.
    mu
        The bound on the sum of sizes of each class's weights.
    gap
        ``(classes,)``: how much smaller the squared error of the class could be at most, over that of no weights at
        all. It is measured at the end: the duality gap.
    rounds
        How many times units joined.
    """

    weights: Tensor
    mu: float
    gap: Tensor
    rounds: int


def lasso(scores: Tensor, targets: Tensor, mu: float, *, tolerance: float = 1e-8, start: Tensor | None = None) -> Lasso:
    """Minimise ``||scores @ W - targets||_F ** 2`` where the sizes of each column of W sum to at most ``mu``.

    Parameters
    ----------
    scores
        ``(samples, units)``.
    targets
        ``(samples, classes)``.
    mu
        Above 0.
    tolerance
        Of :attr:`Lasso.gap`; it ends when all classes are below it.
    start
        ``(units, classes)``, weights to begin with that keep the bound, such as those of a smaller ``mu``.

    Returns
    -------
    Lasso
        On the device of ``scores``, in float64 where the device has it.

    Raises
    ------
    InputError
        When the shapes do not fit, a number is not finite, ``mu`` is not above 0, or the tolerance is not reached.

    Examples
    --------
    >>> scores = torch.eye(3, dtype=torch.float64)
    >>> lasso(scores, torch.tensor([[1.0], [0.5], [0.0]]), 1.0).weights.flatten().tolist()
    [0.75, 0.25, 0.0]

    Notes
    -----
    The classes are separate problems that share one matrix, and few units of each class are not zero. So each class has
    a working set, which grows by the units whose gradient is largest; on it FISTA with restarts, projected onto the
    ball, finds which weights are not zero and of which sign, and the best point of that face then comes from one
    linear system. Classes go through every step together. What is measured at the end, over all units, holds
    whatever the way. Where units are copies of each other the best weights are not unique; one of them is returned.

    Source: Oramas et al., 2019, eq. 1; FISTA: Beck and Teboulle, 2009; restarts: O'Donoghue and Candès, 2015; the gap:
    Jaggi, 2013.
    """
    return next(lasso_path(scores, targets, [mu], tolerance=tolerance, start=start))


def lasso_path(
    scores: Tensor,
    targets: Tensor,
    bounds: Sequence[float],
    *,
    tolerance: float = 1e-8,
    start: Tensor | None = None,
) -> Iterator[Lasso]:
    """Solve :func:`lasso` for several bounds, in rising order, each from the weights of the one before.

    Examples
    --------
    >>> target = torch.tensor([[1.0], [0.5], [0.0]])
    >>> [int((one.weights != 0).sum()) for one in lasso_path(torch.eye(3), target, [0.5, 1.0])]
    [1, 2]

    Raises
    ------
    InputError
        As :func:`lasso`, and when the bounds do not rise.
    """
    _check(scores, targets, bounds, start)
    quadratic = _Quadratic(scores, targets)
    weights = torch.zeros(scores.shape[1], targets.shape[1], dtype=quadratic.dtype, device=scores.device)
    if start is not None:
        weights = start.to(weights)
    for mu in track(list(bounds), "mu-lasso"):
        found = _solve(quadratic, weights, float(mu), tolerance)
        yield found
        weights = found.weights


def project_l1(points: Tensor, mu: float) -> Tensor:
    """Move each row of ``points`` to the nearest one whose sizes sum to at most ``mu``.

    Examples
    --------
    >>> project_l1(torch.tensor([[3.0, -1.0, 0.5], [0.1, 0.2, 0.0]]), 2.0).tolist()
    [[2.0, -0.0, 0.0], [0.10000000149011612, 0.20000000298023224, 0.0]]

    Source: Duchi et al., 2008, Fig. 1.
    """
    sizes = points.abs()
    falling = sizes.sort(1, descending=True).values
    over = falling.cumsum(1) - mu
    places = torch.arange(1, points.shape[1] + 1, device=points.device)
    last = (falling * places > over).sum(1, keepdim=True).clamp_min(1)
    shift = (over.gather(1, last - 1) / last).clamp_min(0)
    return points.sign() * (sizes - shift).clamp_min(0)


class _Quadratic:
    """Half the squared errors of all classes: their gradients, and their curvature on a few units of each.

    With fewer units than samples the Gram matrix of all units is made once; otherwise that of the units in use grows.
    """

    def __init__(self, scores: Tensor, targets: Tensor) -> None:
        self.dtype = torch.float32 if scores.device.type == "mps" else torch.float64
        self._a = scores.to(self.dtype)
        targets = targets.to(self._a)
        self._answer = self._a.T @ targets
        self.energy = targets.square().sum(0)
        units = scores.shape[1]
        self._place = torch.full((units,), -1, device=scores.device)
        self._used = torch.zeros(0, dtype=torch.int64, device=scores.device)
        self._gram = self._a.new_zeros(0, 0)
        self._whole = units < len(scores)
        if self._whole:
            self._use(torch.arange(units, device=scores.device))

    def gradient(self, weights: Tensor) -> Tensor:
        """``(units, classes)`` from weights of the same shape."""
        used = weights.ne(0).any(1).nonzero().flatten()
        if self._whole:
            return self._gram[:, used] @ weights[used] - self._answer
        return self._a.T @ (self._a[:, used] @ weights[used]) - self._answer

    def restricted(self, chosen: Tensor, counted: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Curvature ``(classes, k, k)`` and pull ``(classes, k)`` on ``chosen`` units; zero where not ``counted``."""
        self._use(chosen[counted].unique())  # type: ignore[no-untyped-call]
        places = self._place[chosen].clamp_min(0)
        both = counted[:, :, None] & counted[:, None, :]
        gram = self._gram[places[:, :, None], places[:, None, :]] * both
        return gram, self._answer[:, classes].T.gather(1, chosen) * counted

    def _use(self, units: Tensor) -> None:
        new = units[self._place[units] < 0]
        if not len(new):
            return
        columns = self._a[:, new]
        across = self._a[:, self._used].T @ columns
        top, bottom = torch.cat([self._gram, across], 1), torch.cat([across.T, columns.T @ columns], 1)
        self._gram = torch.cat([top, bottom])
        self._place[new] = torch.arange(len(self._used), len(self._used) + len(new), device=new.device)
        self._used = torch.cat([self._used, new])


def _solve(quadratic: _Quadratic, weights: Tensor, mu: float, tolerance: float) -> Lasso:
    weights = weights.clone()
    energy = torch.where(quadratic.energy > 0, quadratic.energy, torch.ones_like(quadratic.energy))
    for rounds in range(_ROUNDS):
        gradient = quadratic.gradient(weights)
        gap = 2 * ((gradient * weights).sum(0) + mu * gradient.abs().amax(0)).clamp_min(0) / energy
        open_ = (gap > tolerance).nonzero().flatten()
        if not len(open_):
            return Lasso(weights, mu, gap, rounds)
        for part in open_.split(_TOGETHER):  # type: ignore[no-untyped-call]
            weights[:, part] = _round(quadratic, weights[:, part], gradient[:, part], part, mu)
    worst = int(gap.argmax())
    raise InputError(
        f"The weights of class {worst} are still {float(gap[worst]):.1e} from the best after {_ROUNDS} rounds; give "
        "a larger tolerance or a smaller mu."
    )


def _round(quadratic: _Quadratic, weights: Tensor, gradient: Tensor, classes: Tensor, mu: float) -> Tensor:
    """Let units join the working sets of some classes, and solve on these."""
    inside = weights != 0
    joining = min(_JOINING, len(weights))
    rank = torch.where(inside, gradient.new_tensor(float("inf")), gradient.abs())
    size = int(inside.sum(0).max()) + joining
    values, chosen = rank.T.topk(min(size, len(weights)), dim=1)
    # Those with a weight stand first; behind them as many as may join.
    places = torch.arange(chosen.shape[1], device=chosen.device)
    counted = places < inside.sum(0)[:, None] + joining
    counted &= values > 0
    gram, pull = quadratic.restricted(chosen, counted, classes)
    small = weights.T.gather(1, chosen) * counted
    small = _fista(gram, pull, small, mu)
    small = _faces(gram, pull, small, counted, mu)
    result = torch.zeros_like(weights)
    return result.T.scatter(1, chosen, small * counted).T


def _fista(gram: Tensor, pull: Tensor, weights: Tensor, mu: float) -> Tensor:
    """Projected FISTA on every class's working set, each with a restart of its own where its momentum points uphill."""
    # The largest sum of a row bounds the largest eigenvalue; of matrices without negative numbers it is near.
    step = 1 / gram.abs().sum(2).amax(1).clamp_min(torch.finfo(gram.dtype).tiny)[:, None]
    point, speed = weights, torch.ones_like(step)
    for _ in range(_STEPS):
        slope = torch.bmm(gram, point[:, :, None])[:, :, 0] - pull
        moved = project_l1(point - step * slope, mu)
        uphill = ((point - moved) * (moved - weights)).sum(1, keepdim=True) > 0
        following = (1 + (1 + 4 * speed.square()).sqrt()) / 2
        momentum = torch.where(uphill, 0.0, (speed - 1) / following)
        speed = torch.where(uphill, 1.0, following)
        point, weights = moved + momentum * (moved - weights), moved
    return weights


def _faces(gram: Tensor, pull: Tensor, weights: Tensor, counted: Tensor, mu: float) -> Tensor:
    """Go to the best point of the face of the ball that each class lies on, or of all its units when it lies inside.

    Where a weight on the way becomes zero, or the way leaves the ball, the class stops, and goes on from there.
    """
    for _ in range(_CORNERS):
        on_edge = (weights.abs().sum(1) >= mu * (1 - 1e-9))[:, None]
        held = torch.where(on_edge, weights != 0, counted)
        way = _newton(gram, pull, weights, held, on_edge)
        crossing = torch.where(way * weights < 0, -weights / torch.where(way == 0, 1.0, way), float("inf"))
        leaving = (mu - weights.abs().sum(1, keepdim=True)) / way.abs().sum(1, keepdim=True)
        until = torch.where(on_edge, crossing.amin(1, keepdim=True), leaving).clamp_max(1)
        moved = weights + until * way
        moved = torch.where(on_edge & (crossing <= until), 0.0, moved)
        moved = torch.where(on_edge, moved * (mu / moved.abs().sum(1, keepdim=True)), moved)
        better = _error(gram, pull, moved) < _error(gram, pull, weights)
        better &= moved.abs().sum(1) <= mu * (1 + 1e-12)  # false where the system had no solution
        weights = torch.where(better[:, None], moved, weights)
        if not bool(((until < 1) & better[:, None]).any()):
            break
    return weights


def _newton(gram: Tensor, pull: Tensor, weights: Tensor, held: Tensor, on_edge: Tensor) -> Tensor:
    """The way to the best ``held`` weights, on an edge with their sum of sizes kept; none where it cannot be told."""
    system = gram * (held[:, :, None] & held[:, None, :])
    diagonal = system.diagonal(dim1=1, dim2=2)
    # Damped, as units may be copies of each other; the damping shortens the way and does not move where it ends.
    diagonal.add_(_DAMPING * diagonal.amax(1, keepdim=True) + (~held))
    factor, failed = torch.linalg.cholesky_ex(system)
    slope = torch.bmm(gram, weights[:, :, None])[:, :, 0] - pull
    edge = torch.where(on_edge & held, weights.sign(), 0.0)
    free, along = torch.cholesky_solve(torch.stack([-slope * held, edge], 2), factor).unbind(2)
    through = (edge * along).sum(1, keepdim=True)
    way = free - (edge * free).sum(1, keepdim=True) / torch.where(through > 0, through, 1.0) * along
    return torch.where((failed == 0)[:, None] & held, way, 0.0)


def _error(gram: Tensor, pull: Tensor, weights: Tensor) -> Tensor:
    """Half the squared error, up to a constant of the class."""
    curved: Tensor = torch.bmm(gram, weights[:, :, None])[:, :, 0]
    return (weights * (curved / 2 - pull)).sum(1)


def _check(scores: Tensor, targets: Tensor, bounds: Sequence[float], start: Tensor | None) -> None:
    if scores.dim() != 2 or targets.dim() != 2 or len(scores) != len(targets) or not scores.numel():
        raise InputError(
            f"The scores {tuple(scores.shape)} and the targets {tuple(targets.shape)} do not fit; give "
            "(samples, units) and (samples, classes)."
        )
    if not torch.isfinite(scores).all() or not torch.isfinite(targets).all():
        raise InputError("The scores or the targets hold NaN or infinite values; repair them first.")
    if not bounds:
        raise InputError("No bound is given; give at least one mu above 0.")
    for mu in bounds:
        if not isfinite(mu) or mu <= 0:
            raise InputError(f"mu is {mu:g}; give a number above 0, such as 10.")
    if any(later < earlier for earlier, later in pairwise(bounds)):
        raise InputError("The bounds of a path rise; sort them.")
    if start is not None:
        if start.shape != (scores.shape[1], targets.shape[1]):
            raise InputError(f"The start has the shape {tuple(start.shape)}; give (units, classes).")
        if float(start.abs().sum(0).max()) > bounds[0] * (1 + 1e-9):
            raise InputError("The start breaks the bound mu; give weights whose sizes sum to at most mu.")
