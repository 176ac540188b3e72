"""Architectures nobody thought of: random graphs of layers keep all four identities."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import linearscope as ls
from tests.zoo.measure import errors, randomise

_WIDTH = 4
_POINTWISE = ("relu", "leaky_relu", "silu", "gelu", "tanh", "sigmoid", "hardswish", "elu", "relu6", "softplus")
_LAYERS = (
    "conv",
    "depthwise",
    "batch_norm",
    "instance_norm",
    "group_norm",
    "layer_norm",
    "max_pool",
    "avg_pool",
    "up",
    "shuffle",
)
_JOINTS = ("add", "in_place_add", "concat", "gate", "product", "maximum", "attention")

_step = st.tuples(st.sampled_from(_POINTWISE + _LAYERS + _JOINTS + ("conv", "relu")), st.integers(0, 5))


class Generated(nn.Module):
    """Each step takes the latest value and, for joints, an earlier one of the same shape."""

    def __init__(self, steps: list[tuple[str, int]]) -> None:
        super().__init__()
        self.steps = steps
        self.stem = nn.Conv2d(3, _WIDTH, 3, padding=1)
        made: dict[str, nn.Module] = {
            "conv": nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1), "batch_norm": nn.BatchNorm2d(_WIDTH),
            "depthwise": nn.Conv2d(_WIDTH, _WIDTH, 3, padding=2, dilation=2, groups=_WIDTH, padding_mode="reflect"),
            "instance_norm": nn.InstanceNorm2d(_WIDTH, affine=True), "group_norm": nn.GroupNorm(2, _WIDTH),
            "layer_norm": nn.GroupNorm(1, _WIDTH), "concat": nn.Conv2d(2 * _WIDTH, _WIDTH, 1),
        }  # fmt: skip
        self.made = nn.ModuleDict(made)
        self.head = nn.Linear(_WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        values = [self.stem(x)]
        for kind, back in self.steps:
            y = values[-1]
            same = [value for value in values[:-1] if value.shape == y.shape] or [y]
            values.append(self.apply_step(kind, y, same[-1 - back % len(same)]))
        out: Tensor = self.head(values[-1].mean((2, 3)))
        return out

    def apply_step(self, kind: str, y: Tensor, other: Tensor) -> Any:
        if kind in _POINTWISE:
            return getattr(F, kind)(y) if kind not in ("tanh", "sigmoid") else getattr(torch, kind)(y)
        if kind == "concat":
            return self.made["concat"](torch.cat([other, y], 1))
        if kind in self.made:
            return self.made[kind](y)
        if kind == "max_pool":
            return F.max_pool2d(y, 3, 2, 1) if y.shape[-1] >= 4 else F.max_pool2d(y, 3, 1, 1)
        if kind == "avg_pool":
            return F.avg_pool2d(y, 3, 1, 1)
        if kind == "up":
            return F.interpolate(y, scale_factor=2, mode="bilinear") if y.shape[-1] <= 4 else y.flip(3)
        if kind == "shuffle":
            return F.channel_shuffle(y, 2)
        if kind == "add":
            return y + other
        if kind == "in_place_add":
            z = y.clone()
            z += other
            return z
        if kind == "gate":
            return y * torch.sigmoid(other.mean((2, 3), keepdim=True))
        if kind == "product":
            return 0.5 * y * other
        if kind == "maximum":
            return torch.maximum(y, other)
        tokens, keys = y.flatten(2).transpose(1, 2), other.flatten(2).transpose(1, 2)
        return F.scaled_dot_product_attention(tokens, keys, tokens).transpose(1, 2).reshape(y.shape)


@settings(deadline=None, max_examples=20, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(_step, min_size=2, max_size=9), st.sampled_from(["freeze", "taylor"]), st.integers(0, 1000))
def test_generated_architectures_are_exact(steps: list[tuple[str, int]], interpretation: str, seed: int) -> None:
    torch.manual_seed(seed)
    image = torch.randn(1, 3, 6, 6, dtype=torch.float64)
    model = randomise(Generated(steps).double(), image, seed)
    it = ls.interpret(model, image, interpretation=interpretation, memory="stream" if seed % 2 else "store")
    assert {key: error for key, error in errors(it).items() if not error <= 1e-12} == {}
    if interpretation == "taylor":
        jacobian = torch.autograd.functional.jacobian(model, image)[0, :, 0]
        rows = it.rows(range(3))
        assert float((rows - jacobian).abs().max()) <= 1e-11 * max(float(jacobian.abs().max()), 1e-3)
