"""Decisions are packed without loss and are as small as promised."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from linearscope.rules.decisions import Bits, Integers, Window


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 5), max_size=4), st.integers(0, 100))
def test_bits_come_back_and_take_an_eighth_of_a_byte(shape: list[int], seed: int) -> None:
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) > 0.5
    bits = Bits(mask)
    bits.compact()
    bits.compact()
    assert bits.get().dtype == torch.bool
    assert torch.equal(bits.get(), mask)
    assert bits.nbytes == -(-mask.numel() // 8)


@pytest.mark.parametrize(("limit", "size"), [(256, 1), (257, 2), (32768, 2), (32769, 4)])
def test_integers_take_the_smallest_type_that_holds_them(limit: int, size: int) -> None:
    indices = torch.tensor([0, 1, limit - 1])
    kept = Integers(indices, limit)
    kept.compact()
    assert torch.equal(kept.get(), indices)
    assert kept.nbytes == 3 * size


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(5, 11), st.integers(5, 11)), st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)), st.tuples(st.integers(0, 1), st.integers(0, 1)),
    st.tuples(st.integers(1, 2), st.integers(1, 2)), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_windows_come_back_at_one_byte_each(size, kernel, stride, padding, dilation, ceil_mode, seed) -> None:  # type: ignore[no-untyped-def]
    padding = [min(p, k // 2) for p, k in zip(padding, kernel, strict=True)]
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(seed))
    _, indices = F.max_pool2d(x, kernel, stride, padding, dilation, ceil_mode, return_indices=True)
    window = Window(indices, size, list(kernel), list(stride), padding, list(dilation))
    window.compact()
    assert torch.equal(window.get(), indices)
    assert window.nbytes == indices.numel()
