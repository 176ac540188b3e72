"""Small networks, in float64 and with every parameter off its default, for the tests of the analyses."""

import torch
from torch import nn
from torch.nn import functional as F


def randomised(model, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
            scale = 1.0 / max(1, tensor[0].numel()) ** 0.5 if tensor.dim() > 1 else 0.3
            tensor.copy_(noise * scale + (1.0 if name.endswith(("running_var",)) else 0.0))
            if name.endswith("running_var"):
                tensor.abs_().add_(0.5)
    return model.eval()


def image(seed=1, size=12, channels=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, channels, size, size, generator=generator, dtype=torch.float64)


def plain():
    """ReLU and max-pooling only: piecewise linear."""
    return randomised(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 5, 3), nn.LeakyReLU(0.1),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(20, 7),
        ).double()
    )  # fmt: skip


class Skips(nn.Module):
    """Skips, a concatenation, batch norm, bounds, a gate and a layer used twice."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.again = nn.Conv2d(6, 6, 3, padding=1)
        self.squeeze = nn.Conv2d(6, 6, 1)
        self.head = nn.Linear(12, 5)

    def forward(self, x):
        x = F.relu6(self.norm(self.stem(x)) * 3)
        y = self.again(x)
        y = F.relu(self.again(F.relu(y)) + x)
        y = y * torch.sigmoid(self.squeeze(F.adaptive_avg_pool2d(y, 1)))
        return self.head(torch.cat([x, y], 1).mean((2, 3)))


def skips():
    return randomised(Skips().double())


def smooth():
    """Smooth units and a norm of the image's own statistics."""
    return randomised(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2), nn.GroupNorm(2, 6), nn.SiLU(), nn.Conv2d(6, 6, 3), nn.Sigmoid(), nn.Flatten(),
            nn.Linear(54, 5),
        ).double()
    )  # fmt: skip


NETWORKS = {"plain": plain, "skips": skips, "smooth": smooth}
