"""Bundled upscalers: those with weights of our own, and architectures for the checkpoints people have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from torch import nn

from linearscope.networks.bicubic import Bicubic
from linearscope.networks.carn import CARN
from linearscope.networks.edsr import EDSR
from linearscope.networks.entry import BundledNetwork, beside
from linearscope.networks.espcn import ESPCN, TanhESPCN
from linearscope.networks.fsrcnn import FSRCNN, SubPixelFSRCNN
from linearscope.networks.srresnet import SRResNet, SRResNetWithoutNorm
from linearscope.networks.vdsr import VDSR

__all__ = ["UPSCALERS"]

RGB: Final = "scale=1,channels=RGB"
RGB_255: Final = "scale=255,channels=RGB"
LUMA: Final = "scale=1,channels=Y"
OURS: Final = "weights made by training/train_restoration.py"
SCALES: Final = (2, 3, 4)


def _entry(
    title: str, make: Callable[[], nn.Module], preprocessing: str, file: str = "", weights_title: str = ""
) -> BundledNetwork:
    return BundledNetwork(
        title=title,
        make=make,
        weights=partial(beside, file) if file else None,
        weights_title=weights_title,
        preprocessing=preprocessing,
        labels=None,
        licence="Apache-2.0" if file else "",
    )


UPSCALERS: Final[Mapping[str, BundledNetwork]] = {
    "espcn_x2": _entry("ESPCN, four layers, x2, RGB", partial(ESPCN, 2, channels=3), RGB, "espcn_x2.safetensors", OURS),
    "edsr_small_x2": _entry(
        "EDSR of 8 blocks and 32 channels, x2",
        partial(EDSR, 2, blocks=8, width=32, white=1.0),
        RGB,
        "edsr_small_x2.safetensors",
        OURS,
    ),
    **{
        f"bicubic_x{scale}": _entry(
            f"bicubic interpolation, x{scale}", partial(Bicubic, scale), RGB, weights_title="computed, a = -0.5"
        )
        for scale in SCALES
    },
    **{f"espcn_x{scale}": _entry(f"ESPCN, four layers, x{scale}", partial(ESPCN, scale), LUMA) for scale in (3, 4)},
    **{
        f"espcn_tanh_x{scale}": _entry(f"ESPCN, three layers, tanh, x{scale}", partial(TanhESPCN, scale), LUMA)
        for scale in SCALES
    },
    **{
        f"fsrcnn_x{scale}": _entry(f"FSRCNN, transposed convolution, x{scale}", partial(FSRCNN, scale), LUMA)
        for scale in SCALES
    },
    **{
        f"fsrcnn_subpixel_x{scale}": _entry(f"FSRCNN, pixel shuffle, x{scale}", partial(SubPixelFSRCNN, scale), LUMA)
        for scale in SCALES
    },
    "vdsr": _entry("VDSR, for a photo enlarged already", VDSR, LUMA),
    **{f"vdsr_x{scale}": _entry(f"VDSR behind bicubic x{scale}", partial(VDSR, scale), LUMA) for scale in SCALES},
    **{
        f"edsr_baseline_x{scale}": _entry(f"EDSR of 16 blocks and 64 channels, x{scale}", partial(EDSR, scale), RGB_255)
        for scale in SCALES
    },
    **{
        f"edsr_x{scale}": _entry(
            f"EDSR of 32 blocks and 256 channels, x{scale}",
            partial(EDSR, scale, blocks=32, width=256, residual_scale=0.1),
            RGB_255,
        )
        for scale in SCALES
    },
    **{f"carn_x{scale}": _entry(f"CARN, x{scale}", partial(CARN, scale), RGB) for scale in SCALES},
    **{f"carn_m_x{scale}": _entry(f"CARN-M, x{scale}", partial(CARN, scale, light=True), RGB) for scale in SCALES},
    "srresnet_x4": _entry("SRResNet with instance norm, x4", SRResNet, RGB),
    **{
        f"msrresnet_x{scale}": _entry(f"SRResNet without norms, x{scale}", partial(SRResNetWithoutNorm, scale), RGB)
        for scale in SCALES
    },
}
