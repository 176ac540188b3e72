"""What methods for singular vectors share: the matrix they ask, its products counted, steps, and what they find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Protocol

import torch
from torch import Tensor

from linearscope.errors import InputError

__all__ = ["Exhausted", "Operator", "Products", "Solver", "Step", "Triplets", "rank_error"]


class Operator(Protocol):
    """A matrix that is asked by products: a :class:`LinearInterpreter`, a stored F, or anything of this form."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one probe."""

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one product."""

    @property
    def shape(self) -> tuple[int, int]:
        """N and n, the numbers of rows and columns."""

    @property
    def dtype(self) -> torch.dtype:
        """Type of probes and products."""

    @property
    def device(self) -> torch.device:
        """Where probes and products are."""

    def matvec(self, v: Tensor, /) -> Tensor:
        """F v for every probe of ``v`` ``(P, *input_shape)``."""

    def rmatvec(self, u: Tensor, /) -> Tensor:
        """F^T u for every ``u`` ``(P, *output_shape)``."""


class Exhausted(Exception):
    """No more products are allowed."""


class Products:
    """Products of flat float64 vectors, made in the operator's type and counted one a vector.

    Parameters
    ----------
    operator
        The matrix.
    limit
        How many products are allowed; the next raises :class:`Exhausted`.

    Attributes
    ----------
    count
        How many vectors have been multiplied with F or its transpose.
    device
        Where the float64 vectors are: beside the operator, or on the CPU where its device has no float64.
    """

    def __init__(self, operator: Operator, limit: float = inf) -> None:
        self.operator, self.limit = operator, limit
        self.count = 0
        self.rows, self.columns = operator.shape
        self.device = torch.device("cpu") if operator.device.type == "mps" else operator.device

    @property
    def epsilon(self) -> float:
        """The relative rounding of one number in the operator's type."""
        return torch.finfo(self.operator.dtype).eps

    def forward(self, v: Tensor) -> Tensor:
        """F v for every row of ``v`` ``(P, n)``."""
        return self._checked(self.operator.matvec(self._given(v, self.operator.input_shape)))

    def back(self, u: Tensor) -> Tensor:
        """F^T u for every row of ``u`` ``(P, N)``."""
        return self._checked(self.operator.rmatvec(self._given(u, self.operator.output_shape)))

    def random(self, count: int, generator: torch.Generator) -> Tensor:
        """``(count, n)`` normally distributed numbers."""
        return torch.randn(count, self.columns, generator=generator, dtype=torch.float64).to(self.device)

    def flat(self, x: Tensor) -> Tensor:
        """``(P, ...)`` as flat float64 vectors."""
        return x.detach().reshape(len(x), -1).to(self.device).double()

    def _given(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        if self.count + len(x) > self.limit:
            raise Exhausted
        return x.to(self.operator.device, self.operator.dtype).reshape(len(x), *shape)

    def _checked(self, product: Tensor) -> Tensor:
        self.count += len(product)
        found = self.flat(product)
        if not torch.isfinite(found).all():
            raise InputError("A product with F overflowed. Interpret the model in float64, or scale its input.")
        return found


@dataclass(frozen=True)
class Step:
    """Where a method stands after a step.

    Attributes
    ----------
    products
        With F and its transpose, so far.
    wanted, converged
        How many triplets are wanted, and how many of them have come below the tolerance.
    residual
        The largest residual of those wanted, divided by the largest singular value; infinite while there are too few.
    """

    products: int
    wanted: int
    converged: int
    residual: float


@dataclass(frozen=True)
class Triplets:
    """Approximate singular triplets, largest first, in float64.

    Attributes
    ----------
    values, inputs, outputs
        ``(k,)``, ``(k, n)`` and ``(k, N)``.
    residuals
        ``(k,)``: what the method itself holds the residuals to be.
    """

    values: Tensor
    inputs: Tensor
    outputs: Tensor
    residuals: Tensor


class Solver(Protocol):
    """A method for singular vectors."""

    def steps(self) -> Iterator[Step]:
        """Work until everything wanted has converged or no more can be done, and say after every step where it is."""

    def found(self) -> Triplets:
        """What has been found by the last step; can be asked at any time, also when a step was interrupted."""


def rank_error(rank: int, count: int) -> InputError:
    """Say that more singular values were asked for than there are."""
    if not rank:
        return InputError(
            "F is zero to the precision of its products: it has no singular vectors. Choose another image or output."
        )
    return InputError(
        f"F has rank {rank} to the precision of its products, and {count} singular values were asked for. Ask for at "
        f"most {rank}."
    )
