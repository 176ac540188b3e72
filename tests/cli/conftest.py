"""Small models and photos for the command line, and a way to run it inside the test's process."""

import sys

import numpy as np
import pytest
from PIL import Image

from linearscope.cli import main

MODEL = """
import torch
from torch import nn


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


def classifier():
    return Small()


def upscaler():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2))


def unlike():
    torch.manual_seed(1)
    layers = nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 12, 3, padding=1), nn.PixelShuffle(2)
    return nn.Sequential(*layers)


def thrice():
    return nn.Sequential(nn.Conv2d(3, 27, 1), nn.PixelShuffle(3))


def translator():
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3, padding=1), nn.InstanceNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1)
    return nn.Sequential(*layers)


def shrinker():
    return nn.Conv2d(3, 3, 2, stride=2)


class Several(Small):
    def forward(self, x):
        y = super().forward(x)
        return {"out": y, "aux": 2 * y}


def several():
    return Several()


class Fourier(Small):
    def forward(self, x):
        return super().forward(torch.fft.fft(x).real)


def unknown_operation():
    return Fourier()


def grey():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def not_a_number():
    model = Small()
    model.head.weight.data[0, 0] = float("nan")
    return model


def broken():
    raise ValueError("no such luck")


def no_model():
    return 3
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder with a model file and a photo, and in it."""
    (tmp_path / "models.py").write_text(MODEL)
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run ``linearscope`` with arguments; returns exit code, output and errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["linearscope", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
