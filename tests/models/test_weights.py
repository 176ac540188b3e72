import os
import pickle
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from linearscope.errors import InputError
from linearscope.models import load_weights, read_weights


class Evil:
    """Unpickling this makes a folder; no test may ever find it."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin", ".PTH"])
def test_tensors_come_back(tmp_path, suffix):
    file = tmp_path / f"w{suffix}"
    state = net().state_dict()
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    assert same(read_weights(file), state)
    other = net()
    nn.init.zeros_(other[0].weight)
    load_weights(other, file)
    assert same(other.state_dict(), state)


def test_the_legacy_format(tmp_path):
    torch.save(net().state_dict(), tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    assert same(read_weights(tmp_path / "w.pth"), net().state_dict())


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_wrappers_and_prefixes_are_taken_off(tmp_path, key):
    state = net().state_dict()
    wrapped = {key: {f"module.{name}": value for name, value in state.items()}, "epoch": 90, "name": "net"}
    torch.save(wrapped, tmp_path / "w.pth")
    assert same(read_weights(tmp_path / "w.pth"), state)


def test_a_prefix_that_only_some_names_have_stays(tmp_path):
    state = {"module.a": torch.ones(1), "b": torch.ones(1)}
    torch.save(state, tmp_path / "w.pth")
    assert same(read_weights(tmp_path / "w.pth"), state)


def torchscript(file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(2, 2)).save(str(file))


def truncated(share, **options):
    def write(file):
        torch.save(net().state_dict(), file, **options)
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * share)])

    return write


def pickled(protocol):
    return lambda file: file.write_bytes(pickle.dumps({"a": Evil(file.parent / "ran")}, protocol=protocol))


BAD = {
    "code_in_archive": (
        lambda file: torch.save({"a": Evil(file.parent / "ran")}, file),
        "more than tensors and was not",
    ),
    "code_in_legacy": (
        lambda file: torch.save({"a": Evil(file.parent / "ran")}, file, _use_new_zipfile_serialization=False),
        "more than tensors and was not read",
    ),
    "code_protocol_0": (pickled(0), "was not read"),
    "code_protocol_1": (pickled(1), "was not read"),
    "code_protocol_2": (pickled(2), "more than tensors and was not read"),
    "code_protocol_3": (pickled(3), "more than tensors and was not read"),
    "code_protocol_4": (pickled(4), "more than tensors and was not read"),
    "code_protocol_5": (pickled(5), "more than tensors and was not read"),
    "whole_module": (lambda file: torch.save(net(), file), "more than tensors and was not read"),
    "numpy_arrays": (lambda file: torch.save({"a": np.zeros(2)}, file), "more than tensors and was not read"),
    "torchscript": (torchscript, "TorchScript"),
    "empty": (lambda file: file.write_bytes(b""), "is empty"),
    "one_byte": (lambda file: file.write_bytes(b"\x80"), "damaged"),
    "text": (lambda file: file.write_text("hello world\n"), "damaged"),
    "git_lfs_pointer": (lambda file: file.write_text("version https://git-lfs.github.com/spec/v1\n"), "damaged"),
    "noise": (lambda file: file.write_bytes(np.random.default_rng(0).bytes(3000)), "damaged"),
    "half_an_archive": (truncated(0.5), "damaged"),
    "most_of_an_archive": (truncated(0.98), "damaged"),
    "half_a_legacy_file": (truncated(0.5, _use_new_zipfile_serialization=False), "damaged"),
    "list": (lambda file: torch.save([torch.ones(1)], file), "no table of named tensors"),
    "bare_tensor": (lambda file: torch.save(torch.ones(1), file), "no table of named tensors"),
    "no_tensor_at_all": (lambda file: torch.save({}, file), "no table of named tensors"),
    "empty_wrapper": (lambda file: torch.save({"state_dict": {}}, file), "no table of named tensors"),
    "numbers": (lambda file: torch.save({"a": 3}, file), "no table of named tensors"),
    "numbers_for_names": (lambda file: torch.save({1: torch.ones(1)}, file), "no table of named tensors"),
    "nan": (lambda file: torch.save({"a": torch.tensor([1.0, float("nan")])}, file), "NaN or infinite values in 'a'"),
    "infinite": (lambda file: torch.save({"a": torch.tensor(float("-inf"))}, file), "NaN or infinite values in 'a'"),
}


@pytest.mark.parametrize(("write", "message"), BAD.values(), ids=BAD)
def test_bad_files_give_one_sentence_and_run_nothing(tmp_path, write, message):
    file = tmp_path / "weights.pth"
    write(file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=message) as caught:
            read_weights(file)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_the_trap_itself_works(tmp_path):
    """Without this, the tests above could not fail."""
    pickle.loads(pickle.dumps(Evil(tmp_path / "ran")))
    assert (tmp_path / "ran").is_dir()


@pytest.mark.parametrize("data", [b"\0" * 100, b"", b"{}", b"\xff" * 8 + b"{}"], ids=["zeros", "empty", "json", "long"])
def test_bad_safetensors(tmp_path, data):
    file = tmp_path / "w.safetensors"
    file.write_bytes(data)
    with pytest.raises(InputError):
        read_weights(file)


def test_truncated_safetensors(tmp_path):
    file = tmp_path / "w.safetensors"
    save_file(net().state_dict(), file)
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(InputError, match="damaged"):
        read_weights(file)


def test_nan_in_safetensors(tmp_path):
    save_file({"a": torch.full((2,), float("nan"))}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="NaN"):
        read_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("name", ["w.onnx", "w.h5", "w.pkl", "w", "w.npz"])
def test_other_kinds_of_file(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match="not a weights file by its name"):
        read_weights(tmp_path / name)


def test_missing_and_folder(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        read_weights(tmp_path / "no.pth")
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        read_weights(tmp_path / "folder.pth")


def refused(tmp_path, state):
    module = net()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="do not fit the model") as caught:
        load_weights(module, tmp_path / "w.safetensors")
    assert same(module.state_dict(), before)
    return str(caught.value)


def test_missing_names(tmp_path):
    message = refused(tmp_path, {"0.weight": net()[0].weight.detach()})
    assert "7 missing (0.bias, 1.weight, 1.bias, ...)" in message
    assert "num_batches_tracked" not in message


def test_unexpected_names(tmp_path):
    extra = {f"head.{index}": torch.ones(1) for index in range(5)}
    assert "5 unexpected (head.0, head.1, head.2, ...)" in refused(tmp_path, net().state_dict() | extra)


def test_shapes(tmp_path):
    message = refused(tmp_path, net().state_dict() | {"3.weight": torch.ones(5, 4)})
    assert "1 of another kind (3.weight is float32 5x4 and should be float32 2x4)" in message


@pytest.mark.parametrize("dtype", [torch.int8, torch.complex64])
def test_types(tmp_path, dtype):
    assert "and should be float32 2" in refused(tmp_path, net().state_dict() | {"3.bias": torch.ones(2, dtype=dtype)})


def test_all_three_at_once(tmp_path):
    state = net().state_dict() | {"more": torch.ones(1), "0.bias": torch.ones(())}
    del state["3.bias"]
    message = refused(tmp_path, state)
    assert "1 missing (3.bias), 1 unexpected (more), 1 of another kind (0.bias is float32 scalar" in message


def test_half_precision_is_widened(tmp_path):
    save_file(
        {name: value.half() if value.is_floating_point() else value for name, value in net().state_dict().items()},
        tmp_path / "w.safetensors",
    )
    module = net()
    load_weights(module, tmp_path / "w.safetensors")
    assert module[0].weight.dtype == torch.float32
    assert torch.equal(module[0].weight, net()[0].weight.half().float())


def test_counters_of_batches_may_be_missing(tmp_path):
    state = net().state_dict()
    del state["1.num_batches_tracked"]
    save_file(state, tmp_path / "w.safetensors")
    load_weights(net(), tmp_path / "w.safetensors")


def test_idle_statistics_of_instance_norms_are_passed_over_and_those_of_others_are_not(tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4))
    state = {**net.state_dict(), "1.running_mean": torch.ones(4), "1.running_var": torch.ones(4)}
    save_file(state, tmp_path / "old.safetensors")
    nn.init.zeros_(net[0].weight)
    load_weights(net, tmp_path / "old.safetensors")
    assert torch.equal(net[0].weight, state["0.weight"])
    save_file({**state, "0.running_mean": torch.ones(4)}, tmp_path / "odd.safetensors")
    with pytest.raises(InputError, match=r"1 unexpected \(0.running_mean\)"):
        load_weights(net, tmp_path / "odd.safetensors")
