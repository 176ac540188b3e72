"""Small networks and images for the units of concepts."""

import torch
from torch import nn


def plain(dtype=torch.float64):
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(8 * 9, 7), nn.ReLU(), nn.Linear(7, 4),
    ]  # fmt: skip
    return nn.Sequential(*layers).to(dtype).eval()


class Colours(nn.Module):
    """Class c is the colour that most pixels have; one channel of the first layer answers to each."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 1, bias=False)
        self.relu = nn.ReLU()
        weight = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.4, 0.3, 0.3], [0.2, 0.5, 0.3]])
        self.conv.weight.data = weight[:, :, None, None]

    def forward(self, x):
        return self.relu(self.conv(x)).mean((2, 3))[:, :3]


def coloured(count, side=8):
    """Images in which a square of one primary colour lies on grey noise; its corner and its label."""
    torch.manual_seed(1)
    images = 0.1 * torch.rand(count, 3, side, side)
    labels = torch.arange(count) % 3
    corners = torch.randint(0, side - 2, (count, 2))
    for image, label, (row, column) in zip(images, labels, corners, strict=True):
        image[label, row : row + 3, column : column + 3] += 1
    return images, labels, corners
