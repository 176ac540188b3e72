"""Bundled networks that make an image of the same size: translations, styles and label maps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from linearscope.networks.cyclegan import CycleGAN
from linearscope.networks.deeplab import DeepLabV3MobileNetV2
from linearscope.networks.entry import BundledNetwork, beside
from linearscope.networks.transformer_net import TransformerNet
from linearscope.networks.unet import UNet

__all__ = ["IMAGE_TO_IMAGE"]

SIGNED: Final = "scale=1,mean=0.5,std=0.5,channels=RGB"

IMAGE_TO_IMAGE: Final[Mapping[str, BundledNetwork]] = {
    "facades": BundledNetwork(
        title="photo of a facade to label map, CycleGAN generator of width 16 with 5 residual blocks",
        make=partial(CycleGAN, width=16, blocks=5),
        weights=partial(beside, "facades.safetensors"),
        weights_title="weights made by training/train_facades.py on rendered facades",
        preprocessing=f"resize=128,crop=128,interpolation=bicubic,{SIGNED}",
        labels=None,
        licence="Apache-2.0",
    ),
    "cyclegan": BundledNetwork(
        title="CycleGAN generator, 9 residual blocks",
        make=partial(CycleGAN, blocks=9),
        weights=None,
        weights_title="",
        preprocessing=f"resize=256,crop=256,interpolation=bicubic,{SIGNED}",
        labels=None,
        licence="",
    ),
    "cyclegan_6": BundledNetwork(
        title="CycleGAN generator, 6 residual blocks",
        make=partial(CycleGAN, blocks=6),
        weights=None,
        weights_title="",
        preprocessing=f"resize=128,crop=128,interpolation=bicubic,{SIGNED}",
        labels=None,
        licence="",
    ),
    "transformer_net": BundledNetwork(
        title="TransformerNet of fast neural style",
        make=TransformerNet,
        weights=None,
        weights_title="",
        preprocessing="resize=256,crop=256,interpolation=bilinear,scale=255,mean=0,std=1,channels=RGB",
        labels=None,
        licence="",
    ),
    "unet": BundledNetwork(
        title="U-Net for masks of two classes",
        make=UNet,
        weights=None,
        weights_title="",
        preprocessing="resize=256,crop=256,interpolation=bicubic,scale=1,mean=0,std=1,channels=RGB",
        labels=None,
        licence="",
    ),
    "deeplabv3_mnv2_voc": BundledNetwork(
        title="DeepLabV3 on MobileNetV2, 21 classes of Pascal VOC",
        make=DeepLabV3MobileNetV2,
        weights=None,
        weights_title="",
        preprocessing=f"resize=513x513,crop=513,interpolation=bilinear,{SIGNED}",
        labels=None,
        licence="",
    ),
}
