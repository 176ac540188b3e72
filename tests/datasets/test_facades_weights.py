"""The bundled generator turns photos of facades that it was not trained on into the labels they were rendered with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import linearscope as ls
import linearscope.networks as networks
from linearscope.datasets import FACADE_CLASSES, facade, facade_labels, facade_photo
from linearscope.models import load_model
from linearscope.networks import CycleGAN

WEIGHTS = Path(networks.__file__).parent / "weights" / "facades.safetensors"
RECORD = Path(__file__).resolve().parents[2] / "training" / "facades.json"
#: Held out from training; the stated figures are of the first 100.
SEEDS = range(1_000_000, 1_000_020)


@pytest.fixture(scope="module")
def model():
    return load_model("facades")


@pytest.fixture(scope="module")
def answers(model):
    """True and found labels of 20 facades, (N, H, W) each."""
    with torch.no_grad():
        outputs = torch.cat([model.module(model.preprocessing(facade_photo(seed))) for seed in SEEDS])
    return torch.stack([facade(seed).labels for seed in SEEDS]).long(), facade_labels((outputs + 1) * 127.5)


def test_weights_fit_are_small_and_finite():
    state = load_file(WEIGHTS)
    CycleGAN(16, 5).load_state_dict(state, strict=True)
    assert WEIGHTS.stat().st_size < 2_000_000
    assert all(value.dtype == torch.float32 and value.isfinite().all() for value in state.values())


def test_accuracy_is_the_stated_one(answers):
    truth, found = answers
    stated = json.loads(RECORD.read_text())["label_accuracy"]
    assert stated > 0.9
    each = (truth == found).double().mean((1, 2))
    assert abs(float(each.mean()) - stated) < 3 * float(each.std()) / len(each) ** 0.5


def test_every_large_class_is_found_and_where_it_is(answers):
    truth, found = answers
    for name in ("background", "facade", "roof", "window", "occluder"):
        k = FACADE_CLASSES.index(name)
        both, either = ((truth == k) & (found == k)).sum(), ((truth == k) | (found == k)).sum()
        assert both / either > 0.6, name


def test_the_answer_comes_from_this_photo(answers):
    """Labels of another facade agree much less."""
    truth, found = answers
    assert (truth == found).double().mean() > (truth == found.roll(1, 0)).double().mean() + 0.3


def test_the_map_is_exact(model):
    image = model.preprocessing(facade_photo(1_000_000))
    certificate = ls.interpret(model.module, image).certificate
    assert certificate.reconstruction < 1e-5
    assert certificate.adjoint < 1e-5


def test_other_sizes_work(model):
    with torch.no_grad():
        assert model.module(torch.zeros(1, 3, 64, 100)).shape == (1, 3, 64, 100)
