"""Which models the zoo tries: every one of torchvision, and one small member of 73 families of timm."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from linearscope.models.torchvision_compat import declare_operators

__all__ = ["QUICK", "SIZES", "TIMM", "build", "every_model", "smallest_image"]


TIMM = (
    "beit_base_patch16_224", "botnet26t_256", "cait_xxs24_224", "coat_lite_tiny", "coat_tiny",
    "coatnet_nano_rw_224", "convit_tiny", "convmixer_768_32", "convnext_atto", "convnextv2_atto", "crossvit_9_240",
    "cs3darknet_s", "cspdarknet53", "cspresnext50", "davit_tiny", "deit_tiny_distilled_patch16_224",
    "densenetblur121d", "dla34", "dpn48b", "eca_nfnet_l0", "edgenext_xx_small", "efficientformer_l1",
    "efficientformerv2_s0", "efficientnet_lite0", "efficientvit_m0", "eva02_tiny_patch14_224", "fastvit_t8",
    "focalnet_tiny_srf", "gcvit_xxtiny", "gernet_s", "ghostnet_100", "gmlp_ti16_224", "halonet26t", "hardcorenas_a",
    "hgnet_tiny", "hiera_tiny_224", "hrnet_w18_small", "inception_next_atto", "lambda_resnet26t", "lcnet_050",
    "legacy_xception", "levit_128s", "mambaout_femto", "maxvit_tiny_tf_224", "mixer_s32_224", "mixnet_s",
    "mobilenetv4_conv_small", "mobilevit_xxs", "mobilevitv2_050", "mvitv2_tiny", "nest_tiny", "nf_regnet_b0",
    "nfnet_f0", "pit_ti_224", "poolformer_s12", "pvt_v2_b0", "regnetz_005", "repvgg_a0", "repvit_m0_9",
    "res2net50_14w_8s", "resmlp_12_224", "resnest14d", "resnetv2_50", "rexnet_100", "selecsls42", "sequencer2d_s",
    "skresnet18", "swinv2_cr_tiny_224", "tresnet_m", "twins_svt_small", "visformer_tiny", "volo_d1_224",
    "xcit_nano_12_p16_224",
)  # fmt: skip

#: A dozen small models of different kinds, for the tests that run every time.
QUICK = (
    "torchvision:alexnet", "torchvision:squeezenet1_1", "torchvision:resnet18", "torchvision:mobilenet_v3_small",
    "torchvision:shufflenet_v2_x0_5", "torchvision:efficientnet_b0", "torchvision:regnet_y_400mf",
    "timm:convnextv2_atto", "timm:ghostnet_100", "timm:edgenext_xx_small", "timm:efficientvit_m0", "timm:mobilevit_xxs",
)  # fmt: skip

#: Image sizes, smallest first; a model is tried on the first one that it takes.
SIZES = (32, 48, 64, 75, 96, 128, 192, 224, 240, 256)

_SEGMENTATION = (
    "deeplabv3_mobilenet_v3_large", "deeplabv3_resnet101", "deeplabv3_resnet50", "fcn_resnet101", "fcn_resnet50",
    "lraspp_mobilenet_v3_large",
)  # fmt: skip


def import_torchvision() -> Any:
    """torchvision, with or without its compiled operations."""
    declare_operators()
    import torchvision

    return torchvision


def every_model() -> list[str]:
    """Names of all models, as ``torchvision:NAME``, ``segmentation:NAME`` or ``timm:NAME``."""
    models = import_torchvision().models
    return [
        *(f"torchvision:{name}" for name in models.list_models(models)),
        *(f"segmentation:{name}" for name in _SEGMENTATION),
        *(f"timm:{name}" for name in TIMM),
    ]


def build(name: str) -> nn.Module:
    """The model called ``name`` with the random weights its library gives it."""
    source, _, short = name.partition(":")
    models = import_torchvision().models
    if source == "torchvision":
        extra = {"init_weights": False} if short in ("googlenet", "inception_v3") else {}
        return models.get_model(short, weights=None, **extra)
    if source == "segmentation":
        return models.get_model(short, weights=None, weights_backbone=None)
    import timm

    model: nn.Module = timm.create_model(short, pretrained=False)
    return model


def smallest_image(model: nn.Module, sizes: tuple[int, ...] = SIZES) -> torch.Tensor:
    """The first square image of noise that ``model`` takes in evaluation mode."""
    reason: Exception | None = None
    like = next(model.parameters())
    for size in sizes:
        image = torch.rand(1, 3, size, size, dtype=like.dtype, generator=torch.Generator().manual_seed(0))
        try:
            with torch.no_grad():
                model(image)
        except Exception as error:
            reason = error
        else:
            return image
    raise ValueError(f"no size up to {sizes[-1]} is taken: {reason}")
