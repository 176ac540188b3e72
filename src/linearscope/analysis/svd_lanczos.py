"""Golub-Kahan-Lanczos: singular triplets from a small subspace that products improve, restarted when it is full."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from math import inf, pi, sqrt
from typing import Final

import torch
from torch import Tensor

from linearscope.analysis.svd_solver import Products, Step, Triplets, rank_error

__all__ = ["Lanczos"]

#: Chance with which the search for what was missed may miss it.
CHANCE: Final = 1e-3
#: A new direction below this many times the rounding of the products is none.
FLOOR: Final = 4.0
#: How many steps the search for what was missed may take beyond a full basis.
ROOM: Final = 24
#: How many such searches may end without an answer before it is left open.
ROUNDS: Final = 1


class Lanczos:
    """Thick-restarted block Golub-Kahan-Lanczos with full reorthogonalisation.

    Orthonormal rows V and U span a subspace of inputs and one of outputs. Up to rounding ``F^T U^T = V^T M^T`` for all
    rows of V, and ``F V^T = U^T B`` for those that have been multiplied; B is their part of M. The others are pending:
    the directions in which the triplets of B are not yet those of F. Each step multiplies the pending direction that
    the wanted triplets lack most.

    A single start finds one vector of a multiple singular value. When all wanted triplets have converged a random start
    in the complement of the subspace therefore looks for more. It goes on until it would have shown a vector outside of
    the subspace with a value as large as the last wanted, but for a chance of 1 in 1000.

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
    block
        How many directions a step multiplies.
    basis
        How many rows V may have before a restart.

    Attributes
    ----------
    overlooked
        No singular value is missing that is larger than the last wanted by more than this part of it, but for that
        chance; infinite before the search.

    Source: Baglama and Reichel, "Augmented implicitly restarted Lanczos bidiagonalization methods", 2005; block form,
    Golub, Luk and Overton, "A block Lanczos method for computing the singular values of a matrix", 1981.
    """

    def __init__(self, products: Products, count: int, tol: float, seed: int, block: int, basis: int) -> None:
        self.products, self.count, self.tol, self.block, self.basis = products, count, tol, block, basis
        self.generator = torch.Generator().manual_seed(seed)
        self.v, self.u = _Rows(products.columns, products.device), _Rows(products.rows, products.device)
        self.m = torch.zeros(0, 0, dtype=torch.float64)
        self.active = 0
        self.noise = 0.0
        self.wanted = count
        self.overlooked = inf
        self.ritz = _Ritz.empty()

    # -- what others ask ---------------------------------------------------------------------------------------------

    def steps(self) -> Iterator[Step]:
        """See :class:`~linearscope.analysis.svd_solver.Solver`."""
        self._pend(self.products.random(self.block, self.generator))
        rounds = 0
        while True:
            yield from self._converge()
            if self.rank < self.count:
                raise rank_error(self.rank, self.count)
            if rounds == ROUNDS:
                return
            overlooked = yield from self._overlooked()
            if overlooked is False:
                self.overlooked = self.tol
                return
            if overlooked is None:  # what is there comes close: let it converge among the others, and look again
                rounds += 1
                self.wanted = min(self.wanted + 1, self.basis // 2 + self.count // 2)

    def found(self) -> Triplets:
        """See :class:`~linearscope.analysis.svd_solver.Solver`."""
        ritz, k = self.ritz, min(self.count, len(self.ritz.values))
        place = self.products.device
        return Triplets(
            ritz.values[:k].clone(),
            ritz.right[:, :k].T.to(place) @ ritz.v,
            ritz.left[:, :k].T.to(place) @ ritz.u,
            ritz.residuals[:k].clone(),
        )

    # -- the two phases ----------------------------------------------------------------------------------------------

    def _converge(self) -> Iterator[Step]:
        """Improve until the wanted triplets have converged."""
        while True:
            lacking = self._lacking()
            if not len(lacking) and len(self.ritz.values) >= self.wanted:
                return
            if self.active == self.products.columns:
                raise rank_error(self.rank, self.count)
            if self.active + self.block > self.basis:
                self._restart()
                lacking = self._lacking()
            before, started = len(self.u), not self.pending
            rotation = self._pend(self.products.random(1, self.generator)) if started else self._towards(lacking)
            self._expand(rotation, self.block)
            if started and len(self.u) == before:
                raise rank_error(
                    self.rank, self.count
                )  # a random direction outside of the subspace would have shown more
            yield self._step()

    def _overlooked(self) -> Generator[Step, None, bool | None]:
        """Look for a larger triplet than the last wanted elsewhere; ``None`` when it cannot be told yet.

        Eliminating the triplets of the subspace that have not converged leaves, on the complement of the inputs,
        ``F^T F`` and a known matrix on the pending rows. Nothing is missing when its eigenvalues are below the square
        of the last wanted value, which a Lanczos chain from a random start shows.
        """
        start, ritz, waiting = self.active, self.ritz, self.pending
        square = (float(ritz.values[self.count - 1]) * (1 + self.tol)) ** 2
        rest = ritz.values[self.wanted :]
        weighted = (rest / (square - rest**2).clamp(min=0).sqrt())[:, None] * ritz.coupling[self.wanted :]
        rotation = self._pend(self.products.random(1, self.generator))
        # The known matrix is known.T @ known, by its coefficients on the rows from ``start`` on.
        known = torch.cat([weighted, weighted.new_zeros(len(weighted), self.pending - waiting)], 1)
        along, down = list[float](), list[float]()
        while self.pending:
            if self.active >= max(self.basis, start + ROOM):
                self.overlooked = self._resolution(along, down, square)
                return None
            done = self.active - start
            known = torch.cat([known[:, :done], known[:, done:] @ rotation], 1)
            self._expand(rotation, 1)
            yield self._step()
            if len(self._lacking()):
                return True
            known = torch.cat([known, known.new_zeros(len(known), len(self.v) - start - known.shape[1])], 1)
            image = self.m[:, start:].T @ self.m[:, start + done] + known.T @ known[:, done]
            along.append(float(image[done]))
            ahead = image[done + 1 :]
            down.append(float(ahead.norm()))
            if not down[-1] > self._target() ** 2 or _missed(along, down, square, self.products.columns) < CHANCE:
                break
            rotation = torch.linalg.qr(ahead[:, None], mode="complete")[0]
        return False

    def _resolution(self, along: list[float], down: list[float], square: float) -> float:
        """How far above the last wanted value something may lie that the chain would not have shown."""
        above = self.tol
        while above < 1 and _missed(along, down, square * (1 + above) ** 2, self.products.columns) >= CHANCE:
            above *= 1.25
        return above

    # -- the subspace ------------------------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """How many rows of V have not been multiplied."""
        return len(self.v) - self.active

    def _pend(self, x: Tensor) -> Tensor:
        """Take random rows among the pending ones; returns the rotation that puts what they are there first."""
        size = x.norm(dim=1, keepdim=True)
        x, coefficients = self.v.orthogonalise(x / size)
        new, factor = _split(x, 1e-12)
        self.v.append(self.v.orthonormal(new))
        self.m = torch.cat([self.m, self.m.new_zeros(len(self.m), len(new))], 1)
        inside = torch.cat([coefficients[self.active :], factor], 0)  # of each row, on what is pending now
        rotation: Tensor = torch.linalg.qr(inside, mode="complete")[0]
        return rotation

    def _expand(self, rotation: Tensor, width: int) -> None:
        """Multiply the first ``width`` pending rows, after rotating all of them."""
        at, width = self.active, min(width, self.pending)
        self.v.rotate_tail(at, rotation)
        m = self.m.clone()
        m[:, at:] = m[:, at:] @ rotation
        image, inside = self.u.orthogonalise(self.products.forward(self.v.rows[at : at + width]))
        if len(m):
            self.noise = max(self.noise, float((inside - m[:, at : at + width]).abs().max()))
        m[:, at : at + width] = inside
        new, factor = _split(image, self._floor(image))
        new = new[: self.products.rows - len(self.u)]
        factor = factor[: len(new)]
        fresh = m.new_zeros(len(new), m.shape[1])
        fresh[:, at : at + width] = factor
        m = torch.cat([m, fresh])
        self.u.append(self.u.orthonormal(new))
        if len(new):
            back, inside = self.v.orthogonalise(self.products.back(self.u.rows[len(self.u) - len(new) :]))
            m[len(m) - len(new) :, at + width :] = inside[at + width :].T
            rest, factor = _split(back, self._floor(back))
            rest = rest[: self.products.columns - len(self.v)]
            tail = m.new_zeros(len(m), len(rest))
            tail[len(m) - len(new) :] = factor[: len(rest)].T
            m = torch.cat([m, tail], 1)
            self.v.append(self.v.orthonormal(rest))
        self.m, self.active = m, at + width
        self._project()

    def _project(self) -> None:
        """Find the triplets of the subspace."""
        if not self.active or not len(self.u):
            self.ritz = _Ritz.empty()
            return
        left, values, right = torch.linalg.svd(self.m[:, : self.active], full_matrices=False)
        coupling = left.T @ self.m[:, self.active :]
        self.ritz = _Ritz(
            values, left, right.T, coupling, coupling.norm(dim=1), self.v.rows[: self.active], self.u.rows
        )

    def _restart(self) -> None:
        """Keep the wanted triplets and some of the next."""
        ritz = self.ritz
        keep = min(len(ritz.values), self.wanted + (self.basis - self.wanted) // 2)
        pending = self.v.rows[self.active :].clone()
        self.v = self.v.rotated(ritz.right[:, :keep], self.active)
        self.v.append(pending)
        self.u = self.u.rotated(ritz.left[:, :keep], len(self.u))
        self.m = torch.cat([ritz.values[:keep].diag(), ritz.coupling[:keep]], 1)
        self.active = keep
        self._project()

    def _lacking(self) -> Tensor:
        """How the wanted triplets that have not converged hang on the pending rows."""
        wanted = self.ritz.residuals[: self.wanted] > self._target()
        rows = self.ritz.coupling[: self.wanted][wanted]
        # With too few triplets every direction is welcome.
        return self.ritz.coupling if not len(rows) and len(self.ritz.values) < self.wanted else rows

    def _towards(self, lacking: Tensor) -> Tensor:
        """The rotation of the pending rows that puts those first which are lacked most."""
        if not len(lacking):
            return torch.eye(self.pending, dtype=torch.float64)
        directions: Tensor = torch.linalg.svd(lacking)[2]
        return directions.T

    def _target(self) -> float:
        """What residuals must come below, so that with the rounding of a product they are below the tolerance.

        Where products are too coarse for that, what can be reached.
        """
        wanted = self.tol * float(self.ritz.values[0]) if len(self.ritz.values) else 0.0
        return max(0.7 * wanted - self.noise, 0.1 * wanted, self.noise)

    def _floor(self, x: Tensor) -> float:
        """What is too small to be told from the rounding of products."""
        largest = float(self.ritz.values[0]) if len(self.ritz.values) else float(x.norm())
        return FLOOR * max(self.noise, self.products.epsilon * largest)

    def _step(self) -> Step:
        values, residuals = self.ritz.values, self.ritz.residuals[: self.count]
        largest = float(values[0]) if len(values) else 0.0
        enough = len(residuals) == self.count and largest > 0
        return Step(
            self.products.count,
            self.count,
            int((residuals <= self._target()).sum()),
            float(residuals.max()) / largest if enough else inf,
        )

    @property
    def rank(self) -> int:
        """How many values of the subspace are more than the rounding of a product."""
        if not len(self.ritz.values):
            return 0
        size = max(self.products.rows, self.products.columns)
        rounding = 2 * sqrt(size) * self.products.epsilon * float(self.ritz.values[0])
        return int((self.ritz.values > rounding).sum())


@dataclass(frozen=True)
class _Ritz:
    """The triplets of the subspace, by their coefficients on the rows of V and U."""

    values: Tensor
    left: Tensor
    right: Tensor
    coupling: Tensor
    residuals: Tensor
    v: Tensor
    u: Tensor

    @classmethod
    def empty(cls) -> _Ritz:
        none, nothing = torch.zeros(0, dtype=torch.float64), torch.zeros(0, 0, dtype=torch.float64)
        return cls(none, nothing, nothing, nothing, none, nothing, nothing)


class _Rows:
    """Orthonormal rows, float64, in a buffer that grows."""

    def __init__(self, length: int, device: torch.device) -> None:
        self.buffer = torch.empty(0, length, dtype=torch.float64, device=device)
        self.count = 0

    def __len__(self) -> int:
        return self.count

    @property
    def rows(self) -> Tensor:
        return self.buffer[: self.count]

    def append(self, x: Tensor) -> None:
        room = self.count + len(x)
        if room > len(self.buffer):
            buffer = self.buffer.new_empty(room + 16, self.buffer.shape[1])
            buffer[: self.count] = self.rows
            self.buffer = buffer
        self.buffer[self.count : room] = x
        self.count = room

    def orthogonalise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Take out of every row of ``x`` what lies in these rows; returns the rest and the coefficients, on the CPU."""
        coefficients = torch.zeros(self.count, len(x), dtype=torch.float64, device=x.device)
        for _ in range(4):
            before = x.norm(dim=1)
            found = self.rows @ x.T
            x, coefficients = x - found.T @ self.rows, coefficients + found
            if bool((x.norm(dim=1) >= 0.7 * before).all()):
                break
        return x, coefficients.cpu()

    def orthonormal(self, x: Tensor) -> Tensor:
        """Rows that are orthonormal but for rounding, made so to the last digits."""
        if len(x) < 2:  # a single one has been left by orthogonalise as it should be
            return x
        x, _ = self.orthogonalise(x)
        q, r = torch.linalg.qr(x.T)
        signed: Tensor = q * r.diag().sign()
        return signed.T

    def rotate_tail(self, start: int, rotation: Tensor) -> None:
        if self.count > start:
            self.buffer[start : self.count] = rotation.T.to(self.buffer) @ self.buffer[start : self.count]

    def rotated(self, rotation: Tensor, count: int) -> _Rows:
        """New rows that are combinations of the first ``count``; the old ones stay as they are."""
        new = _Rows(self.buffer.shape[1], self.buffer.device)
        new.buffer = torch.empty_like(self.buffer)
        new.count = rotation.shape[1]
        torch.matmul(rotation.T.to(self.buffer), self.buffer[:count], out=new.buffer[: new.count])
        return new


def _split(x: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    """Orthonormal rows ``q`` and ``factor`` with ``x^T = q^T factor``, without directions no larger than ``floor``."""
    q, values, mixed = torch.linalg.svd(x.T, full_matrices=False)
    real = values > floor
    return q[:, real].T, (values[:, None] * mixed)[real].cpu()


def _missed(along: list[float], down: list[float], value: float, size: int) -> float:
    """Bound the chance that a random start of a Lanczos chain leads past an eigenvalue of ``value`` or more.

    The eigenvector has on the vectors of the chain its part of the start times polynomials that the chain knows. Their
    squares sum to one at most, which bounds that part; a random vector of ``size`` numbers has so small a part of a
    given one with a chance of at most ``sqrt(2 size / pi)`` times it.

    Parameters
    ----------
    along, down
        Diagonal and subdiagonal of the chain's matrix, the way to the next vector included.
    value
        Of the eigenvalue.
    size
        Length of the start.
    """
    before, now, total, last = 0.0, 1.0, 1.0, 0.0
    for middle, below in zip(along, down, strict=True):
        before, now, last = now, ((value - middle) * now - last * before) / below, below
        if now <= 0:
            return 1.0  # the chain has an eigenvalue that large itself
        total += now**2
    return sqrt(2 * size / pi / total)
