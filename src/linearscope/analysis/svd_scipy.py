"""ARPACK and PROPACK through SciPy, for comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import numpy as np
import torch
from torch import Tensor

from linearscope.analysis.svd_solver import Exhausted, Products, Step, Triplets
from linearscope.errors import InputError

__all__ = ["Scipy"]

#: How many vectors PROPACK may keep.
ROOM: Final = 500


class Scipy:
    """``scipy.sparse.linalg.svds`` in float64 on the counted products.

    Parameters
    ----------
    products
        Of the matrix.
    count
        How many triplets.
    tol
        Handed on.
    seed
        Of the random start.
    solver
        ``"arpack"`` (Lanczos on F^T F) or ``"propack"`` (Golub-Kahan-Lanczos with partial reorthogonalisation).
    """

    def __init__(
        self, products: Products, count: int, tol: float, seed: int, solver: Literal["arpack", "propack"]
    ) -> None:
        self.products, self.count, self.tol, self.seed, self.solver = products, count, tol, seed, solver
        none, nothing = torch.zeros(0, dtype=torch.float64), torch.zeros(0, 0, dtype=torch.float64)
        self.triplets = Triplets(none, nothing, nothing, none)

    def steps(self) -> Iterator[Step]:
        """See :class:`~linearscope.analysis.svd_solver.Solver`."""
        from scipy.sparse.linalg import ArpackError, LinearOperator, svds

        def columns(function: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
            def run(array: Any) -> Any:
                given = torch.as_tensor(np.ascontiguousarray(array.reshape(len(array), -1).T)).to(self.products.device)
                found = function(given).T.cpu().numpy()
                return found.reshape(-1) if array.ndim == 1 else found

            return run

        forward, back = columns(self.products.forward), columns(self.products.back)
        shape = (self.products.rows, self.products.columns)
        operator = LinearOperator(shape, forward, back, matmat=forward, rmatmat=back, dtype=np.float64)
        generator = np.random.default_rng(self.seed)
        start = generator.standard_normal(min(shape) if self.solver == "arpack" else shape[0])
        # PROPACK does not restart; its own limit, of 10 a triplet, is too few for values that lie close to each other.
        most = min(*shape, max(ROOM, 10 * self.count)) if self.solver == "propack" else None
        try:
            u, s, vt = svds(
                operator, self.count, tol=self.tol, v0=start, maxiter=most, solver=self.solver, rng=generator
            )
        except (ArpackError, np.linalg.LinAlgError) as error:
            raise InputError(
                f"{self.solver.upper()} did not converge: {str(error).rstrip('.')}. Take method='gkl', or a larger tol."
            ) from error
        except Exhausted:
            raise self._stopped() from None
        except SystemError as error:  # what PROPACK makes of an exception in a product
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            if isinstance(error.__cause__, Exhausted):
                raise self._stopped() from None
            raise
        order = np.argsort(-s, kind="stable")
        values, inputs, outputs = (torch.from_numpy(np.ascontiguousarray(x)) for x in (s[order], vt[order], u.T[order]))
        place = self.products.device
        self.triplets = Triplets(values, inputs.to(place), outputs.to(place), torch.zeros_like(values))
        yield Step(self.products.count, self.count, self.count, 0.0)

    def _stopped(self) -> InputError:
        return InputError(
            f"{self.solver.upper()} did not converge within the products that max_products allows. Allow more, or take "
            "method='gkl'."
        )

    def found(self) -> Triplets:
        """See :class:`~linearscope.analysis.svd_solver.Solver`."""
        return self.triplets
