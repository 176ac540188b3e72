"""Units switched off: against modules that do it, planted units, and what is no effect."""

import math

import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.errors import InputError, UnknownNameError
from linearscope.evaluation import ablate, ablation


class Switched(nn.Module):
    """The same network, its channels set to zero by hand."""

    def __init__(self, off=()):
        super().__init__()
        self.off = dict(off)
        self.first, self.norm = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)
        self.second, self.last = nn.Conv2d(6, 6, 3, padding=1), nn.Linear(6, 4)

    def zero(self, name, value):
        if name in self.off:
            keep = torch.ones(6, dtype=value.dtype)
            keep[self.off[name]] = 0
            value = value * keep[:, None, None]
        return value

    def forward(self, x):
        x = self.zero("norm", self.norm(self.zero("first", self.first(x)))).relu_()
        x = x + self.zero("second", self.second(x))
        return self.last(x.mean((2, 3)))


def network():
    model = Switched().double().eval()
    model.norm.running_mean.normal_()
    model.norm.running_var.uniform_(0.5, 2)
    return model


def images(count):
    return torch.rand(count, 3, 8, 8, dtype=torch.float64)


@pytest.mark.parametrize("off", [{"first": [0, 5]}, {"norm": [2]}, {"first": [1], "norm": [3], "second": range(6)}])
@pytest.mark.parametrize("batch", [1, 4])
def test_scores_are_those_of_the_network_with_the_channels_at_zero(off, batch):
    model = network()
    other = Switched({name: list(channels) for name, channels in off.items()}).double().eval()
    other.load_state_dict(model.state_dict())
    x = images(6)
    found = ablate(ls.capture(model, x[:batch]), x, off)
    assert torch.allclose(found, other(x), atol=1e-12)
    assert torch.allclose(ablate(ls.Explainer(model, x[:batch]), x, off), found, atol=1e-12)


def test_no_units_change_nothing():
    model, x = network(), images(3)
    assert torch.allclose(ablate(ls.capture(model, x), x, {"first": []}), model(x), atol=1e-12)


def planted():
    """Channels 0 and 1 alone carry the class; the other 14 are noise that the last layer does not use."""
    model = nn.Sequential(nn.Conv2d(2, 16, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2))
    with torch.no_grad():
        model[0].weight[:2] = torch.eye(2)[..., None, None]
        model[0].bias[:] = 0
        model[4].weight[:] = 0
        model[4].weight[:, :2] = torch.eye(2)
        model[4].bias[:] = torch.tensor([1e-3, 0.0])
    labels = torch.arange(40) % 2
    x = torch.rand(40, 2, 4, 4) * 0.1
    x[torch.arange(40), labels] += 1
    return ls.capture(model.eval(), x[:20]), x, labels


@pytest.mark.parametrize("match", ["layers", "total"])
def test_planted_units_matter_and_random_ones_do_not(match):
    program, x, labels = planted()
    found = ablation(program, x, labels, {"1": [0, 1]}, match=match)
    assert found.intact.mean() == 1
    assert found.without.mean() == 0.5
    assert found.draws.shape == (50, 40)
    # A draw of 2 of 16 misses both planted ones with probability 14 * 13 / (16 * 15) = 0.758.
    assert 0.55 < float((found.accuracies == 1).double().mean()) < 0.95
    assert found.significant
    assert found.estimate.mean == pytest.approx(float(found.without.mean() - found.draws.mean()), abs=1e-12)
    assert found.over_draws.high < 0
    assert found.over_draws.mean == pytest.approx(found.estimate.mean, abs=1e-12)
    assert torch.allclose(found.values, found.without - found.draws.mean(0))


def test_units_without_effect_are_reported_as_such():
    program, x, labels = planted()
    found = ablation(program, x, labels, {"1": range(16)}, draws=5)
    assert not found.significant
    assert found.estimate.mean == 0
    assert "no difference is shown" in str(found)


def test_random_units_of_a_layer_never_exceed_it_and_repeat_by_seed():
    program, x, labels = planted()
    one, two = (ablation(program, x, labels, {"1": [3, 4, 5]}, draws=6, seed=1) for _ in range(2))
    assert torch.equal(one.draws, two.draws)
    all_of_it = ablation(program, x, labels, {"1": range(16)}, draws=3)
    assert torch.equal(all_of_it.draws, all_of_it.without.expand(3, -1))


def test_interval_speaks_of_images_and_draws():
    """Crossed bootstrap against its slow form on a table of outcomes."""
    program, x, labels = planted()
    found = ablation(program, x, labels, {"1": [0, 1]}, draws=12)
    table = found.without - found.draws
    generator = torch.Generator().manual_seed(3)
    means = torch.stack([
        table[torch.randint(12, (12,), generator=generator)][:, torch.randint(40, (40,), generator=generator)].mean()
        for _ in range(4000)
    ])  # fmt: skip
    low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=means.dtype)).tolist()
    assert found.estimate.low == pytest.approx(low, abs=0.02)
    assert found.estimate.high == pytest.approx(high, abs=0.02)
    assert ablation(program, x, labels, {"1": [0]}, draws=1).estimate.low == -math.inf


def test_convolutions_alone():
    program, x, labels = planted()
    found = ablation(program, x, labels, {"0": [0], "1": [0, 1]}, draws=2, only="conv")
    assert dict(found.removed) == {"0": 1}
    with pytest.raises(InputError, match="no unit"):
        ablation(program, x, labels, {"1": [0]}, only="conv")


def test_two_names_of_one_output_count_once():
    program, x, labels = planted()
    layers = [name for name, index in program.layers.items() if index == program.layers["0"]]
    found = ablation(program, x, labels, {name: [0, 1] for name in layers}, draws=2)
    assert sum(found.removed.values()) == 2


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"units": {}}, InputError, "no unit"),
        ({"units": {"1": []}}, InputError, "no unit"),
        ({"units": {"1": [16]}}, InputError, "no channel 16"),
        ({"units": {"1": [-1]}}, InputError, "no channel -1"),
        ({"units": {"1": torch.tensor([0.5])}}, InputError, "whole numbers"),
        ({"units": {"one": [0]}}, UnknownNameError, "no layer 'one'"),
        ({"labels": [0, 1]}, InputError, "40 images and 2 labels"),
        ({"labels": 2}, InputError, "no class 2"),
        ({"draws": 0}, InputError, "number of draws"),
        ({"only": "relu"}, InputError, "only='conv'"),
        ({"match": "size"}, InputError, "match"),
    ],
)
def test_bad_input_is_named(change, error, words):
    program, x, labels = planted()
    given = {"units": {"1": [0]}, "labels": labels, "draws": 1} | change
    with pytest.raises(error, match=words):
        ablation(program, x, given.pop("labels"), given.pop("units"), **given)
