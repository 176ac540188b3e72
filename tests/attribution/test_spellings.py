"""However a network writes its rectifier, every method gives the same maps."""

from functools import cache

import pytest
import torch

import linearscope as ls
from linearscope.attribution import METHODS
from tests.attribution.networks import SPELLINGS, images, spelled

FAMILIES = ("gradient", "relevance", "affine map")
ASKED = [name for name, method in METHODS.items() if method.family in FAMILIES]


@cache
def explainer(spelling: str) -> ls.Explainer:
    bound = torch.full((1, 3, 1, 1), 4.0, dtype=torch.float64)
    return ls.Explainer(spelled(spelling), images(), bounds=(-bound, bound))


def largest_difference(a, b):
    return float((a - b).abs().max() / b.abs().max())


@pytest.mark.parametrize("method", ASKED)
def test_every_spelling_gives_the_maps_of_modules(method):
    expected = explainer("nn.ReLU")(images(), 3, method=method).values
    assert float(expected.abs().max()) > 0
    errors = {
        spelling: largest_difference(explainer(spelling)(images(), 3, method=method).values, expected)
        for spelling in SPELLINGS
    }
    assert {spelling: error for spelling, error in errors.items() if not error <= 1e-10} == {}
