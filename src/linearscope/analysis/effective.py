"""Effective probing: windows as wide as F's entries are large, and what that leaves out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log, prod
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from linearscope.analysis.probing import Probing
from linearscope.interpreter import LinearInterpreter
from linearscope.interpreter.windows import AxisSupport, Support

__all__ = ["Aliasing", "aliasing", "aligned", "decay_radius", "windowed"]

#: Random products behind the bound, and the probability with which it holds.
PRODUCTS: Final = 16
CONFIDENCE: Final = 0.999
# Columns whose decay is measured, and lines that are compared at the end.
_SAMPLES: Final = 12
_CHECKED: Final = 6

Floats = npt.NDArray[np.float64]


class _Matrix(Protocol):
    def matvec(self, v: Tensor, /) -> Tensor: ...
    def columns(self, indices: list[int], /) -> Tensor: ...
    def rows(self, indices: list[int], /) -> Tensor: ...


@dataclass(frozen=True)
class Aliasing:
    """How far the F of effective mode is from F: what lies outside the windows, and where it came to lie instead.

    Attributes
    ----------
    bound
        Upper bound of ``|F~ - F| / |F|`` in the Frobenius norm; it holds with probability ``confidence``, whatever the
        network and the image.
    estimate
        The same ratio as it is most likely.
    confidence
        Probability with which the bound holds.
    checked
        The same ratio over some real columns (or rows), computed one by one.
    radius
        Half width of the windows in pixels of the output.
    """

    bound: float
    estimate: float
    confidence: float
    checked: float
    radius: int


def aligned(support: Support) -> Support:
    """The same support with rows and columns of dense images matched by position, so that windows can be cut there."""
    axes = list(support.axes)
    taken = {axis.output_axis for axis in axes}
    for back in (1, 2):
        a, b = len(axes) - back, len(support.output_shape) - back
        if min(len(axes), len(support.output_shape)) >= 3 and axes[a].output_axis is None and b not in taken:
            whole = np.ones((support.output_shape[b], support.input_shape[a]), dtype=bool)
            axes[a] = AxisSupport(b, whole)
    return replace(support, axes=tuple(axes))


def windowed(support: Support, radius: int) -> Support:
    """The part of the support within ``radius`` output pixels of every input's own place, along every axis."""
    axes = [
        axis if axis.output_axis is None else replace(axis, matrix=axis.matrix & (_distances(axis) <= radius))
        for axis in support.axes
    ]
    return replace(support, axes=tuple(axes))


def decay_radius(it: LinearInterpreter, support: Support, tolerance: float) -> int:
    """The smallest radius for which the error's bound will be about ``tolerance``, from the decay of some columns."""
    size = prod(support.input_shape)
    places = np.random.default_rng(0).choice(size, min(size, _SAMPLES), replace=False)
    columns = it.columns(places.tolist()).double().cpu().numpy()
    largest = max((max(axis.matrix.shape) for axis in support.axes if axis.output_axis is not None), default=0)
    energy = np.zeros(largest + 2)
    for place, column in zip(places, columns, strict=True):
        where = np.unravel_index(place, support.input_shape)
        distance = np.zeros([1] * len(support.output_shape))
        for axis, i in zip(support.axes, where, strict=True):
            if axis.output_axis is not None:
                shape = [-1 if b == axis.output_axis else 1 for b in range(len(support.output_shape))]
                distance = np.maximum(distance, _distances(axis)[:, i].reshape(shape))
        rings = np.minimum(np.ceil(np.broadcast_to(distance, column.shape)), largest + 1).astype(int)
        energy += np.bincount(rings.ravel(), np.square(column).ravel(), minlength=largest + 2)
    outside = energy.sum() - np.cumsum(energy)
    # What is outside is missing there and is added elsewhere: twice its energy.
    fits = 2 * outside * _looseness() <= tolerance**2 * energy.sum()
    return int(fits.argmax()) if fits.any() else largest


def aliasing(it: LinearInterpreter, matrix: _Matrix, probing: Probing, norm: float, radius: int) -> Aliasing:
    """Bound the error of ``matrix`` by random products, and compare some of its lines with the real ones.

    Notes
    -----
    For a Gaussian g, ``|E g|²`` is ``sum_i a_i z_i²`` with the eigenvalues a of ``EᵀE`` and standard normal z, so that
    for the sum Q of m of them ``E exp(-t Q) <= (1 + 2 t |E|²)^(-m/2)``. By Markov's inequality at the best t,
    ``Q < y m |E|²`` has at most the probability ``(y exp(1 - y))^(m/2)``.
    """
    generator = torch.Generator().manual_seed(0)
    g = torch.randn(PRODUCTS, *it.input_shape, generator=generator, dtype=torch.float64).to(it.point)
    wrong = (it.matvec(g).double() - matrix.matvec(g).double()).square().sum()
    error = float(wrong / PRODUCTS) ** 0.5
    bound = error * _looseness() ** 0.5
    least = norm - bound
    lines = np.random.default_rng(1).choice(prod(probing.asked_shape), min(_CHECKED, prod(probing.asked_shape)), False)
    asked = [int(i) for i in lines]
    if probing.kind == "columns":
        real, mine = it.columns(asked), matrix.columns(asked)
    else:
        real, mine = it.rows(asked), matrix.rows(asked)
    total = float(real.double().norm())
    checked = float((mine.double() - real.double()).norm()) / total if total else 0.0
    return Aliasing(
        bound / least if least > 0 else (inf if bound else 0.0),
        error / norm if norm else 0.0,
        CONFIDENCE,
        checked,
        radius,
    )


def _looseness() -> float:
    """1 / y with ``(y exp(1 - y))^(m/2) = 1 - confidence``: the bound over the estimate, of the energy."""
    low, high = 1e-9, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if log(middle) + 1 - middle < 2 * log(1 - CONFIDENCE) / PRODUCTS else (low, middle)
    return 1 / low


def _distances(axis: AxisSupport) -> Floats:
    """``(outputs, inputs)``: how far an output is from the place of an input, in output pixels, along one axis."""
    outputs, inputs = axis.matrix.shape
    at = np.arange(outputs, dtype=float)
    inner = ~(axis.matrix[0] | axis.matrix[-1]) & axis.matrix.any(0)
    place = (np.arange(inputs) + 0.5) * outputs / inputs - 0.5
    if inner.sum() >= 2:
        middles = (axis.matrix * at[:, None]).sum(0)[inner] / axis.matrix.sum(0)[inner]
        place = np.polyval(np.polyfit(np.flatnonzero(inner), middles, 1), np.arange(inputs))
    return np.asarray(np.abs(at[:, None] - place[None, :]))
