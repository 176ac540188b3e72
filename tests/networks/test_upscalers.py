"""Architectures have the published names and shapes; published weights do what they are said to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn

import linearscope as ls
from linearscope.datasets import luma, psnr
from linearscope.models import load_model
from linearscope.networks import (
    BUNDLED,
    CARN,
    EDSR,
    ESPCN,
    FSRCNN,
    VDSR,
    DnCNN,
    SRResNet,
    SRResNetWithoutNorm,
    SubPixelFSRCNN,
    TanhESPCN,
)


def count(net: nn.Module) -> int:
    return sum(value.numel() for value in net.parameters())


NETWORKS = {
    "espcn_x2": (lambda: ESPCN(2), 1, 2),
    "espcn_x3_rgb": (lambda: ESPCN(3, channels=3), 3, 3),
    "tanh_espcn_x4": (lambda: TanhESPCN(4), 1, 4),
    "fsrcnn_x2": (lambda: FSRCNN(2), 1, 2),
    "fsrcnn_x3": (lambda: FSRCNN(3), 1, 3),
    "fsrcnn_x4": (lambda: FSRCNN(4), 1, 4),
    "subpixel_fsrcnn_x3": (lambda: SubPixelFSRCNN(3), 1, 3),
    "vdsr": (VDSR, 1, 1),
    "vdsr_x3": (lambda: VDSR(3), 1, 3),
    "edsr_x2": (lambda: EDSR(2, blocks=2, width=8), 3, 2),
    "edsr_x3": (lambda: EDSR(3, blocks=2, width=8), 3, 3),
    "edsr_x4": (lambda: EDSR(4, blocks=2, width=8, residual_scale=0.1), 3, 4),
    "carn_x2": (lambda: CARN(2), 3, 2),
    "carn_x4": (lambda: CARN(4), 3, 4),
    "carn_m_x3": (lambda: CARN(3, light=True), 3, 3),
    "srresnet": (lambda: SRResNet(blocks=2), 3, 4),
    "msrresnet_x2": (lambda: SRResNetWithoutNorm(2, blocks=2), 3, 2),
    "msrresnet_x3": (lambda: SRResNetWithoutNorm(3, blocks=2), 3, 3),
    "msrresnet_x4": (lambda: SRResNetWithoutNorm(4, blocks=2), 3, 4),
    "dncnn": (lambda: DnCNN(depth=4, width=8), 1, 1),
    "dncnn_bias_free": (lambda: DnCNN(3, depth=4, width=8, bias=False), 3, 1),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_any_size_becomes_larger_by_the_scale(name: str) -> None:
    make, channels, scale = NETWORKS[name]
    net = make().eval()
    for height, width in ((5, 8), (8, 6), (64, 48)):
        with torch.no_grad(), torch.device("meta"):
            result = net.to("meta")(torch.zeros(1, channels, height, width))
        assert result.shape == (1, channels, height * scale, width * scale)


@pytest.mark.parametrize(
    "name", ["espcn_x3_rgb", "fsrcnn_x3", "edsr_x4", "carn_x4", "srresnet", "msrresnet_x4", "dncnn"]
)
def test_the_map_is_exact(name: str) -> None:
    make, channels, _ = NETWORKS[name]
    net = make().eval().double()
    image = torch.rand(1, channels, 8, 6, dtype=torch.float64)
    it = ls.interpret(net, image)
    with torch.no_grad():
        result = net(image)
    assert torch.allclose((it.matvec(image) + it.residual).reshape(result.shape), result, rtol=1e-12, atol=1e-12)
    assert it.certificate.adjoint < 1e-12


#: Sizes are those that the papers or the published files give, in thousands of parameters.
SIZES = {
    "edsr_baseline_x2": 1370,
    "edsr_baseline_x3": 1554,
    "edsr_baseline_x4": 1518,
    "edsr_x2": 40730,
    "edsr_x4": 43090,
    "carn_x4": 1592,
    "vdsr": 665,
    "dncnn": 556,
    "msrresnet_x4": 1518,
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_the_published_ones(name: str) -> None:
    with torch.device("meta"):
        net = BUNDLED[name].make()
    numbers = count(net)
    assert round(numbers / 1000) == pytest.approx(SIZES[name], abs=1)


KEYS = {
    "edsr_baseline_x4": {
        "sub_mean.weight": (3, 3, 1, 1),
        "head.0.weight": (64, 3, 3, 3),
        "body.0.body.0.weight": (64, 64, 3, 3),
        "body.15.body.2.bias": (64,),
        "body.16.weight": (64, 64, 3, 3),
        "tail.0.0.weight": (256, 64, 3, 3),
        "tail.0.2.weight": (256, 64, 3, 3),
        "tail.1.weight": (3, 64, 3, 3),
        "add_mean.bias": (3,),
    },
    "edsr_x3": {"body.31.body.0.weight": (256, 256, 3, 3), "tail.0.0.weight": (2304, 256, 3, 3)},
    "carn_x2": {
        "sub_mean.shifter.weight": (3, 3, 1, 1),
        "b2.b3.body.2.weight": (64, 64, 3, 3),
        "b3.c2.body.0.weight": (64, 192, 1, 1),
        "upsample.up3.body.0.weight": (576, 64, 3, 3),
        "upsample.up4.body.3.bias": (256,),
    },
    "vdsr": {
        "input.weight": (64, 1, 3, 3),
        "residual_layer.17.conv.weight": (64, 64, 3, 3),
        "output.weight": (1, 64, 3, 3),
    },
    "fsrcnn_x3": {
        "first_part.0.weight": (56, 1, 5, 5),
        "first_part.1.weight": (56,),
        "mid_part.0.weight": (12, 56, 1, 1),
        "mid_part.8.bias": (12,),
        "mid_part.10.weight": (56, 12, 1, 1),
        "last_part.weight": (56, 1, 9, 9),
    },
    "srresnet_x4": {
        "conv_input.weight": (64, 3, 9, 9),
        "residual.15.in2.bias": (64,),
        "bn_mid.weight": (64,),
        "upscale4x.3.weight": (256, 64, 3, 3),
        "conv_output.weight": (3, 64, 9, 9),
    },
    "msrresnet_x4": {
        "conv_first.weight": (64, 3, 3, 3),
        "body.15.conv2.weight": (64, 64, 3, 3),
        "upconv2.weight": (256, 64, 3, 3),
        "conv_hr.bias": (64,),
        "conv_last.weight": (3, 64, 3, 3),
    },
    "dncnn": {"model.0.weight": (64, 1, 3, 3), "model.2.bias": (64,), "model.32.weight": (1, 64, 3, 3)},
}


@pytest.mark.parametrize("name", KEYS)
def test_parameters_have_the_published_names_and_shapes(name: str) -> None:
    with torch.device("meta"):
        state = BUNDLED[name].make().state_dict()
    assert {key: tuple(state[key].shape) for key in KEYS[name]} == KEYS[name]


def test_carn_m_shares_the_blocks_of_a_cascade() -> None:
    net = CARN(2, light=True)
    assert {key.split(".")[1] for key in net.state_dict() if key.startswith("b1.")} == {"b1", "c1", "c2", "c3"}


def test_a_network_of_several_scales_uses_the_one_it_is_named_for() -> None:
    torch.manual_seed(0)
    nets = [CARN(scale, light=True) for scale in (2, 3, 4)]
    for net in nets[1:]:
        net.load_state_dict(nets[0].state_dict(), strict=True)
    image = torch.rand(1, 3, 6, 5)
    with torch.no_grad():
        assert [net(image).shape[2] for net in nets] == [12, 18, 24]


def test_a_network_without_biases_has_no_residual() -> None:
    image = torch.rand(1, 1, 7, 9, dtype=torch.float64)
    for net in (VDSR(2), DnCNN(depth=5, width=6, bias=False)):
        it = ls.interpret(net.double(), image)
        assert it.residual.abs().max() == 0
        assert it.certificate.reconstruction < 1e-12
    assert ls.interpret(DnCNN(depth=5, width=6).double(), image).residual.abs().max() > 1e-3


#: Side of the middle of a photo that is enough for a test; 2, 3 and 4 divide it.
SIDE = 144

#: File, its PSNR on the middles of two photos of Set5 (the baby, the bird), how the low resolution is made, and by how
#: many dB it is better than bicubic at least. Figures on all of Set5 stand in training/README.md.
PUBLISHED = {
    "carn_m_x2": ("sr_carn_m", (44.94, 43.58), Image.Resampling.BICUBIC, 3.0),
    "carn_m_x3": ("sr_carn_m", (41.76, 38.99), Image.Resampling.BICUBIC, 3.0),
    "carn_m_x4": ("sr_carn_m", (40.15, 35.83), Image.Resampling.BICUBIC, 4.0),
    "espcn_tanh_x2": ("sr_tf_espcn_x2", (42.62, 38.80), Image.Resampling.BICUBIC, 0.8),
    "fsrcnn_subpixel_x2": ("sr_fsrcnn_x2", (42.83, 38.83), Image.Resampling.BICUBIC, 1.0),
    "espcn_x3": ("sr_espcn_relu_x3", (38.54, 33.73), Image.Resampling.BILINEAR, 0.8),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights_fit_reach_their_figures_and_are_interpreted(shared, name: str) -> None:
    file, stated, interpolation, margin = PUBLISHED[name]
    path = shared / "weights" / f"{file}.safetensors"
    if not path.is_file():
        pytest.skip(f"{path.name} is absent")
    model = load_model(name, weights=path)
    with safe_open(path, "pt") as content:
        assert set(content.keys()) == set(model.module.state_dict())
    scale = int(name[-1])
    for image, figure in zip(("img_001.png", "img_002.png"), stated, strict=True):
        with Image.open(shared / "set5" / image) as photo:
            left, top = ((side - SIDE) // 2 for side in photo.size)
            high = photo.convert("RGB").crop((left, top, left + SIDE, top + SIDE))
        size = (high.size[0] // scale, high.size[1] // scale)
        low = high.resize(size, interpolation)
        with torch.no_grad():
            result = model.module(model.preprocessing(low))
        found = psnr(_luma(result), luma(high), border=scale)
        rival = psnr(luma(low.resize(high.size, Image.Resampling.BICUBIC)), luma(high), border=scale)
        assert found == pytest.approx(figure, abs=0.02)
        assert found > rival + margin
    # CARN-M's three scales are of one file, and one of them is enough for the slowest step.
    if name not in ("carn_m_x3", "carn_m_x4"):
        inputs = model.preprocessing(low.crop((12, 12, 28, 24))).double()
        certificate = ls.interpret(model.module.double(), inputs).certificate
        assert certificate.reconstruction < 1e-12
        assert certificate.adjoint < 1e-12


def _luma(result: torch.Tensor) -> np.ndarray:
    values = result[0].permute(1, 2, 0).double().clamp(0, 1).numpy()
    return luma(255 * values) if values.shape[2] == 3 else 16 + 219 * values[..., 0]
