"""The image-to-image architectures: published names of parameters, shapes, and the same map written out slowly."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

import linearscope as ls
from linearscope.errors import InputError
from linearscope.models import load_model
from linearscope.networks import BUNDLED, CycleGAN, TransformerNet, UNet


def randomised(net):
    """The network in float64 with every number random, so that none hides behind zero."""
    generator = torch.Generator().manual_seed(0)
    net = net.double().eval()
    state = {}
    for name, value in net.state_dict().items():
        noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        state[name] = value if value.ndim == 0 else noise.abs() + 0.5 if name.endswith("running_var") else 0.3 * noise
    net.load_state_dict(state)
    return net, state


def standardised(x):
    """Instance norm from its definition."""
    mean = x.mean((2, 3), keepdim=True)
    return (x - mean) / ((x - mean).square().mean((2, 3), keepdim=True) + 1e-5).sqrt()


def convolved(x, state, name, pad, stride=1):
    x = F.pad(x, (pad,) * 4, mode="reflect") if pad else x
    return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride)


@pytest.mark.parametrize("blocks", [6, 9])
def test_cyclegan_has_the_official_names(blocks):
    last = 10 + blocks
    wanted = {f"model.{k}.{part}" for k in (1, 4, 7, last, last + 3, last + 7) for part in ("weight", "bias")}
    wanted |= {
        f"model.{10 + b}.conv_block.{k}.{part}" for b in range(blocks) for k in (1, 5) for part in ("weight", "bias")
    }
    assert set(CycleGAN(8, blocks).state_dict()) == wanted


def test_numbers_of_parameters_are_the_published_ones():
    with torch.device("meta"):
        counts = [sum(p.numel() for p in net.parameters()) for net in (CycleGAN(), TransformerNet(), UNet())]
    assert counts == [11_378_179, 1_679_235, 31_037_698]


def test_cyclegan_is_the_map_written_out():
    net, state = randomised(CycleGAN(3, 2))
    x = torch.rand(2, 3, 20, 24, dtype=torch.float64) * 2 - 1
    y = standardised(convolved(x, state, "model.1", 3)).relu()
    for name in ("model.4", "model.7"):
        y = standardised(F.conv2d(y, state[f"{name}.weight"], state[f"{name}.bias"], 2, 1)).relu()
    for block in ("model.10.conv_block", "model.11.conv_block"):
        inner = standardised(convolved(y, state, f"{block}.1", 1)).relu()
        y = y + standardised(convolved(inner, state, f"{block}.5", 1))
    for name in ("model.12", "model.15"):
        y = F.conv_transpose2d(y, state[f"{name}.weight"], state[f"{name}.bias"], 2, 1, 1)
        y = standardised(y).relu()
    y = convolved(y, state, "model.19", 3).tanh()
    with torch.no_grad():
        assert torch.allclose(net(x), y, atol=1e-12)


def test_transformer_net_is_the_map_written_out():
    net, state = randomised(TransformerNet())

    def norm(x, name):
        return standardised(x) * state[f"{name}.weight"].view(1, -1, 1, 1) + state[f"{name}.bias"].view(1, -1, 1, 1)

    x = 255 * torch.rand(1, 3, 16, 20, dtype=torch.float64)
    y = norm(convolved(x, state, "conv1.conv2d", 4), "in1").relu()
    y = norm(convolved(y, state, "conv2.conv2d", 1, 2), "in2").relu()
    y = norm(convolved(y, state, "conv3.conv2d", 1, 2), "in3").relu()
    for k in range(1, 6):
        inner = norm(convolved(y, state, f"res{k}.conv1.conv2d", 1), f"res{k}.in1").relu()
        y = y + norm(convolved(inner, state, f"res{k}.conv2.conv2d", 1), f"res{k}.in2")
    for k in (1, 2):
        y = y.repeat_interleave(2, 2).repeat_interleave(2, 3)
        y = norm(convolved(y, state, f"deconv{k}.conv2d", 1), f"in{k + 3}").relu()
    y = convolved(y, state, "deconv3.conv2d", 4)
    with torch.no_grad():
        assert torch.allclose(net(x), y, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("size", [(16, 32), (37, 50)])
def test_unet_is_the_map_written_out(size):
    net, state = randomised(UNet(width=2))

    def pair(x, name):
        for k in (0, 3):
            x = F.conv2d(x, state[f"{name}.double_conv.{k}.weight"], padding=1)
            mean, var, scale, shift = (
                state[f"{name}.double_conv.{k + 1}.{part}"].view(1, -1, 1, 1)
                for part in ("running_mean", "running_var", "weight", "bias")
            )
            x = ((x - mean) / (var + 1e-5).sqrt() * scale + shift).relu()
        return x

    x = torch.rand(1, 3, *size, dtype=torch.float64)
    levels = [pair(x, "inc")]
    for k in range(1, 5):
        levels.append(pair(F.max_pool2d(levels[-1], 2), f"down{k}.maxpool_conv.1"))
    y = levels.pop()
    for k in range(1, 5):
        finer = levels.pop()
        larger = F.conv_transpose2d(y, state[f"up{k}.up.weight"], state[f"up{k}.up.bias"], 2)
        room = torch.zeros(1, larger.shape[1], *finer.shape[2:], dtype=torch.float64)
        room[:, :, : larger.shape[2], : larger.shape[3]] = larger
        y = pair(torch.cat([finer, room], 1), f"up{k}.conv")
    y = F.conv2d(y, state["outc.conv.weight"], state["outc.conv.bias"])
    with torch.no_grad():
        assert torch.allclose(net(x), y, atol=1e-12)


@pytest.mark.parametrize(("size", "wanted"), [((16, 16), (16, 16)), ((32, 20), (32, 20)), ((30, 33), (32, 36))])
def test_sizes_come_back_and_round_up_to_multiples_of_four(size, wanted):
    with torch.no_grad():
        for net in (CycleGAN(2, 1), TransformerNet()):
            assert net(torch.rand(1, 3, *size)).shape == (1, 3, *wanted)


@pytest.mark.parametrize("make", [lambda: CycleGAN(3, 2), lambda: UNet(width=2)], ids=["cyclegan", "unet"])
@pytest.mark.parametrize("interpretation", ["freeze", "taylor"])
def test_the_interpreter_is_exact(make, interpretation):
    net, _ = randomised(make())
    image = torch.rand(1, 3, 24, 36, dtype=torch.float64)
    certificate = ls.interpret(net, image, interpretation=interpretation).certificate
    assert certificate.reconstruction < 1e-12
    assert certificate.adjoint < 1e-12


@pytest.mark.parametrize("name", ["cyclegan_6", "transformer_net"])
def test_weights_of_a_file_are_loaded_by_name(tmp_path, name):
    net = BUNDLED[name].make()
    old = {f"{part}.running_mean": torch.ones(1) for part, m in net.named_modules() if isinstance(m, nn.InstanceNorm2d)}
    save_file({**net.state_dict(), **old}, tmp_path / "w.safetensors")
    model = load_model(name, weights=tmp_path / "w.safetensors")
    image = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(model.module(image), net.eval()(image))
    assert model.labels is None
    with pytest.raises(InputError, match="comes without weights"):
        load_model(name)
