"""Singular values and vectors of F without forming it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final

import torch
from torch import Tensor

from linearscope.analysis.svd_lanczos import Lanczos
from linearscope.analysis.svd_power import Power, PrintedPower
from linearscope.analysis.svd_scipy import Scipy
from linearscope.analysis.svd_solver import Exhausted, Operator, Products, Solver, Step, Triplets
from linearscope.errors import InputError, LinearscopeWarning, UnknownNameError
from linearscope.progress import track

__all__ = ["METHODS", "SVD", "Operator", "SVDInterrupted", "Search", "Step", "search", "svd"]

#: The methods, and the options that only they take.
METHODS: Final[dict[str, tuple[str, ...]]] = {
    "gkl": ("block", "basis"),
    "algorithm1": ("momentum", "as_printed", "steps"),
    "arpack": (),
    "propack": (),
}

#: Values nearer than this many residuals are a cluster: such a residual turns their vectors by a tenth or more.
CLUSTER: Final = 10.0


@dataclass(frozen=True)
class SVD:
    """The largest singular values of F and their vectors: ``F v = s u`` and ``F^T u = s v``.

    Attributes
    ----------
    singular_values
        ``(k,)`` float64, largest first.
    eigen_inputs, eigen_outputs
        v ``(k, *input_shape)`` and u ``(k, *output_shape)``, orthonormal, in the type of the matrix and beside it. Of
        the entries of u that are largest in size, the first is positive.
    residuals
        ``(k,)`` float64: the larger of ``|F v - s u|`` and ``|F^T u - s v|``, in the units of s. Measured with products
        of the vectors as they are here, unless the search was interrupted: then what the method holds them to be.
    converged
        ``(k,)`` bool: whether a residual is at most ``tol`` times the largest singular value.
    products
        Products with F and with its transpose, those that measured the residuals included.
    clusters
        Groups of two or more indices whose values are nearer to each other than ten times their residuals. Their
        vectors are any basis of a subspace: compare subspaces.
    method, tol, seconds
        How they were found, to what tolerance, and how long it took.
    complete
        Whether all that was asked for is here and has converged.
    """

    singular_values: Tensor
    eigen_inputs: Tensor
    eigen_outputs: Tensor
    residuals: Tensor
    converged: Tensor
    products: int
    clusters: tuple[tuple[int, ...], ...]
    method: str
    tol: float
    seconds: float
    complete: bool

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.4g}" for value in self.singular_values[:4].tolist())
        more = ", ..." if len(self.singular_values) > 4 else ""
        done = int(self.converged.sum())
        return (
            f"SVD([{values}{more}], {done} of {len(self.converged)} converged to {self.tol:.0e}, "
            f"{self.products} products, {self.method})"
        )


class SVDInterrupted(KeyboardInterrupt):
    """Ctrl-C during :func:`svd`; an uncaught one ends the program as Ctrl-C does.

    Attributes
    ----------
    found
        The triplets that had converged.
    """

    def __init__(self, found: SVD) -> None:
        super().__init__(f"{len(found.singular_values)} singular triplets had converged")
        self.found = found


def svd(
    it: Operator,
    k: int,
    *,
    tol: float = 1e-6,
    method: str = "gkl",
    seed: int = 0,
    max_products: int | None = None,
    watch: Callable[[Step], object] | None = None,
    block: int | None = None,
    basis: int | None = None,
    momentum: float | Sequence[float] | None = None,
    as_printed: bool = False,
    steps: int | None = None,
) -> SVD:
    """Find the k largest singular values of F with their eigen-inputs and eigen-outputs, by products alone.

    Parameters
    ----------
    it
        An interpreter, a stored F, or whatever has their ``shape``, ``input_shape``, ``output_shape``, ``dtype``,
        ``device``, ``matvec`` and ``rmatvec``.
    k
        How many.
    tol
        A triplet has converged when ``max(|F v - s u|, |F^T u - s v|) <= tol * s1``.
    method
        ``"gkl"``: thick-restarted Golub-Kahan-Lanczos. For comparison: ``"algorithm1"``, the power method of the paper;
        ``"arpack"`` and ``"propack"``, those of SciPy. The last three may miss copies of a multiple value, and do not
        look for them.
    seed
        Of the random starts; the same seed gives the same vectors.
    max_products
        Products after which to give up, and to return what there is; default: 1000 + 100 k.
    watch
        Called after every step with a :class:`Step`. When it returns something true, the search ends there, and what
        has converged is returned.
    block
        ``gkl``: how many directions a step multiplies at once, default 1. Larger ones take more products, and less
        time where a device multiplies several as fast as one.
    basis
        ``gkl``: how many inputs, and as many outputs, to keep in float64 before a restart; default: the larger of 4 k
        and 48.
    momentum
        ``algorithm1``: m, or one a triplet; default: found on the way, and 0 as printed.
    as_printed
        ``algorithm1``: exactly as printed, with a sigma that is too small when m is not 0.
    steps
        ``algorithm1``: steps for a triplet; default: as many as it takes, and 100 as printed.

    Returns
    -------
    SVD
        Where products are rounded too coarsely for ``tol``, or ``max_products`` are used up, the triplets reached, with
        their residuals, ``converged`` false, and a :class:`LinearscopeWarning` that says so.

    Raises
    ------
    InputError
        When k is not between 1 and the rank of F, or an option does not fit.
    SVDInterrupted
        On Ctrl-C; it holds the triplets that have converged.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
    <torch._C.Generator object at 0x...>
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3))
    >>> it = ls.interpret(model.double(), torch.rand(1, 1, 8, 8, dtype=torch.float64))
    >>> found = ls.svd(it, 3)
    >>> found.eigen_inputs.shape, found.eigen_outputs.shape
    (torch.Size([3, 1, 8, 8]), torch.Size([3, 1, 6, 6]))
    >>> dense = torch.linalg.svdvals(it.rows(range(36)).flatten(1))
    >>> torch.allclose(found.singular_values, dense[:3])
    True
    >>> bool((found.residuals <= 1e-6 * found.singular_values[0]).all())
    True

    Source: Navarrete Michelini et al. 2019, section 3, for what singular vectors of a network are and Algorithm 1;
    Baglama and Reichel, "Augmented implicitly restarted Lanczos bidiagonalization methods", 2005.
    """
    given = {"block": block, "basis": basis, "momentum": momentum, "as_printed": as_printed or None, "steps": steps}
    _check(it, k, tol, method, max_products, {name: value for name, value in given.items() if value is not None})
    begin = time.perf_counter()
    most = _most(k, max_products)
    products = Products(it, most - 2 * k)
    solver: Solver
    if method == "gkl":
        solver = Lanczos(products, k, tol, seed, block or 1, basis or max(4 * k, 48))
    elif method == "algorithm1":
        each = [momentum] * k if isinstance(momentum, (int, float)) else momentum
        if as_printed:
            solver = PrintedPower(products, k, seed, each or [0.0] * k, steps or 100)
        else:
            solver = Power(products, k, tol, seed, each, steps or most)
    else:
        solver = Scipy(products, k, tol, seed, "propack" if method == "propack" else "arpack")
    looking = Search(products, solver, k, tol, method, begin)
    try:
        ended = looking.run(watch)
        found = looking.result(ended == "watch", measure=True)
    except KeyboardInterrupt:
        raise SVDInterrupted(looking.result(True, measure=False)) from None
    if ended != "watch" and not found.complete:
        _warn(found, k, most, ended == "products", it.dtype)
    elif found.complete and isinstance(solver, Lanczos) and tol < solver.overlooked < inf:
        warnings.warn(
            f"The singular values lie very close to each other: some that are larger than the last by up to "
            f"{solver.overlooked:.1e} of it may have been missed. A larger basis looks further.",
            LinearscopeWarning,
            stacklevel=2,
        )
    return found


def search(it: Operator, k: int, *, tol: float = 1e-6, seed: int = 0, max_products: int | None = None) -> Search:
    """Begin a search that the caller takes step by step: the ``gkl`` of :func:`svd`, for those who watch it.

    Arguments and errors are those of :func:`svd`.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> it = ls.interpret(torch.nn.Conv2d(1, 1, 3).double(), torch.rand(1, 1, 8, 8, dtype=torch.float64))
    >>> looking = search(it, 2)
    >>> steps = [step.products for step in looking.steps()]
    >>> looking.result(converged_only=False, measure=True).complete
    True
    """
    _check(it, k, tol, "gkl", max_products, {})
    products = Products(it, _most(k, max_products) - 2 * k)
    return Search(products, Lanczos(products, k, tol, seed, 1, max(4 * k, 48)), k, tol, "gkl", time.perf_counter())


def _most(k: int, max_products: int | None) -> int:
    return 1000 + 100 * k if max_products is None else max_products


@dataclass
class Search:
    """A search under way. Made by :func:`search`."""

    products: Products
    solver: Solver
    k: int
    tol: float
    method: str
    begin: float

    @property
    def most(self) -> int:
        """Products after which the search gives up."""
        return int(self.products.limit) + 2 * self.k

    def steps(self) -> Iterator[Step]:
        """Go on step by step, until all has converged, no more can be done, or the products are used up."""
        with suppress(Exhausted):
            yield from self.solver.steps()

    def run(self, watch: Callable[[Step], object] | None) -> str:
        """Go on until the solver, the watcher or the products end it; returns which."""
        shown = 0

        def gained(step: Step) -> int:
            nonlocal shown
            gain, shown = max(0, step.converged - shown), max(shown, step.converged)
            return gain

        try:
            for step in track(self.solver.steps(), "singular vectors", self.k, gained):
                if watch is not None and watch(step):
                    return "watch"
        except Exhausted:
            return "products"
        return "solver"

    def result(self, converged_only: bool, measure: bool) -> SVD:
        """What has been found, or of that what has converged; its residuals measured, or as the method holds them."""
        triplets = self.solver.found()
        largest = float(triplets.values.max()) if len(triplets.values) else 0.0
        if converged_only:
            good = triplets.residuals <= self.tol * largest
            rows = good.to(triplets.inputs.device)
            triplets = Triplets(
                triplets.values[good], triplets.inputs[rows], triplets.outputs[rows], triplets.residuals[good]
            )
        sign = _signs(triplets.outputs)[:, None]
        it, count = self.products.operator, len(triplets.values)
        v = (sign * triplets.inputs).to(it.device, it.dtype).reshape(count, *it.input_shape)
        u = (sign * triplets.outputs).to(it.device, it.dtype).reshape(count, *it.output_shape)
        residuals = triplets.residuals
        if measure and count:
            self.products.limit = inf
            residuals = self._measured(triplets.values, v, u)
        converged = residuals <= self.tol * largest
        return SVD(
            triplets.values,
            v,
            u,
            residuals,
            converged,
            self.products.count,
            _clusters(triplets.values.tolist(), residuals.tolist(), torch.finfo(it.dtype).eps * largest),
            self.method,
            self.tol,
            time.perf_counter() - self.begin,
            count == self.k and bool(converged.all()),
        )

    def _measured(self, values: Tensor, v: Tensor, u: Tensor) -> Tensor:
        x, y = (self.products.flat(t) for t in (v, u))
        s = values.to(x.device)[:, None]
        there = (self.products.forward(x) - s * y).norm(dim=1)
        back = (self.products.back(y) - s * x).norm(dim=1)
        return torch.maximum(there, back).cpu()


def _signs(u: Tensor) -> Tensor:
    """The sign of every row's first entry among those that are largest but for rounding."""
    if not len(u):
        return u.new_ones(0)
    sizes = u.abs()
    first = (sizes >= (1 - 1e-6) * sizes.max(1, keepdim=True).values).int().argmax(1, keepdim=True)
    return torch.where(u.gather(1, first) < 0, -1.0, 1.0)[:, 0].to(u)


def _clusters(values: Sequence[float], residuals: Sequence[float], noise: float) -> tuple[tuple[int, ...], ...]:
    """Groups of neighbours that are nearer than their residuals, or the rounding of products, tell apart."""
    groups: list[list[int]] = []
    for i, value in enumerate(values):
        if i and abs(values[i - 1] - value) <= CLUSTER * max(residuals[i - 1], residuals[i], noise):
            groups[-1].append(i)
        else:
            groups.append([i])
    return tuple(tuple(group) for group in groups if len(group) > 1)


def _warn(found: SVD, k: int, most: int, exhausted: bool, dtype: torch.dtype) -> None:
    done = int(found.converged.sum())
    if exhausted:
        said = f"After {most} products {done} of {k} singular triplets have converged to {found.tol:g}; the others are "
        said += "returned as they are. Allow more with max_products, or ask for a larger tol."
    else:
        reached = float(found.residuals.max() / found.singular_values[0])
        said = (
            f"The residuals reach {reached:.0e} of the largest singular value and not {found.tol:g}, which {done} of "
        )
        said += f"{k} triplets do. "
        if found.method == "gkl":
            said += f"That is what products in {str(dtype).removeprefix('torch.')} give: "
            said += (
                "ask for a larger tol" if dtype == torch.float64 else "interpret in float64, or ask for a larger tol"
            )
            said += "."
        else:
            said += "Allow more steps, or take method='gkl'."
    warnings.warn(said, LinearscopeWarning, stacklevel=3)


def _check(it: Operator, k: int, tol: float, method: str, max_products: int | None, options: dict[str, Any]) -> None:
    if method not in METHODS:
        raise UnknownNameError("method", method, METHODS)
    for name in options:
        if name not in METHODS[method]:
            owner = next(one for one, names in METHODS.items() if name in names)
            raise InputError(f"The method {method!r} takes no {name}; it is for {owner!r}. Leave it out.")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"k is {k!r}; give how many singular values to find, at least 1.")
    rows, columns = it.shape
    most = min(rows, columns)
    if k > most:
        raise InputError(f"F is {rows} x {columns} and has {most} singular values; {k} were asked for. Ask for fewer.")
    if method == "arpack" and k == most:
        raise InputError(f"ARPACK finds at most {most - 1} of the {most} singular values of F. Take method='gkl'.")
    if not isinstance(tol, (int, float)) or not isfinite(tol) or not 0 < tol < 1:
        raise InputError(f"tol is {tol!r}; give a number between 0 and 1, such as 1e-6.")
    if max_products is not None and max_products < 2 * k + 2:
        raise InputError(
            f"max_products is {max_products}; {k} triplets take at least {2 * k + 2}, {2 * k} of them for residuals."
        )
    block = options.get("block", 1)
    for name, least in (("block", 1), ("steps", 1), ("basis", k + 2 * block + 2)):
        value = options.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{name} is {value!r}; give a whole number of at least {least}.")
    momentum = options.get("momentum", 0.0)
    each = [momentum] if isinstance(momentum, (int, float)) else list(momentum)
    if not all(isfinite(m) and m >= 0 for m in each) or (each is not momentum and len(each) not in (1, k)):
        raise InputError(f"momentum is {momentum!r}; give a number of at least 0, or {k} of them.")
