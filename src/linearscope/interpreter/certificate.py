"""The measured proof that an interpreter is exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from linearscope.errors import CertificateError

__all__ = ["TOLERANCE", "Certificate"]

#: What rounding explains, relative to the largest term summed.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-4, torch.float16: 5e-2, torch.bfloat16: 2e-1}


@dataclass(frozen=True)
class Certificate:
    """Errors measured on this image, relative to the largest term summed.

    Attributes
    ----------
    reconstruction
        Error of F x0 + r against the output y0.
    adjoint
        Mismatch of <F v, u> against <v, F^T u> for a random v and u.
    frozen
        How many nodes of each kind were frozen.
    interpretation
        ``"freeze"``, ``"freeze-deviation"`` or ``"taylor"``.
    dtype
        Type of the numbers.
    tolerance
        What rounding explains in this type; more raises.
    notes
        What was done to the model on the way.
    """

    reconstruction: float
    adjoint: float
    frozen: Mapping[str, int]
    interpretation: str
    dtype: torch.dtype
    tolerance: float
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.frozen.items()) or "nothing"
        lines = [
            f"F x0 + r against y0: {self.reconstruction:.1e} relative error",
            f"<F v, u> against <v, F^T u>: {self.adjoint:.1e}",
            f"{self.interpretation}: {kinds}",
            *self.notes,
        ]
        return "\n".join(lines)

    def check(self) -> None:
        """Raise :class:`CertificateError` when an error is more than rounding explains."""
        for name, error in (("reconstruction", self.reconstruction), ("adjoint", self.adjoint)):
            if not error <= self.tolerance:
                raise CertificateError(
                    f"The {name} error is {error:.1e} and rounding in {self.dtype} explains {self.tolerance:.0e}; "
                    "try the model in float64, and if it stays, a rule is wrong: please report the model."
                )
