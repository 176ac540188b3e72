"""On plain networks of modules, where captum is right, it and the engine agree to rounding."""

from __future__ import annotations

import pytest
import torch

import linearscope as ls
from tests.attribution.networks import images, plain, spelled

attr = pytest.importorskip("captum.attr", reason="captum is not installed: pip install captum")
rules = pytest.importorskip("captum.attr._utils.lrp_rules")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")


def difference(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize(
    ("method", "theirs"),
    [
        ("gradient", lambda model: attr.Saliency(model)),
        ("gradient-x-input", lambda model: attr.InputXGradient(model)),
        ("guided-backprop", lambda model: attr.GuidedBackprop(model)),
        ("deconvnet", lambda model: attr.Deconvolution(model)),
    ],
)
def test_signals_that_start_at_1(method, theirs):
    model, x = plain(), images(3)
    options = {"abs": False} if method == "gradient" else {}
    expected = theirs(model).attribute(x.clone().requires_grad_(), target=[0, 3, 2], **options)
    found = ls.explain(plain(), x, [0, 3, 2], method=method).values
    assert difference(found, expected) <= 1e-13


#: Their rule, and ours with its options. Their alpha 1 beta 0 is for values that are not negative, so images are not.
CASES = {
    "epsilon": (lambda: rules.EpsilonRule(epsilon=1e-4), "lrp-epsilon", {"epsilon": 1e-4}),
    "gamma, bias as it is": (
        lambda: rules.GammaRule(gamma=0.3, set_bias_to_zero=False),
        "lrp-gamma",
        {"gamma": 0.3, "definition": "positive-weights", "epsilon": 1e-9},
    ),
    "alpha 1 beta 0, no bias": (
        lambda: rules.Alpha1_Beta0_Rule(set_bias_to_zero=True),
        "lrp-z-plus",
        {"bias": False, "epsilon": 1e-9},
    ),
}


def captum_lrp(model, x, targets, rule, epsilon):
    for module in model:
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.rule = rule()
        elif isinstance(module, torch.nn.AvgPool2d):
            module.rule = rules.EpsilonRule(epsilon)
        elif isinstance(module, torch.nn.MaxPool2d | torch.nn.Flatten):
            module.rule = rules.EpsilonRule(1e-15)  # they divide where nothing is mixed, too
    return attr.LRP(model).attribute(x, target=targets)


@pytest.mark.parametrize("case", CASES)
def test_relevance(case):
    rule, method, options = CASES[case]
    x, targets = images(3).abs(), [0, 3, 2]
    expected = captum_lrp(plain(), x.clone(), targets, rule, options["epsilon"])
    found = ls.explain(plain(), x, targets, method=method, **options).values
    assert difference(found, expected) <= 1e-12


def test_functional_rectifiers_are_what_captum_misses():
    """captum returns the plain gradient, with no word about it, where a model calls ``F.relu``."""
    x = images(2)
    theirs = attr.GuidedBackprop(spelled("F.relu")).attribute(x.clone().requires_grad_(), target=1)
    gradient = ls.explain(spelled("F.relu"), x, 1, method="gradient").values
    guided = ls.explain(spelled("F.relu"), x, 1, method="guided-backprop").values
    assert difference(theirs, gradient) <= 1e-12
    assert difference(guided, gradient) > 0.1
