"""The power method with momentum and deflation: one singular triplet after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, sqrt
from typing import Final

import torch
from torch import Tensor

from linearscope.analysis.svd_solver import Products, Step, Triplets, rank_error

__all__ = ["Power", "PrintedPower"]

#: Steps over which the rate of convergence is measured.
WINDOW: Final = 12
#: The part of the tolerance at which a triplet is done: those after it inherit its error.
DONE: Final = 0.3


class _Deflated:
    """What both forms share: triplets found so far, and where they stand."""

    def __init__(self, products: Products, count: int, seed: int) -> None:
        self.products, self.count = products, count
        self.generator = torch.Generator().manual_seed(seed)
        self.values: list[float] = []
        self.residuals: list[float] = []
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []

    def found(self) -> Triplets:
        """See :class:`~linearscope.analysis.svd_solver.Solver`."""
        number = len(self.outputs)  # the last to be appended to
        values = torch.tensor(self.values[:number], dtype=torch.float64)
        order = values.argsort(descending=True, stable=True)
        place = self.products.device
        rows = (self.inputs[:number], self.outputs[:number])
        sizes = (self.products.columns, self.products.rows)
        inputs, outputs = (
            torch.stack(x)[order.to(place)] if x else torch.zeros(0, size, dtype=torch.float64, device=place)
            for x, size in zip(rows, sizes, strict=True)
        )
        return Triplets(
            values[order], inputs, outputs, torch.tensor(self.residuals[:number], dtype=torch.float64)[order]
        )

    def _keep(self, value: float, v: Tensor, u: Tensor, residual: float) -> None:
        self.values.append(value)
        self.residuals.append(residual)
        self.inputs.append(v)
        self.outputs.append(u)

    def _step(self, residual: float) -> Step:
        largest = max(self.values, default=0.0)
        worst = max([*self.residuals, residual]) / largest if len(self.values) == self.count and largest > 0 else inf
        return Step(self.products.count, self.count, len(self.values), worst)


class PrintedPower(_Deflated):
    """Algorithm 1 line by line as it is printed, deflation included; it has no test of convergence.

    Line 5 leaves the momentum in: at convergence it returns ``sigma^2 = (s^2 + sqrt(s^4 - 4 m)) / 2`` and not s^2.

    Parameters
    ----------
    products
        Of the matrix.
    count
        How many triplets.
    seed
        Of the random starts.
    momentum
        m, one a triplet.
    steps
        S.

    Source: Navarrete Michelini et al. 2019, Algorithm 1.
    """

    def __init__(self, products: Products, count: int, seed: int, momentum: Sequence[float], steps: int) -> None:
        super().__init__(products, count, seed)
        self.momentum, self.steps_each = momentum, steps

    def steps(self) -> Iterator[Step]:
        """See :class:`~linearscope.analysis.svd_solver.Solver`."""
        for m in self.momentum:
            v = self.products.random(1, self.generator)[0]
            previous, u, square = torch.zeros_like(v), v.new_zeros(self.products.rows), 0.0
            for _ in range(self.steps_each):
                u = self._forward(v)
                following = self._back(u) - m * previous
                square = float(v @ following)
                size = following.norm()
                if not float(size) > 0:
                    raise rank_error(len(self.values), self.count)
                previous, v = v / size, following / size
                yield self._step(inf)
            self._keep(sqrt(max(square, 0.0)), v, u / u.norm(), inf)
        yield self._step(inf)

    def _forward(self, v: Tensor) -> Tensor:
        product = self.products.forward(v[None])[0]
        for value, x, y in zip(self.values, self.inputs, self.outputs, strict=True):
            product = product - value * (x @ v) * y
        return product

    def _back(self, u: Tensor) -> Tensor:
        product = self.products.back(u[None])[0]
        for value, x, y in zip(self.values, self.inputs, self.outputs, strict=True):
            product = product - value * (y @ u) * x
        return product


class Power(_Deflated):
    """Algorithm 1 made right: ``sigma = |F v|``, a momentum that is found on the way, and a test of convergence.

    Inputs are kept orthogonal to those found before, so that errors of deflation do not add up. The best momentum is
    ``m = s_2^4 / 4`` with the second singular value s_2 of what is left; plain steps converge at a rate that shows it.

    Parameters
    ----------
    products
        Of the matrix.
    count
        How many triplets.
    tol
        Wanted residual, divided by the largest singular value.
    seed
        Of the random starts.
    momentum
        m, one a triplet; ``None`` finds it.
    steps
        The most steps for one triplet.

    Source: Navarrete Michelini et al. 2019, Algorithm 1; Xu et al., "Accelerated stochastic power iteration", 2018, for
    the best momentum.
    """

    def __init__(
        self, products: Products, count: int, tol: float, seed: int, momentum: Sequence[float] | None, steps: int
    ) -> None:
        super().__init__(products, count, seed)
        self.tol, self.momentum, self.steps_each = tol, momentum, steps

    def steps(self) -> Iterator[Step]:
        """See :class:`~linearscope.analysis.svd_solver.Solver`."""
        for number in range(self.count):
            m = self.momentum[number] if self.momentum is not None else 0.0
            v = self._outside(self.products.random(1, self.generator)[0])
            v = v / v.norm()
            previous, errors = torch.zeros_like(v), list[float]()
            for step in range(1, self.steps_each + 1):
                image = self.products.forward(v[None])[0]
                value = float(image.norm())
                if value <= self.products.epsilon * max(self.values, default=0.0):
                    raise rank_error(len(self.values), self.count)
                back = self._outside(self.products.back(image[None])[0])
                error = float((back - value**2 * v).norm()) / value
                if error <= DONE * self.tol * max(self.values, default=value) or step == self.steps_each:
                    break
                yield self._step(error)
                errors.append(error / value)
                if self.momentum is None and len(errors) > WINDOW:
                    better = _momentum((errors[-1] / errors[0]) ** (1 / WINDOW), value**2, m)
                    errors.clear()
                    if better > m:
                        m = better
                following = back - m * previous
                size = following.norm()
                previous, v = v / size, self._outside(following / size)
                v = v / v.norm()
            self._keep(value, v, image / value, error)
            yield self._step(error)

    def _outside(self, x: Tensor) -> Tensor:
        if not self.inputs:
            return x
        found = torch.stack(self.inputs)
        return x - (found @ x) @ found


def _momentum(rate: float, square: float, m: float) -> float:
    """The best momentum as seen in the rate at which the residual shrinks a step; ``m`` is the present one."""
    growth = (square + sqrt(max(square**2 - 4 * m, 0.0))) / 2
    second = min(rate, 0.999) * growth
    return min((second + m / second) ** 2, 0.998 * square**2) / 4 if second > sqrt(m) else m
