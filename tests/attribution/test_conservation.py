"""Relevance is conserved through whatever public architectures are made of, with no preparation of any of them."""

from __future__ import annotations

import importlib.util

import pytest

import linearscope as ls
from tests.attribution.networks import bias_free, images
from tests.zoo.architectures import build
from tests.zoo.measure import randomise

if importlib.util.find_spec("torchvision") is None:
    pytest.skip("torchvision is not installed: pip install torchvision", allow_module_level=True)

#: Image sizes, and the rules that lose nothing without biases. Where a unit that hands on negative values has terms of
#: one sign only, z+ or alpha-beta has nobody to give its relevance to.
ALL = ("lrp-0", "lrp-z-plus", "lrp-alpha-beta")
NETWORKS = {
    "resnet18": (64, ALL),
    "resnet50": (64, ALL),
    "densenet121": (64, ALL),
    "inception_v3": (75, ALL),
    "mobilenet_v2": (64, ALL[:2]),
    "efficientnet_b0": (64, ALL[:1]),
    "shufflenet_v2_x1_0": (64, ALL[:1]),
}


def relative(found, expected):
    return float(((found - expected) / expected).abs().max())


@pytest.mark.parametrize("name", NETWORKS)
def test_relevance_is_the_score_but_for_what_biases_take(name):
    size, whole = NETWORKS[name]
    x = images(1, size)
    model = randomise(build(f"torchvision:{name}").eval().double(), x)
    explainer = ls.Explainer(model, x)

    for method in ("lrp-0", "lrp-epsilon", "lrp-alpha-beta", "lrp-epsilon-plus-flat", "gradient-x-input"):
        found = explainer(x, method=method)
        assert float(found.check.error.max()) <= 1e-10, method
        assert relative(found.values.flatten(1).sum(1), found.scores) > 1e-6  # the biases do take a share

    bias_free(model)  # in place: the Program's weights are the model's
    for method in ALL:
        found = explainer(x, method=method)
        assert float(found.check.error.max()) <= 1e-10, method
        lost = relative(found.values.flatten(1).sum(1), found.scores)
        assert (lost <= 1e-10) == (method in whole), method
