"""Small networks in float64, every parameter off its default, that the tests of the backward methods share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.analysis.networks import randomised


class Threshold(nn.Module):
    def __init__(self):
        super().__init__()
        self.unit = nn.Threshold(0.0, 0.0)

    def forward(self, x):
        return self.unit(x)


class Modules(nn.Module):
    """A module of its own at every call."""

    def __init__(self, inplace):
        super().__init__()
        self.units = nn.ModuleList(nn.ReLU(inplace) for _ in range(5))
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.units[(self.calls - 1) % 5](x)


#: One rectifier in every spelling. Each entry makes what is called five times on the way.
SPELLINGS: dict[str, Callable[[], Callable[[Tensor], Tensor]]] = {
    "nn.ReLU": lambda: Modules(inplace=False),
    "nn.ReLU in place": lambda: Modules(inplace=True),
    "one nn.ReLU reused": nn.ReLU,
    "F.relu": lambda: F.relu,
    "F.relu in place": lambda: lambda x: F.relu(x, inplace=True),
    "x.relu_()": lambda: lambda x: x.relu_(),
    "clamp(min=0)": lambda: lambda x: x.clamp(min=0),
    "clamp_(min=0)": lambda: lambda x: x.clamp_(min=0),
    "clamp_min": lambda: lambda x: x.clamp_min(0),
    "clamp to a tensor": lambda: lambda x: x.clamp(min=torch.zeros_like(x)),
    "torch.maximum": lambda: lambda x: torch.maximum(x, torch.zeros_like(x)),
    "torch.maximum, other order": lambda: lambda x: torch.maximum(torch.zeros_like(x), x),
    "torch.where": lambda: lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
    "torch.where of a number": lambda: lambda x: torch.where(x > 0, x, 0.0),
    "torch.where, other order": lambda: lambda x: torch.where(x <= 0, 0.0, x),
    "masked_fill": lambda: lambda x: x.masked_fill(x <= 0, 0.0),
    "x * (x > 0)": lambda: lambda x: x * (x > 0),
    "(x > 0).to(x) * x": lambda: lambda x: (x > 0).to(x.dtype) * x,
    "nn.Threshold": Threshold,
    "F.hardtanh": lambda: lambda x: F.hardtanh(x, 0.0, 1e6),
}


class Rectified(nn.Module):
    """Batch norms, a stride, a pool, a skip, a concatenation and a layer used twice, around one rectifier."""

    def __init__(self, act: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.act = act
        self.stem, self.norm = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.down = nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=2)
        self.again = nn.Conv2d(6, 6, 3, padding=1)
        self.lone = nn.BatchNorm2d(12)
        self.head = nn.Linear(12, 8)
        self.scores = nn.Linear(8, 5)

    def forward(self, x):
        x = self.act(self.norm(self.stem(x)))
        x = F.max_pool2d(x, 2)
        x = self.act(self.down(x))
        y = self.act(self.again(x))
        y = self.act(self.again(y) + x)
        y = self.lone(torch.cat([x, y], 1)).mean((2, 3))
        return self.scores(self.act(self.head(y)))


def spelled(name: str) -> nn.Module:
    """The network with its rectifier written in one of the :data:`SPELLINGS`; the weights are always the same."""
    return randomised(Rectified(SPELLINGS[name]()).double())


def plain() -> nn.Sequential:
    """Modules only, as libraries that hook modules need it: strides, groups, dilation, both kinds of pooling."""
    return randomised(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2, padding=1, groups=2), nn.ReLU(),
            nn.MaxPool2d(2), nn.Conv2d(8, 8, 2, dilation=2), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 5),
        ).double()
    )  # fmt: skip


def bias_free(model: nn.Module) -> nn.Module:
    """Set every bias, every shift and every running mean to 0, in place."""
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith(("bias", "running_mean")):
                tensor.zero_()
    return model


def images(count: int = 2, size: int = 16, seed: int = 3) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
