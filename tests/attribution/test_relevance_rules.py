"""Every rule of relevance equals explicit matrices on a network with a skip, a concatenation and a layer used twice."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import linearscope as ls
from linearscope.attribution import METHODS
from linearscope.errors import InputError, UnknownNameError
from tests.attribution import dense_relevance as dense
from tests.attribution.networks import bias_free, images, spelled

BOUNDS = (-5.0, 4.0)
_PLUS = dense.alpha_beta_rule(1, 0)
_FINE = dense.epsilon_rule(1e-6)

#: Method, options, and its rules for convolutions, dense layers, the first layer, and epsilon of everything else.
CASES = {
    "0": ("lrp-0", {}, (dense.epsilon_rule(0),) * 2, None, 0),
    "epsilon": ("lrp-epsilon", {"epsilon": 0.1}, (dense.epsilon_rule(0.1),) * 2, None, 0.1),
    **{
        f"gamma {name}": ("lrp-gamma", {"definition": name, "gamma": 0.5}, (dense.gamma_rule(0.5, name),) * 2, None, 0)
        for name in ("generalised", "positive", "positive-weights")
    },
    "alpha-beta": ("lrp-alpha-beta", {}, (dense.alpha_beta_rule(2, 1),) * 2, None, 0),
    "alpha-beta 3 2": ("lrp-alpha-beta", {"alpha": 3.0, "beta": 2.0, "epsilon": 0.01},
                       (dense.alpha_beta_rule(3, 2, epsilon=0.01),) * 2, None, 0.01),
    "z+": ("lrp-z-plus", {}, (_PLUS,) * 2, None, 0),
    "z+ without bias": ("lrp-z-plus", {"bias": False}, (dense.alpha_beta_rule(1, 0, bias=False),) * 2, None, 0),
    "w2": ("lrp-w2", {}, (dense.squared_rule(),) * 2, None, 0),
    "flat": ("lrp-flat", {}, (dense.flat_rule(),) * 2, None, 0),
    "zB": ("lrp-z-box", {}, (_PLUS,) * 2, dense.box_rule(*BOUNDS), 0),
    "deep Taylor": ("deep-taylor", {}, (dense.alpha_beta_rule(1, 0, bias=False),) * 2, dense.box_rule(*BOUNDS), 0),
    "epsilon plus": ("lrp-epsilon-plus", {}, (dense.alpha_beta_rule(1, 0, epsilon=1e-6), _FINE), None, 1e-6),
    "epsilon plus flat": ("lrp-epsilon-plus-flat", {}, (dense.alpha_beta_rule(1, 0, epsilon=1e-6), _FINE),
                          dense.flat_rule(1e-6), 1e-6),
    "epsilon gamma box": ("lrp-epsilon-gamma-box", {}, (dense.gamma_rule(0.25, "generalised", 1e-6), _FINE),
                          dense.box_rule(*BOUNDS, 1e-6), 1e-6),
    "epsilon alpha 2 beta 1": ("lrp-epsilon-alpha2-beta1", {}, (dense.alpha_beta_rule(2, 1, epsilon=1e-6), _FINE),
                               None, 1e-6),
    "epsilon alpha 2 beta 1 flat": ("lrp-epsilon-alpha2-beta1-flat", {},
                                    (dense.alpha_beta_rule(2, 1, epsilon=1e-6), _FINE), dense.flat_rule(1e-6), 1e-6),
}  # fmt: skip


def explainer(model: nn.Module) -> ls.Explainer:
    low, high = (torch.full((1, 3, 1, 1), bound, dtype=torch.float64) for bound in BOUNDS)
    return ls.Explainer(model, images(2, 8), bounds=(low, high))


@pytest.fixture(scope="module")
def asked() -> ls.Explainer:
    return explainer(spelled("nn.ReLU"))


def difference(found, expected):
    return float((found - expected).abs().max() / expected.abs().max())


def test_every_method_of_the_family_is_here():
    assert {case[0] for case in CASES.values()} == {
        name for name, method in METHODS.items() if method.family == "relevance" and name != "deep-lift"
    }


@pytest.mark.parametrize("case", CASES)
def test_a_rule_equals_explicit_matrices(asked, case):
    method, options, (convolution, layer), first, epsilon = CASES[case]
    found = asked(images(2, 8), [1, 4], method=method, **options)
    for i, target in enumerate((1, 4)):
        expected = dense.relevance(
            asked.model, images(2, 8)[i : i + 1], target, convolution, layer, first, float(epsilon)
        )
        assert float(expected.abs().max()) > 0
        assert difference(found.values[i], expected[0]) <= 1e-10
    assert float(found.check.error.max()) <= 1e-10


def test_the_three_definitions_of_gamma_are_not_equivalent(asked):
    maps = [asked(images(2, 8), 1, method="lrp-gamma", definition=name).values for name in
            ("generalised", "positive", "positive-weights")]  # fmt: skip
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert difference(maps[a], maps[b]) > 1e-3


def test_gamma_of_zero_is_lrp_0_in_every_definition(asked):
    expected = asked(images(2, 8), 1, method="lrp-0").values
    for name in ("generalised", "positive", "positive-weights"):
        found = asked(images(2, 8), 1, method="lrp-gamma", gamma=0.0, definition=name).values
        assert difference(found, expected) <= 1e-10


def test_lrp_0_is_the_gradient_times_the_image_on_piecewise_linear_networks(asked):
    expected = asked(images(2, 8), 2, method="gradient-x-input").values
    assert difference(asked(images(2, 8), 2, method="lrp-0").values, expected) <= 1e-10
    assert difference(asked(images(2, 8), 2, method="contributions").values, expected) <= 1e-10


@pytest.mark.parametrize("method", ["lrp-z-plus", "lrp-z-box", "deep-taylor", "lrp-w2", "lrp-flat"])
def test_rules_of_positive_terms_keep_the_sign_of_the_score(method):
    model = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(5, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6, 4)
    ).double()  # fmt: skip
    found = explainer(model)(images(2, 8), method=method)
    signs = found.scores.sign().reshape(-1, 1, 1, 1)
    assert float((found.values * signs).min()) >= 0


def test_a_norm_merged_by_hand_changes_no_map(asked):
    by_hand = spelled("nn.ReLU")
    by_hand.stem, by_hand.norm = fuse_conv_bn_eval(by_hand.stem, by_hand.norm), nn.Identity()
    other = explainer(by_hand)
    for name, method in METHODS.items():
        if method.family in ("gradient", "relevance"):
            found, expected = (one(images(2, 8), 1, method=name).values for one in (asked, other))
            assert difference(found, expected) <= 1e-10, name


def test_relevance_of_a_layer_is_the_score_at_every_cut_of_a_chain():
    model = bias_free(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 5, 3),
            nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(5, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3),
        ).double().eval()
    )  # fmt: skip
    asked = explainer(model)
    for name in asked.layers:
        for method in ("lrp-0", "lrp-z-plus", "lrp-gamma"):
            found = asked(images(2, 8), method=method, layer=name)
            assert found.layer == name
            assert found.coarse is not None
            assert difference(found.coarse.flatten(1).sum(1), found.scores) <= 1e-10, (name, method)


def test_bad_options_are_refused_in_a_sentence(asked):
    x = images(2, 8)
    with pytest.raises(InputError, match="alpha - beta has to be 1"):
        asked(x, method="lrp-alpha-beta", alpha=2.0, beta=2.0)
    with pytest.raises(InputError, match="not negative"):
        asked(x, method="lrp-epsilon", epsilon=-1.0)
    with pytest.raises(InputError, match="not negative"):
        asked(x, method="lrp-gamma", gamma=float("nan"))
    with pytest.raises(UnknownNameError, match="definition of the gamma rule"):
        asked(x, method="lrp-gamma", definition="positiv")
    with pytest.raises(InputError, match="bounds="):
        ls.explain(spelled("nn.ReLU"), x, method="deep-taylor")
    wrong = torch.zeros(1, 2, 1, 1, dtype=torch.float64)
    with pytest.raises(InputError, match="bounds of a pixel"):
        ls.explain(spelled("nn.ReLU"), x, method="lrp-z-box", bounds=(wrong, wrong))
