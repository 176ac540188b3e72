"""Bundled denoisers: the pair with weights of our own, and DnCNN for the checkpoints people have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from linearscope.networks.dncnn import DnCNN
from linearscope.networks.entry import BundledNetwork, beside

__all__ = ["DENOISERS"]

RGB: Final = "scale=1,channels=RGB"
GREY: Final = "scale=1,channels=L"
OURS: Final = "weights made by training/train_restoration.py"

DENOISERS: Final[Mapping[str, BundledNetwork]] = {
    "denoiser": BundledNetwork(
        title="denoiser of 8 layers without biases",
        make=partial(DnCNN, 3, depth=8, width=32, bias=False),
        weights=partial(beside, "denoiser.safetensors"),
        weights_title=OURS,
        preprocessing=RGB,
        labels=None,
        licence="Apache-2.0",
    ),
    "denoiser_biased": BundledNetwork(
        title="the same denoiser with biases",
        make=partial(DnCNN, 3, depth=8, width=32, bias=True),
        weights=partial(beside, "denoiser_biased.safetensors"),
        weights_title=OURS,
        preprocessing=RGB,
        labels=None,
        licence="Apache-2.0",
    ),
    "dncnn": BundledNetwork(
        title="DnCNN of 17 layers, grey, one noise level",
        make=DnCNN,
        weights=None,
        weights_title="",
        preprocessing=GREY,
        labels=None,
        licence="",
    ),
    "dncnn_blind": BundledNetwork(
        title="DnCNN of 20 layers, grey, blind",
        make=partial(DnCNN, depth=20),
        weights=None,
        weights_title="",
        preprocessing=GREY,
        labels=None,
        licence="",
    ),
    "dncnn_color_blind": BundledNetwork(
        title="DnCNN of 20 layers, RGB, blind",
        make=partial(DnCNN, 3, depth=20),
        weights=None,
        weights_title="",
        preprocessing=RGB,
        labels=None,
        licence="",
    ),
}
