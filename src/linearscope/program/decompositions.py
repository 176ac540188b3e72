"""Operations that are taken apart at capture because their parts are what the rules speak of."""

from __future__ import annotations

import torch
from torch._decomp import get_decompositions

__all__ = ["DECOMPOSITIONS"]

aten = torch.ops.aten

# A recurrent layer is gates and sums; unrolled, the rules for those apply. Everything else stays whole.
DECOMPOSITIONS = get_decompositions([aten.lstm.input, aten.gru.input, aten.rnn_tanh.input, aten.rnn_relu.input])
