"""Operations that are taken apart at capture because their parts are what the rules speak of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._decomp import get_decompositions
from torch.nn import functional as F

__all__ = ["DECOMPOSITIONS"]

aten = torch.ops.aten


def _gates(x: Tensor, h: Tensor, *weights: Tensor | None) -> tuple[Tensor, Tensor]:
    w_ih, w_hh, b_ih, b_hh = weights
    assert w_ih is not None
    assert w_hh is not None
    return F.linear(x, w_ih, b_ih), F.linear(h, w_hh, b_hh)


def _lstm_cell(x: Tensor, hx: Sequence[Tensor], *weights: Tensor | None) -> tuple[Tensor, Tensor]:
    h, c = hx
    first, second = _gates(x, h, *weights)
    i, f, g, o = (first + second).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _gru_cell(x: Tensor, h: Tensor, *weights: Tensor | None) -> Tensor:
    first, second = _gates(x, h, *weights)
    (r1, z1, n1), (r2, z2, n2) = first.chunk(3, -1), second.chunk(3, -1)
    r, z = torch.sigmoid(r1 + r2), torch.sigmoid(z1 + z2)
    return (1 - z) * torch.tanh(n1 + r * n2) + z * h


def _rnn_tanh_cell(x: Tensor, h: Tensor, *weights: Tensor | None) -> Tensor:
    first, second = _gates(x, h, *weights)
    return torch.tanh(first + second)


def _rnn_relu_cell(x: Tensor, h: Tensor, *weights: Tensor | None) -> Tensor:
    first, second = _gates(x, h, *weights)
    return torch.relu(first + second)


# A recurrent layer is gates and sums; unrolled, the rules for those apply. Everything else stays whole.
DECOMPOSITIONS: dict[Any, Callable[..., Any]] = {
    **get_decompositions([aten.lstm.input, aten.gru.input, aten.rnn_tanh.input, aten.rnn_relu.input]),
    aten.lstm_cell.default: _lstm_cell,
    aten.gru_cell.default: _gru_cell,
    aten.rnn_tanh_cell.default: _rnn_tanh_cell,
    aten.rnn_relu_cell.default: _rnn_relu_cell,
}
