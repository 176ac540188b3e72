"""Attention, windows, layer norms and smooth units: every method gives numbers, and what it promises holds."""

from __future__ import annotations

import importlib.util

import pytest
import torch

import linearscope as ls
from linearscope.attribution import METHODS
from tests.attribution.networks import images
from tests.zoo.architectures import import_torchvision
from tests.zoo.measure import randomise

if importlib.util.find_spec("torchvision") is None or importlib.util.find_spec("timm") is None:
    pytest.skip("torchvision or timm is not installed: pip install 'linearscope[models]'", allow_module_level=True)


def vit():
    return import_torchvision().models.VisionTransformer(
        image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=5
    )


def swin():
    return import_torchvision().models.SwinTransformer(
        patch_size=[2, 2], embed_dim=12, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4], num_classes=5
    )


def timm_vit():
    import timm

    return timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, depth=2, embed_dim=24, num_heads=2, num_classes=5
    )


def convnext():
    import timm

    return timm.create_model("convnext_atto", depths=(1, 1, 1, 1), dims=(8, 12, 16, 20), num_classes=5)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("make", [vit, swin, timm_vit, convnext])
def test_every_method_is_finite_and_its_check_holds(make):
    x = images(2, 32)
    model = randomise(make().eval().double(), x)
    bound = torch.full((1, 3, 1, 1), 6.0, dtype=torch.float64)
    explainer = ls.Explainer(model, x, bounds=(-bound, bound))
    checked = 0
    for name, method in METHODS.items():
        if method.family not in ("gradient", "relevance") and name != "contributions":
            continue
        if name in ("deep-lift", "smooth-grad"):
            continue
        found = explainer(x, method=name)
        assert torch.isfinite(found.values).all(), name
        assert float(found.values.abs().max()) > 0, name
        if found.check is not None:
            checked += 1
            assert float(found.check.error.max()) <= 1e-10, name
    assert checked >= 15


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_gradient_is_autograds():
    x = images(2, 32)
    model = randomise(swin().eval().double(), x)
    inner = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(model(inner)[:, 3].sum(), inner)
    found = ls.explain(model, x, 3, method="gradient").values
    assert float((found - expected).abs().max()) <= 1e-12 * float(expected.abs().max())
