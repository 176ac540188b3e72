"""The bundled pair of small VGGs is what its accuracies say it is, measured through CIFAR-10's shared images."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import linearscope.networks.small_vgg as home
from linearscope.networks.small_vgg import SmallVGG

WEIGHTS = Path(home.__file__).parent / "weights"
NAMES = {"small_vgg": False, "small_vgg_bn": True}
STATED = {"small_vgg": 0.8287, "small_vgg_bn": 0.8605}
MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
STD = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)


def load(name: str) -> SmallVGG:
    model = SmallVGG(batch_norm=NAMES[name])
    model.load_state_dict(load_file(WEIGHTS / f"{name}.safetensors"), strict=True)
    return model.eval()


@pytest.mark.parametrize("name", NAMES)
def test_weights_fit_are_small_and_finite(name: str) -> None:
    state = load(name).state_dict()
    assert (WEIGHTS / f"{name}.safetensors").stat().st_size < 2_000_000
    assert all(value.isfinite().all() for value in state.values())
    assert all(value.dtype == torch.float32 for key, value in state.items() if not key.endswith("num_batches_tracked"))


@pytest.mark.parametrize("name", NAMES)
def test_biases_are_trained(name: str) -> None:
    model = load(name)
    last = model.classifier[-1]
    assert isinstance(last, torch.nn.Linear)
    assert last.bias.abs().max() > 1e-3


def test_every_convolution_without_batch_norm_has_a_trained_bias() -> None:
    for layer in load("small_vgg").features:
        if isinstance(layer, torch.nn.Conv2d):
            assert layer.bias is not None
            assert layer.bias.abs().max() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_accuracy_is_the_stated_one(shared: Path, name: str) -> None:
    with np.load(shared / "cifar10" / "test_first2000.npz") as data:
        images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2).float() / 255
        labels = torch.from_numpy(data["labels"].astype(np.int64))
    with torch.no_grad():
        found = (load(name)((images - MEAN) / STD).argmax(1) == labels).double().mean().item()
    # 2,000 of the 10,000 images the stated accuracy counts, hence the finite-population factor.
    error = math.sqrt(STATED[name] * (1 - STATED[name]) / 2000 * (1 - 2000 / 10_000))
    assert abs(found - STATED[name]) < 3 * error
