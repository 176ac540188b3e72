"""zennit's rules and composites, on a network of modules with batch norms, as VGG is built."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from zennit import composites, rules
from zennit.attribution import Gradient
from zennit.canonizers import SequentialMergeBatchNorm
from zennit.types import Activation, AvgPool, Convolution, Linear

import linearscope as ls
from tests.analysis.networks import randomised
from tests.attribution.networks import bias_free, images

BOUNDS = (-5.0, 4.0)


def vgg() -> nn.Sequential:
    return randomised(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1, stride=2), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(32, 10), nn.ReLU(), nn.Linear(10, 5),
        ).double()
    )  # fmt: skip


def low_and_high():
    return tuple(torch.full((1, 3, 1, 1), bound, dtype=torch.float64) for bound in BOUNDS)


def zennit_map(model, x, targets, composite):
    def scores(output):
        return output * F.one_hot(torch.tensor(targets), output.shape[1])

    with Gradient(model=model, composite=composite, attr_output=scores) as attributor:
        _, relevance = attributor(x.clone().requires_grad_())
    return relevance.detach()


def everywhere(rule):
    layers = [(Activation, rules.Pass()), (AvgPool, rules.Norm()), (Convolution, rule), (Linear, rule)]
    return composites.LayerMapComposite(layers, canonizers=[SequentialMergeBatchNorm()])


def first_too(rule, first):
    return composites.SpecialFirstLayerMapComposite(
        [(Activation, rules.Pass()), (AvgPool, rules.Norm()), (Convolution, rule), (Linear, rule)],
        [(Convolution, first)],
        canonizers=[SequentialMergeBatchNorm()],
    )


def composed(kind, **options):
    return kind(canonizers=[SequentialMergeBatchNorm()], **options)


EPSILON = {"epsilon": 1e-6}
#: Their composite, our method, our options.
CASES = {
    "Epsilon": (lambda: everywhere(rules.Epsilon(1e-6)), "lrp-epsilon", EPSILON),
    "Gamma": (lambda: everywhere(rules.Gamma(0.25)), "lrp-gamma", {"gamma": 0.25, **EPSILON}),
    "AlphaBeta": (lambda: everywhere(rules.AlphaBeta(2.0, 1.0)), "lrp-alpha-beta", EPSILON),
    "ZPlus": (lambda: everywhere(rules.ZPlus()), "lrp-z-plus", EPSILON),
    "ZPlus, no bias": (lambda: everywhere(rules.ZPlus(zero_params="bias")), "lrp-z-plus", {"bias": False, **EPSILON}),
    "WSquare, no bias": (lambda: everywhere(rules.WSquare(zero_params="bias")), "lrp-w2", EPSILON),
    "Flat": (lambda: everywhere(rules.Flat()), "lrp-flat", EPSILON),
    "ZBox on ZPlus": (lambda: first_too(rules.ZPlus(), rules.ZBox(*low_and_high())), "lrp-z-box", EPSILON),
    "EpsilonPlus": (lambda: composed(composites.EpsilonPlus), "lrp-epsilon-plus", EPSILON),
    "EpsilonPlusFlat": (lambda: composed(composites.EpsilonPlusFlat), "lrp-epsilon-plus-flat", EPSILON),
    "EpsilonGammaBox": (
        lambda: composed(composites.EpsilonGammaBox, low=low_and_high()[0], high=low_and_high()[1]),
        "lrp-epsilon-gamma-box",
        EPSILON,
    ),
    "EpsilonAlpha2Beta1": (lambda: composed(composites.EpsilonAlpha2Beta1), "lrp-epsilon-alpha2-beta1", EPSILON),
    "EpsilonAlpha2Beta1Flat": (
        lambda: composed(composites.EpsilonAlpha2Beta1Flat),
        "lrp-epsilon-alpha2-beta1-flat",
        EPSILON,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rules_and_composites(case, agreement):
    composite, method, options = CASES[case]
    x, targets = images(2), [1, 4]
    expected = zennit_map(vgg(), x, targets, composite())
    found = ls.explain(vgg(), x, targets, method=method, bounds=low_and_high(), **options).values
    agreement(f"zennit {case}", found, expected, 1e-12)


def test_by_default_zennits_squared_rule_gives_squared_biases_a_share():
    """The printed rule has no bias."""
    x = images(2)
    theirs = zennit_map(vgg(), x, [1, 4], everywhere(rules.WSquare()))
    found = ls.explain(vgg(), x, [1, 4], method="lrp-w2", **EPSILON).values
    assert float((found - theirs).abs().max()) > 0.1 * float(theirs.abs().max())


@pytest.mark.parametrize(("theirs", "ours"), [("GuidedBackprop", "guided-backprop"), ("DeconvNet", "deconvnet")])
def test_signals_that_start_at_1(theirs, ours, agreement):
    composite, x = getattr(composites, theirs)(), images(2)
    with Gradient(
        model=vgg(), composite=composite, attr_output=torch.eye(5, dtype=torch.float64)[[1, 4]]
    ) as attributor:
        _, expected = attributor(x.clone().requires_grad_())
    agreement(f"zennit {theirs}", ls.explain(vgg(), x, [1, 4], method=ours).values, expected, 1e-12)


class Functional(nn.Module):
    """A rectifier that is called, and no module."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(6, 5)

    def forward(self, x):
        return self.head(F.relu(self.stem(x)).mean((2, 3)))


def test_functional_rectifiers_are_what_zennit_misses():
    x, model = images(2), randomised(Functional().double())
    start = torch.eye(5, dtype=torch.float64)[[1, 1]]
    with Gradient(model=model, composite=composites.GuidedBackprop(), attr_output=start) as attributor:
        _, theirs = attributor(x.clone().requires_grad_())
    gradient = ls.explain(model, x, 1, method="gradient").values
    guided = ls.explain(model, x, 1, method="guided-backprop").values
    assert float((theirs - gradient).abs().max()) <= 1e-12 * float(gradient.abs().max())
    assert float((guided - gradient).abs().max()) > 0.1 * float(gradient.abs().max())


class Skips(nn.Module):
    """Three skips and no bias."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.blocks = nn.ModuleList(nn.Conv2d(6, 6, 3, padding=1, bias=False) for _ in range(3))
        self.pool, self.flat, self.head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5, bias=False)
        self.units = nn.ModuleList(nn.ReLU() for _ in range(4))

    def forward(self, x):
        x = self.units[3](self.stem(x))
        for block, unit in zip(self.blocks, self.units, strict=False):
            x = unit(x + block(x))
        return self.head(self.flat(self.pool(x)))


def test_skips_that_no_canonizer_knows_multiply_zennits_relevance(capsys):
    """Relevance is handed whole to both sides of a sum: twice as much after each skip."""
    model, x = bias_free(randomised(Skips().double())), images(2)
    theirs = zennit_map(model, x, [1, 1], everywhere(rules.Epsilon(1e-12))).flatten(1).sum(1)
    found = ls.explain(model, x, 1, method="lrp-0")
    with capsys.disabled():
        print(f"\n  zennit, three skips: relevance / score {(theirs / found.scores).tolist()}", end="")
    assert torch.allclose(found.values.flatten(1).sum(1), found.scores, rtol=1e-10)
    assert torch.allclose(theirs, 8 * found.scores, rtol=1e-4)
