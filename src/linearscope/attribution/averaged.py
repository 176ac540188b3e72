"""Gradients averaged over points: on the way from a baseline to the image, or around the image."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from linearscope.attribution.copies import mean_gradient, reference
from linearscope.attribution.engine import at_targets
from linearscope.attribution.explainer import Explainer
from linearscope.attribution.methods import Made, register_method
from linearscope.attribution.result import Check
from linearscope.errors import InputError

__all__: list[str] = []


@register_method(
    "integrated-gradients", "integrated gradients", "Sundararajan et al., 2017", family="path", heatmap="positive",
    steps="points on the way (Gauss-Legendre)", baseline="a number, (1, C, 1, 1) or (1, C, H, W), in the model's units",
)  # fmt: skip
def _integrated(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, steps: int = 50,
    baseline: float | Tensor = 0.0,
) -> Made:  # fmt: skip
    if not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps is {steps!r}; give the number of points on the way, at least 1.")
    start = reference(images, baseline)
    places, weights = np.polynomial.legendre.leggauss(steps)
    alphas: list[float] = ((1 + places) / 2).tolist()

    def point(step: int, at: int) -> Tensor:
        return start[at] + alphas[step] * (images[at] - start[at])

    mean = mean_gradient(explainer, images, targets, (weights / 2).tolist(), point, "integrating gradients")
    values = (images - start) * mean
    scores, before = (at_targets(explainer.program(end), targets) for end in (images, start.contiguous()))
    found = values.flatten(1).sum(1, dtype=torch.float64)
    name = "the values sum to the score less the baseline's score, up to the steps' error"
    return Made(values, check=Check.of(name, scores - before, found, exact=False), scores=scores)


@register_method(
    "smooth-grad", "SmoothGrad", "Smilkov et al., 2017", family="gradient", heatmap="magnitude",
    samples="how many noisy copies", noise="standard deviation of the noise, as a share of the image's range",
    seed="of the noise; all images get the same",
)  # fmt: skip
def _smooth(
    explainer: Explainer, images: Tensor, targets: Tensor, layer: str | None, samples: int = 50, noise: float = 0.15,
    seed: int = 0,
) -> Made:  # fmt: skip
    if not isinstance(samples, int) or samples < 1:
        raise InputError(f"samples is {samples!r}; give the number of noisy copies, at least 1.")
    if not noise >= 0:
        raise InputError(f"noise is {noise:g}; give a share of the image's range that is not negative.")
    if not isinstance(seed, int):
        raise InputError(f"seed is {seed!r}; give a whole number.")
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(samples, *images.shape[1:], generator=generator, dtype=images.dtype).to(images.device)
    flat = images.flatten(1)
    deviations = noise * (flat.amax(1) - flat.amin(1))

    def point(step: int, at: int) -> Tensor:
        return images[at] + deviations[at] * drawn[step]

    return Made(mean_gradient(explainer, images, targets, [1 / samples] * samples, point, "averaging gradients"))
