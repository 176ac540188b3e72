import io
import json

import numpy as np
import pytest
import torch

from linearscope.studio.packets import file_name, npz, packet
from tests.studio.asking import unpack


@pytest.mark.parametrize(
    "array",
    [
        torch.rand(3, 4, 5),
        torch.rand(2, 2, dtype=torch.float64),
        np.arange(7, dtype=np.uint8),
        torch.arange(-3, 3),
        torch.zeros(0, 4),
    ],
)
def test_arrays_come_back_as_they_were(array):
    header, arrays = unpack(packet({"name": "é"}, {"first": np.ones(3, np.uint8), "array": array}))
    assert header == {"name": "é"}
    assert arrays["first"].tolist() == [1, 1, 1]
    assert arrays["array"].shape == tuple(array.shape)
    assert np.array_equal(arrays["array"], np.asarray(array).astype(arrays["array"].dtype))


def test_numbers_that_json_cannot_hold_are_null():
    header, _ = unpack(packet({"a": float("nan"), "b": [float("inf"), 1.0], "c": {"d": -float("inf")}}, {}))
    assert header == {"a": None, "b": [None, 1.0], "c": {"d": None}}


@pytest.mark.parametrize("array", [np.array([1 << 40]), np.array([1 + 2j]), np.array(["a"])])
def test_what_does_not_fit_is_refused(array):
    with pytest.raises((ValueError, TypeError)):
        packet({}, {"array": array})


def test_a_file_holds_its_arrays_and_what_they_are():
    values = torch.rand(2, 3, dtype=torch.float64)
    with np.load(io.BytesIO(npz({"kind": "row"}, {"values": values})), allow_pickle=False) as file:
        assert np.array_equal(file["values"], values.numpy())
        assert json.loads(str(file["about"])) == {"kind": "row"}


@pytest.mark.parametrize(
    "parts", [("../../etc/passwd",), ("a\r\nSet-Cookie: b",), ('"quoted"', "ünïcode"), ("",), ("x" * 500,)]
)
def test_file_names_are_plain(parts):
    name = file_name(*parts)
    assert 0 < len(name) <= 120
    assert all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in name)
    assert name[0] not in ".-"
