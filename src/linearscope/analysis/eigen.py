"""The first eigen-inputs and eigen-outputs of a map between images: where they are, how wide, which way, how fine."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

from torch import Tensor

from linearscope.analysis.pattern import Pattern, pattern
from linearscope.analysis.svd import SVD, svd
from linearscope.errors import LinearscopeWarning
from linearscope.interpreter import LinearInterpreter

__all__ = ["EigenPair", "EigenPairs", "eigen_pairs"]

#: Products after which the search ends, and how many more for each triplet.
FEWEST: Final = 200
EACH: Final = 50


@dataclass(frozen=True)
class EigenPair:
    """One singular triplet: ``F v = s u`` and ``F^T u = s v``.

    Attributes
    ----------
    singular_value, residual
        s, and the larger of ``|F v - s u|`` and ``|F^T u - s v|``.
    eigen_input, eigen_output
        v ``(C, H, W)`` and u ``(D, sH, sW)``, of norm 1.
    input_pattern, output_pattern
        What they look like.
    """

    singular_value: float
    residual: float
    eigen_input: Tensor
    eigen_output: Tensor
    input_pattern: Pattern
    output_pattern: Pattern


@dataclass(frozen=True)
class EigenPairs:
    """The first singular triplets of a map.

    Attributes
    ----------
    pairs
        Largest singular value first.
    products
        With F and its transpose, that they took.
    tol
        The residuals are below this part of the largest singular value, if ``complete``.
    complete
        Whether all converged.
    notes
        What must be known of them, one sentence each, such as that products ran out.
    """

    pairs: tuple[EigenPair, ...]
    products: int
    tol: float
    complete: bool
    notes: tuple[str, ...]


def eigen_pairs(it: LinearInterpreter, k: int, *, tol: float = 1e-4) -> EigenPairs:
    """Find the first ``k`` singular triplets, to ``tol`` of the largest singular value, and describe them.

    Where values lie close to each other, as those of linear space-invariant maps do, the search ends before they are
    told apart, and a note says so.

    Source: Navarrete Michelini et al. 2019, section 3 and Fig. 5, 12 and 14.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LinearscopeWarning)
        found: SVD = svd(it, k, tol=tol, max_products=FEWEST + EACH * k)
    return EigenPairs(
        tuple(
            EigenPair(float(value), float(residual), v.cpu(), u.cpu(), pattern(v), pattern(u))
            for value, residual, v, u in zip(
                found.singular_values, found.residuals, found.eigen_inputs, found.eigen_outputs, strict=True
            )
        ),
        found.products,
        found.tol,
        found.complete,
        tuple(str(one.message) for one in caught if issubclass(one.category, LinearscopeWarning)),
    )
