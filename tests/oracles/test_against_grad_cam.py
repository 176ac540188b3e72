"""pytorch-grad-cam's maps, after its own normalisation, on a network of modules."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import pytorch_grad_cam as cam
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

import linearscope as ls
from linearscope.attribution import METHODS
from tests.attribution.networks import images, plain

LAYER = "3"  # the second rectifier, 8 x 8


def scaled(image, size=None):
    """Their normalisation: stretch each map onto 0 to 1, enlarge it."""
    result = []
    for plane in image:
        plane = plane - plane.min()
        plane = plane / (1e-7 + plane.max())
        result.append(plane if size is None else cv2.resize(plane, size))
    return np.float32(result)


CASES = {
    "GradCAM": "grad-cam",
    "GradCAMPlusPlus": "grad-cam++",
    "HiResCAM": "hirescam",
    "LayerCAM": "layercam",
}


def named(ours):
    """Our name of a method, whatever hyphens it is written with."""
    found = [name for name in METHODS if name.replace("-", "") == ours.replace("-", "")]
    if not found:
        pytest.skip(f"there is no method {ours!r} yet")
    return found[0]


@pytest.mark.parametrize("theirs", CASES)
def test_activation_maps(theirs, agreement):
    model, x, targets = plain(), images(3), [0, 3, 2]
    with getattr(cam, theirs)(model=model, target_layers=[model[int(LAYER)]]) as asked:
        expected = asked(x.clone(), targets=[ClassifierOutputTarget(t) for t in targets])
    found = ls.explain(plain(), x, targets, method=named(CASES[theirs]), layer=LAYER)
    coarse = np.maximum(found.coarse[:, 0].numpy(), 0)
    ours = scaled(scaled(np.float32(coarse), (16, 16)))  # they normalise before and after enlarging
    agreement(f"pytorch-grad-cam {theirs}", torch.from_numpy(ours), torch.from_numpy(expected), 1e-5)
