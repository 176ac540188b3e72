import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from linearscope.errors import InputError, UnknownNameError
from linearscope.models import (
    available,
    bundled_labels,
    default_image,
    load_model,
    read_image,
    sources,
    timm_models,
    torchvision_models,
)
from linearscope.networks import BUNDLED, SqueezeNet1_1

torchvision = pytest.mark.skipif(find_spec("torchvision") is None, reason="torchvision is not installed")
timm = pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")


@pytest.fixture
def offline(monkeypatch):
    def refuse(*args, **kwargs):
        pytest.fail("reached for the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)


def scores(model):
    assert not model.module.training
    with torch.no_grad():
        return model.module(model.preprocessing(read_image(default_image())))


def test_the_default_model_sees_an_espresso(offline):
    model = load_model("efficientnet_lite0")
    chances = scores(model).softmax(1)[0]
    assert model.labels[int(chances.argmax())] == "espresso"
    assert chances.max() > 0.9
    assert "Apache-2.0" in model.source


@pytest.mark.parametrize("name", ["small_vgg", "small_vgg_bn"])
def test_the_small_pair(name):
    model = load_model(name)
    assert scores(model).shape == (1, 10)
    assert model.labels == bundled_labels("cifar10")


def test_a_network_without_weights_takes_the_users(tmp_path):
    save_file(SqueezeNet1_1().state_dict(), tmp_path / "mine.safetensors")
    model = load_model("squeezenet1_1", weights=tmp_path / "mine.safetensors")
    assert "weights from mine.safetensors" in model.source
    assert scores(model).shape == (1, 1000)


def test_the_users_weights_replace_the_bundled_ones(tmp_path):
    module = BUNDLED["efficientnet_lite0"].make()
    nn.init.zeros_(module._fc.weight)
    nn.init.constant_(module._fc.bias, 3.0)
    save_file(module.state_dict(), tmp_path / "mine.safetensors")
    model = load_model("efficientnet_lite0", weights=tmp_path / "mine.safetensors")
    assert torch.allclose(scores(model), torch.tensor(3.0))
    assert "Apache" not in model.source


def test_options_override_what_the_model_brings(tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(f"class {index}" for index in range(1000)))
    model = load_model("efficientnet_lite0", preprocess="resize=300", labels=tmp_path / "names.txt", output="scores")
    assert model.preprocessing.resize == 300
    assert model.preprocessing.mean == (127.0,)
    assert model.labels[5] == "class 5"
    assert model.output == "scores"


@torchvision
@pytest.mark.parametrize("name", ["resnet18", "googlenet", "inception_v3", "shufflenet_v2_x0_5"])
def test_torchvision(name, offline):
    model = load_model(f"torchvision:{name}")
    again = load_model(f"torchvision:{name}")
    assert "random weights" in model.source
    assert scores(model).shape == (1, 1000)
    assert torch.equal(scores(model), scores(again))
    assert model.labels == bundled_labels("imagenet")
    assert model.preprocessing.mean == (0.485, 0.456, 0.406)
    assert model.preprocessing.crop == ((299, 299) if name == "inception_v3" else (224, 224))


@torchvision
def test_torchvision_segmentation(offline):
    model = load_model("torchvision:lraspp_mobilenet_v3_large", preprocess="resize=64")
    assert scores(model)["out"].shape[1] == len(model.labels) == 21
    assert model.output == "out"


@torchvision
def test_torchvision_with_weights(tmp_path):
    save_file(SqueezeNet1_1().state_dict(), tmp_path / "mine.safetensors")
    model = load_model("torchvision:squeezenet1_1", weights=tmp_path / "mine.safetensors")
    assert "random" not in model.source


@torchvision
def test_every_model_of_torchvision_has_readable_preprocessing():
    names = torchvision_models.torchvision_names()
    assert len(names) >= 80
    models = torchvision_models._models()
    for name in names:
        prepare = torchvision_models._preprocessing(models.get_model_weights(name).DEFAULT.transforms())
        assert prepare.resize is not None


@timm
@pytest.mark.parametrize("name", ["resnet10t", "mobilevitv2_050", "resnet18.a1_in1k"])
def test_timm(name, offline):
    model = load_model(f"timm:{name}")
    assert "random weights" in model.source
    assert scores(model).shape == (1, 1000)
    assert torch.equal(scores(model), scores(load_model(f"timm:{name}")))
    assert model.labels == bundled_labels("imagenet")


@timm
def test_every_architecture_of_timm_has_readable_preprocessing():
    library = timm_models._timm()
    names = timm_models.timm_names()
    assert len(names) > 900
    for name in names:
        config = library.get_pretrained_cfg(name)
        if config is not None:
            timm_models._preprocessing(name, config.to_dict())


@torchvision
def test_random_weights_leave_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load_model("torchvision:squeezenet1_1")
    assert torch.equal(torch.rand(1), expected)


GOOD = """
from dataclasses import dataclass
import torch
from torch import nn
from sibling import WIDTH

@dataclass
class Options:
    width: "int" = WIDTH

def make_net():
    return nn.Sequential(nn.Conv2d(3, Options().width, 3), nn.Dropout(0.5), nn.Flatten())

def broken():
    raise ValueError("no such luck")

def needs(width):
    return nn.Conv2d(3, width, 3)

def number():
    return 3

def a_class():
    return nn.Conv2d

def leaves():
    raise SystemExit(3)

constant = 7
"""


@pytest.fixture
def user_file(tmp_path):
    (tmp_path / "sibling.py").write_text("WIDTH = 5\n")
    (tmp_path / "nets.py").write_text(GOOD)
    yield tmp_path / "nets.py"
    sys.modules.pop("sibling", None)


def test_a_python_file(user_file):
    path = list(sys.path)
    model = load_model(f"{user_file}:make_net")
    assert scores(model).shape[1] == 5 * 398 * 598
    assert model.labels is None
    assert str(model.preprocessing).startswith("resize=none,crop=none")
    assert sys.path == path


def test_two_python_files_of_one_name(tmp_path):
    for folder, width in (("a", 2), ("b", 4)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(
            f"from torch import nn\ndef make(): return nn.Conv2d(3, {width}, 1)\n"
        )
    widths = [load_model(f"{tmp_path / folder / 'net.py'}:make").module.out_channels for folder in "ab"]
    assert widths == [2, 4]


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("make_nett", "nearest is 'make_net'|nearest are 'make_net'"),
        ("", "names no factory|no factory ''"),
        ("constant", "There is no factory 'constant'"),
        ("broken", r"ValueError: no such luck \(line 15\)"),
        ("needs", "TypeError.*without arguments"),
        ("number", "returns int and not"),
        ("a_class", "returns type and not"),
        ("leaves", "SystemExit"),
    ],
)
def test_bad_factories(user_file, factory, message):
    with pytest.raises(InputError, match=message):
        load_model(f"{user_file}:{factory}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("def make(:\n", r"SyntaxError.*line 1"),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError.*no_such_module_anywhere"),
        ("\n\n1 / 0\n", r"ZeroDivisionError: division by zero \(line 3\)"),
        ("raise SystemExit('stop')\n", "SystemExit: stop"),
        (b"\xff\xfe\x00", "SyntaxError|UnicodeDecodeError|ValueError"),
        ("", "is empty"),
    ],
    ids=["syntax", "import", "arithmetic", "exit", "binary", "empty"],
)
def test_bad_python_files(tmp_path, content, message):
    file = tmp_path / "net.py"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    modules = set(sys.modules)
    with pytest.raises(InputError, match=message) as caught:
        load_model(f"{file}:make")
    assert "\n" not in str(caught.value)
    assert not {name for name in set(sys.modules) - modules if name.startswith("linearscope_file")}


def test_ctrl_c_in_a_python_file_is_not_caught(tmp_path):
    (tmp_path / "net.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_model(f"{tmp_path / 'net.py'}:make")


def test_an_exported_program(tmp_path):
    file = tmp_path / "net.pt2"
    exported = torch.export.export(nn.Conv2d(3, 2, 1).eval(), (torch.zeros(1, 3, 4, 4),))
    torch.export.save(exported, file)
    model = load_model(file)
    assert model.module == file
    with pytest.raises(InputError, match="its own weights"):
        load_model(file, weights=tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "No model is named"),
        ("  ", "No model is named"),
        ("efficientnet_lite", "nearest is 'efficientnet_lite0'"),
        ("small_vg", "small_vgg"),
        ("resnet18", "torchvision:NAME"),
        ("squeezenet1_1", "comes without weights"),
        ("torchvison:resnet18", "source of models.*torchvision"),
        ("https://example.org/net", "source of models"),
        ("weights.safetensors", "no architecture"),
        ("weights.pth", "no architecture"),
        ("no.pt2", "There is no file"),
        ("no.py:make", "There is no file"),
        ("no.py", "names no factory"),
        ("photo.jpg", "no model"),
        ("a\0b.pt2", "is no path"),
    ],
    ids=lambda text: repr(text)[:24],
)
def test_bad_specs(tmp_path, monkeypatch, spec, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        load_model(spec)
    assert "\n" not in str(caught.value)


@torchvision
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet19", "'resnet18'"),
        ("", "no model of torchvision"),
        ("fasterrcnn_resnet50_fpn", "neither classifies nor segments"),
        ("r3d_18", "neither classifies nor segments"),
        ("raft_small", "neither classifies nor segments"),
    ],
)
def test_bad_torchvision_names(name, message):
    with pytest.raises(InputError, match=message):
        load_model(f"torchvision:{name}")


@timm
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet5O", "'resnet50"),
        ("", "no model of timm"),
        ("hf-hub:timm/resnet18", "no model of timm"),
        ("hf_hub:timm/resnet18", "no model of timm"),
        ("local-dir:/tmp", "no model of timm"),
        ("resnet18.no_such_tag", "timm does not make"),
    ],
)
def test_bad_timm_names(name, message, offline):
    with pytest.raises(InputError, match=message):
        load_model(f"timm:{name}")


@pytest.mark.parametrize("package", ["torchvision", "timm"])
def test_packages_that_are_not_installed(monkeypatch, package):
    module = {"torchvision": torchvision_models, "timm": timm_models}[package]
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=f"{package} is not installed. Install it with"):
        load_model(f"{package}:resnet18")


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "is empty"), (b"hello", "no exported program"), (b"PK\x03\x04" + bytes(50), "no exported program")],
    ids=["empty", "text", "half_a_zip"],
)
def test_bad_programs(tmp_path, data, message):
    (tmp_path / "net.pt2").write_bytes(data)
    with pytest.raises(InputError, match=message):
        load_model(tmp_path / "net.pt2")


@pytest.mark.parametrize("suffix", [".pt2", ".py:make"])
def test_folders_for_files(tmp_path, suffix):
    (tmp_path / f"net{suffix.split(':')[0]}").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        load_model(f"{tmp_path}/net{suffix}")


def test_weights_of_another_network(tmp_path):
    save_file(SqueezeNet1_1().state_dict(), tmp_path / "mine.safetensors")
    with pytest.raises(InputError, match=r"missing.*_conv_stem\.weight.*unexpected.*classifier\.1\.bias"):
        load_model("efficientnet_lite0", weights=tmp_path / "mine.safetensors")


@pytest.mark.parametrize("option", [{"preprocess": "crop=big"}, {"labels": "no.txt"}, {"weights": "no.pth"}], ids=str)
def test_bad_options(option):
    with pytest.raises(InputError):
        load_model("efficientnet_lite0", **option)


def test_the_list_of_models():
    entries = available()
    assert [entry.spec for entry in entries[: len(BUNDLED)]] == list(BUNDLED)
    assert [entry.spec for entry in entries[len(BUNDLED) :]] == [source.form for source in sources.SOURCES]
    assert all(entry.title and entry.weights for entry in entries)


@torchvision
def test_torchvision_is_importable_after_listing_and_declared_once():
    torchvision_models.torchvision_names()
    from linearscope.models.torchvision_compat import declare_operators

    declare_operators()
    assert Path(sys.modules["torchvision"].__file__).is_file()


def test_unknown_names_are_unknown_names():
    with pytest.raises(UnknownNameError):
        load_model("efficientnet_lite")
