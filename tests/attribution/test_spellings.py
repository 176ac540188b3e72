"""However a network writes its rectifier, every method gives the same maps."""

from functools import cache

import pytest
import torch

import linearscope as ls
from linearscope.attribution import METHODS
from tests.attribution.networks import SPELLINGS, images, spelled

FAMILIES = ("gradient", "relevance", "affine map")
# smooth-grad is a mean of gradients, and slow.
ASKED = [name for name, method in METHODS.items() if method.family in FAMILIES and name != "smooth-grad"]


@cache
def explainer(spelling: str) -> ls.Explainer:
    bound = torch.full((1, 3, 1, 1), 4.0, dtype=torch.float64)
    return ls.Explainer(spelled(spelling), images(2, 8), bounds=(-bound, bound))


def largest_difference(a, b):
    return float((a - b).abs().max() / b.abs().max())


@pytest.mark.parametrize("method", ASKED)
def test_every_spelling_gives_the_maps_of_modules(method):
    expected = explainer("nn.ReLU")(images(2, 8), 3, method=method).values
    assert float(expected.abs().max()) > 0
    errors = {
        spelling: largest_difference(explainer(spelling)(images(2, 8), 3, method=method).values, expected)
        for spelling in SPELLINGS
    }
    assert {spelling: error for spelling, error in errors.items() if not error <= 1e-10} == {}


class _ByStrides(torch.nn.Module):
    """Reads every second column of its features by strides of the memory."""

    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Linear(4 * 8 * 4, 3)

    def forward(self, x):
        features = torch.relu(self.first(x))
        return self.last(features.as_strided((len(x), 4, 8, 4), (4 * 64, 64, 8, 2)).flatten(1))


def test_models_that_read_memory_by_strides_are_read_as_they_are():
    torch.manual_seed(0)
    model = _ByStrides().double().eval()
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(model(x)[:, 1].sum(), x)
    found = ls.explain(model, x.detach(), 1, method="gradient").values
    assert torch.allclose(found, expected, rtol=0, atol=1e-14)
