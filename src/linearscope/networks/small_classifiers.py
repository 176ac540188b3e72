"""Small classifiers of MNIST and CIFAR-10, for the checkpoints people have."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["CifarResNet2b", "CifarResNet20", "LeNet5"]


class LeNet5(nn.Module):
    """Two convolutions of 3 x 3, each with max-pooling, and two fully connected layers: 0.65 million parameters.

    Examples
    --------
    >>> import torch
    >>> LeNet5().eval()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 10])

    Notes
    -----
    Takes white digits on black, ``(N, 1, 28, 28)`` in ``[0, 1]``, and returns ``(N, 10)``. It is wider than the network
    of 1998 and has ReLU for the sigmoids; the name is that of its checkpoint.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.linear1 = nn.Linear(3136, 200)
        self.linear2 = nn.Linear(200, 10)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of the digits."""
        features = self.pool(self.relu(self.conv1(image)))
        features = self.pool(self.relu(self.conv2(features)))
        scores: Tensor = self.linear2(self.relu(self.linear1(features.flatten(1))))
        return scores


class CifarResNet20(nn.Module):
    """ResNet-20 for 32 x 32 pixels: three scales of three blocks, shortcuts without parameters.

    Examples
    --------
    >>> import torch
    >>> CifarResNet20().eval()(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 10])

    Notes
    -----
    Takes ``(N, 3, 32, 32)`` normalised by ImageNet's mean and deviation and returns ``(N, 10)``. 0.27 million
    parameters. Where the channels double, a shortcut keeps every other pixel and fills the new channels with zeros.

    Source: He et al., "Deep residual learning for image recognition", 2015, section 4.2, shortcuts of option A; names
    of parameters as in the common PyTorch version with these shortcuts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = nn.Sequential(*(NormedBlock(16, 16) for _ in range(3)))
        self.layer2 = nn.Sequential(NormedBlock(16, 32), *(NormedBlock(32, 32) for _ in range(2)))
        self.layer3 = nn.Sequential(NormedBlock(32, 64), *(NormedBlock(64, 64) for _ in range(2)))
        self.linear = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of the classes."""
        features = self.relu(self.bn1(self.conv1(image)))
        features = self.layer3(self.layer2(self.layer1(features)))
        scores: Tensor = self.linear(features.mean((2, 3)))
        return scores


class NormedBlock(nn.Module):
    """Two 3 x 3 convolutions with batch norm beside a shortcut without parameters; halves the size as channels grow."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.added = outputs - inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=2 if self.added else 1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Return the features after this block."""
        filtered = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(features)))))
        if self.added:
            before = self.added // 2
            features = F.pad(features[:, :, ::2, ::2], (0, 0, 0, 0, before, self.added - before))
        summed: Tensor = self.relu(filtered + features)
        return summed


class CifarResNet2b(nn.Module):
    """A residual network of two blocks without batch norm: every convolution has a bias.

    Examples
    --------
    >>> import torch
    >>> CifarResNet2b().eval()(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 10])

    Notes
    -----
    Takes ``(N, 3, 32, 32)`` and returns ``(N, 10)``. 0.11 million parameters. Names of parameters are those of
    ``resnet_2b`` in the competition of neural network verification, whose weights are trained against attacks.

    Source: Bak, Liu and Johnson, "The second international verification of neural networks competition (VNN-COMP
    2021): Summary and results", 2021, benchmark cifar10_resnet.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.layer1 = nn.Sequential(BiasedBlock(8, 16, stride=2), BiasedBlock(16, 16, stride=1))
        self.linear1 = nn.Linear(1024, 100)
        self.linear2 = nn.Linear(100, 10)
        self.relu = nn.ReLU()

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of the classes."""
        features = self.layer1(self.relu(self.conv1(image)))
        scores: Tensor = self.linear2(self.relu(self.linear1(features.flatten(1))))
        return scores


class BiasedBlock(nn.Module):
    """Two 3 x 3 convolutions beside a 1 x 1 shortcut, which is left out where shapes agree."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        changed = stride != 1 or inputs != outputs
        self.shortcut = nn.Sequential(*([nn.Conv2d(inputs, outputs, 1, stride)] if changed else []))
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Return the features after this block."""
        filtered = self.conv2(self.relu(self.conv1(features)))
        summed: Tensor = self.relu(filtered + self.shortcut(features))
        return summed
