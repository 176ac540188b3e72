"""Models written by hand keep all four identities, in both interpretations."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import linearscope as ls
from tests.program.handmade import MODELS
from tests.zoo.measure import errors, randomise


@pytest.mark.parametrize("interpretation", ["freeze", "taylor"])
@pytest.mark.parametrize("name", MODELS)
def test_handmade_models_are_exact(name: str, interpretation: str) -> None:
    kind, shape = MODELS[name]
    image = torch.randn(shape, dtype=torch.float64)
    model = randomise(kind().double(), image)
    it = ls.interpret(model, image, interpretation=interpretation)
    assert torch.allclose(it.output, model(image), rtol=1e-12, atol=1e-12)
    assert {key: error for key, error in errors(it).items() if not error <= 1e-12} == {}


@pytest.mark.parametrize(
    "name", ["FunctionalRelu", "InPlaceRelu", "Clamps", "InPlaceSkip", "OneModuleThreeTimes", "PReLUs"]
)
def test_piecewise_linear_models_equal_their_jacobian(name: str) -> None:
    kind, shape = MODELS[name]
    image = torch.randn(shape, dtype=torch.float64)
    model = randomise(kind().double(), image)
    jacobian = torch.func.jacrev(lambda x: model(x.clone()))(image)[0, :, 0]
    it = ls.interpret(model, image)
    rows = it.rows(range(it.shape[0]))
    assert float((rows - jacobian).abs().max()) <= 1e-13 * float(jacobian.abs().max())


@pytest.mark.parametrize("name", ["Attention", "Transformer", "Cells", "Norms", "SqueezeExcite", "NormByHand", "Gates"])
def test_taylor_equals_the_jacobian_of_smooth_models(name: str) -> None:
    kind, shape = MODELS[name]
    image = torch.randn(shape, dtype=torch.float64)
    model = randomise(kind().double(), image)
    image.requires_grad_()
    output = model(image).flatten()
    it = ls.interpret(model, image.detach(), interpretation="taylor")
    for index in (0, len(output) - 1):
        (gradient,) = torch.autograd.grad(output[index], image, retain_graph=True)
        row = it.rows(index)[0]
        assert float((row - gradient[0]).abs().max()) <= 1e-12 * float(gradient.abs().max())


class _Five(nn.Module):
    """One network, written in five ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.a, self.b, self.head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 5)
        self.relu = nn.ReLU(inplace=way == "in place")
        self.layers = nn.ModuleList([self.a, self.b])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.way in ("modules", "in place"):
            y = self.relu(self.a(x))
            y = self.relu(self.b(y)) + y
        elif self.way == "functional":
            y = F.relu(F.conv2d(x, self.a.weight, self.a.bias))
            y = y + F.relu(F.conv2d(y, self.b.weight, self.b.bias, padding=1))
        elif self.way == "methods":
            y = self.a(x).relu_()
            y = self.b(y).clamp(min=0).add_(y)
        else:
            y = torch.where((z := self.layers[0](x)) > 0, z, torch.zeros_like(z))
            y = torch.maximum(self.layers[1](y), torch.zeros(())) + y
        return self.head(y.mean((2, 3)))  # type: ignore[no-any-return]


def test_one_network_written_five_ways_is_one_map() -> None:
    image = torch.randn(1, 3, 8, 8, dtype=torch.float64)
    first = _Five("modules").double()
    reference = ls.interpret(first, image)
    matrix = reference.rows(range(5))
    for way in ("in place", "functional", "methods", "where"):
        model = _Five(way).double()
        model.load_state_dict(first.state_dict())
        it = ls.interpret(model, image)
        assert float((it.rows(range(5)) - matrix).abs().max()) <= 1e-12 * float(matrix.abs().max()), way
        assert torch.allclose(it.residual, reference.residual, rtol=1e-12, atol=1e-12), way
