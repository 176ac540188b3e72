"""A dozen small models of torchvision and timm, each of another kind; ``make zoo`` tries all of them."""

from __future__ import annotations

import importlib.util

import pytest
import torch

import linearscope as ls
from tests.zoo.architectures import QUICK, build, smallest_image
from tests.zoo.measure import errors, randomise

if importlib.util.find_spec("torchvision") is None or importlib.util.find_spec("timm") is None:
    pytest.skip("torchvision or timm is not installed: pip install 'linearscope[models]'", allow_module_level=True)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", QUICK)
def test_small_models_are_exact(name: str) -> None:
    torch.manual_seed(0)
    model = build(name).eval().double()
    image = smallest_image(model)
    randomise(model, image)
    program = ls.capture(model, image)
    for interpretation in ("freeze", "taylor"):
        found = errors(ls.interpret(program, image, interpretation=interpretation))
        assert {key: error for key, error in found.items() if not error <= 1e-12} == {}
