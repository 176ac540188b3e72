"""At least one call of every registered operation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tests.rules.oracle import Case

__all__ = ["CASES"]

aten = torch.ops.aten
_generator = torch.Generator().manual_seed(7)


def t(*shape: int) -> Tensor:
    """Random numbers of both signs, none of them small."""
    value = torch.randn(shape, generator=_generator, dtype=torch.float64)
    return value + 0.05 * torch.sign(value)


def p(*shape: int) -> Tensor:
    """Random positive numbers."""
    return torch.rand(shape, generator=_generator, dtype=torch.float64) + 0.5


def i(*values: int) -> Tensor:
    return torch.tensor(values)


CASES: list[Case] = []


def case(target: Any, *args: Any, carries: tuple[int, ...] = (0,), freezes: bool = True, **kwargs: Any) -> None:
    CASES.append(Case(target, args, kwargs, carries, freezes))


X = t(2, 3, 4, 5)
V = t(2, 6)

# -- units -----------------------------------------------------------------------------------------------------------
for _op in ("relu", "abs", "celu", "elu", "selu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh", "relu6",
            "tanh",
            "sigmoid", "erf", "sin", "cos", "exp", "exp2", "expm1", "asinh", "atan", "gelu", "leaky_relu", "rrelu",
            "softplus", "log_sigmoid", "hardshrink", "softshrink", "floor", "ceil", "round", "trunc", "sign",
            "square"):  # fmt: skip
    case(getattr(aten, _op).default, 3 * t(2, 7))
for _op in ("log", "sqrt", "rsqrt", "reciprocal", "log1p"):
    case(getattr(aten, _op).default, p(2, 7))
case(aten.gelu.default, t(2, 7), approximate="tanh")
case(aten.elu.default, t(2, 7), 1.3, 1.1, 0.7)
case(aten.leaky_relu.default, t(2, 7), 0.3)
case(aten.hardtanh.default, t(2, 7), -0.5, 0.8)
case(aten.prelu.default, t(2, 3, 4), t(3))
case(aten.prelu.default, t(2, 3, 4), t(1))
case(aten.prelu.default, t(2, 3), t(3))
case(aten._prelu_kernel.default, t(2, 3, 4), t(1, 3, 1))
case(aten.threshold.default, t(2, 7), 0.3, -2.0)
case(aten.threshold.default, t(2, 7), 0.3, 0.0)
case(aten.clamp.default, t(2, 7), -0.4, 0.6)
case(aten.clamp.default, t(2, 7), None, 0.6)
case(aten.clamp.default, t(2, 7), -0.4)
case(
    aten.clamp.Tensor,
    t(2, 7),
    torch.full((7,), -0.4, dtype=torch.float64),
    torch.full((2, 1), 0.5, dtype=torch.float64),
)
case(aten.clamp_min.default, t(2, 7), 0.2)
case(aten.clamp_min.default, t(2, 7), 0)
case(aten.clamp_min.Tensor, t(2, 7), t(7))
case(aten.clamp_max.default, t(2, 7), 0.2)
case(aten.clamp_max.Tensor, t(2, 7), t(7))
case(aten.pow.Tensor_Scalar, t(2, 7), 2)
case(aten.pow.Tensor_Scalar, t(2, 7), 3.0)
case(aten.pow.Tensor_Scalar, t(2, 7), 1)
case(aten.pow.Tensor_Scalar, p(2, 7), 0.5)
case(aten.pow.Tensor_Scalar, p(2, 7), -1.0)
case(aten.softmax.int, t(2, 5), 1)
case(aten._softmax.default, t(2, 5), -1, False)
case(aten.log_softmax.int, t(2, 5), 1)
case(aten._log_softmax.default, t(2, 5), -1, False)
case(aten.logsumexp.default, t(2, 5), [1])

# -- selections ------------------------------------------------------------------------------------------------------
case(aten.max_pool1d.default, t(2, 3, 9), [3], [2], [1], [1], True)
case(aten.max_pool2d.default, t(2, 3, 6, 7), [2, 2])
case(aten.max_pool2d.default, t(1, 2, 8, 9), [3, 2], [2, 1], [1, 1], [2, 2], True)
case(aten.max_pool2d.default, t(2, 6, 7), [3, 3], [2, 2], [1, 1])
case(aten.max_pool2d_with_indices.default, t(2, 3, 6, 7), [2, 2], [2, 2], [0, 0], [1, 1], True)
case(aten.max_pool3d.default, t(1, 2, 4, 5, 6), [2, 2, 2], [2, 1, 2], [1, 0, 1])
case(aten.adaptive_max_pool2d.default, t(2, 3, 7, 5), [3, 2])
case(aten.max.dim, X, 1)
case(aten.max.dim, X, -1, True)
case(aten.min.dim, X, 2)
case(aten.median.dim, X, 1)
case(aten.topk.default, t(2, 6), 3)
case(aten.topk.default, X, 2, 1)
case(aten.sort.default, X, 1)
case(aten.sort.default, X)
case(aten.amax.default, X, [1, 3])
case(aten.amax.default, X, [-1], True)
case(aten.amax.default, X)
case(aten.amin.default, X, [2])
case(aten.max.default, X)
case(aten.min.default, X)
for _op in (aten.maximum.default, aten.minimum.default):
    case(_op, t(2, 7), t(2, 7), carries=(0, 1))
    case(_op, t(2, 7), t(7))
    case(_op, t(7), t(2, 7))
    case(_op, t(7), t(2, 7), carries=(1,))
    case(_op, t(1, 7), t(2, 1), carries=(0, 1))

# -- norms -----------------------------------------------------------------------------------------------------------
case(aten._native_batch_norm_legit_no_training.default, X, t(3), t(3), t(3), p(3), 0.1, 1e-5)
case(aten._native_batch_norm_legit_no_training.default, V, None, None, t(6), p(6), 0.1, 1e-3)
case(aten.batch_norm.default, X, t(3), t(3), t(3), p(3), False, 0.1, 1e-5, False)
case(aten.native_batch_norm.default, X, t(3), t(3), t(3), p(3), False, 0.1, 1e-5)
case(aten._native_batch_norm_legit.no_stats, X, t(3), t(3), True, 0.1, 1e-5)
case(aten._native_batch_norm_legit.no_stats, X, None, None, True, 0.1, 1e-5)
case(aten.instance_norm.default, X, t(3), t(3), None, None, True, 0.1, 1e-5, False)
case(aten.instance_norm.default, X, None, None, None, None, True, 0.1, 1e-5, False)
case(aten.instance_norm.default, X, t(3), t(3), t(3), p(3), False, 0.1, 1e-5, False)
case(aten.group_norm.default, t(2, 6, 3, 2), 3, t(6), t(6))
case(aten.group_norm.default, t(2, 6), 2)
case(aten.native_group_norm.default, t(2, 6, 4), t(6), t(6), 2, 6, 4, 2, 1e-5)
case(aten.layer_norm.default, X, [4, 5], t(4, 5), t(4, 5))
case(aten.layer_norm.default, X, [5])
case(aten.layer_norm.default, X, [5], t(5))
case(aten.layer_norm.default, X, [5], None, t(5))
case(aten.native_layer_norm.default, X, [5], t(5), t(5), 1e-5)
case(aten.rms_norm.default, X, [5], t(5))
case(aten.rms_norm.default, X, [4, 5], None, 1e-6)
case(aten.linalg_vector_norm.default, X, 2, [1, 3], True)
case(aten.linalg_vector_norm.default, X)
case(aten.norm.ScalarOpt_dim, X, 2, [1], True)
case(aten.var.correction, X, [1], correction=1)
case(aten.std.correction, X, [2, 3], correction=0, keepdim=True)
for _op in (aten.var.default, aten.std.default, aten.var_mean.default):
    case(_op, X, False)
for _op in (aten.var.dim, aten.std.dim, aten.var_mean.dim):
    case(_op, X, [1, 2], True, True)
case(aten.var_mean.correction, X, [1], correction=1)

# -- products --------------------------------------------------------------------------------------------------------
for _c in ((0, 1), (0,), (1,)):
    case(aten.mul.Tensor, t(2, 3, 4), t(3, 1), carries=_c)
    case(aten.mul.Tensor, t(4), t(2, 3, 1), carries=_c)
    case(aten.mul.Tensor, t(2, 3), t(), carries=_c)
    case(aten.div.Tensor, t(2, 3, 4), p(3, 1), carries=_c, freezes=len(_c) == 1)
    case(aten.div.Tensor, t(3), p(2, 3), carries=_c, freezes=len(_c) == 1)
    case(aten.matmul.default, t(2, 3, 4), t(2, 4, 5), carries=_c)
    case(aten.matmul.default, t(3, 4), t(2, 4, 5), carries=_c)
    case(aten.matmul.default, t(2, 3, 4), t(4, 5), carries=_c)
    case(aten.matmul.default, t(2, 1, 3, 4), t(3, 4, 2), carries=_c)
    case(aten.matmul.default, t(4), t(4), carries=_c)
    case(aten.matmul.default, t(2, 3, 4), t(4), carries=_c)
    case(aten.matmul.default, t(3), t(2, 3, 4), carries=_c)
    case(aten.bmm.default, t(2, 3, 4), t(2, 4, 5), carries=_c)
    case(aten.mm.default, t(3, 4), t(4, 5), carries=_c)
    case(aten.mv.default, t(3, 4), t(4), carries=_c)
    case(aten.dot.default, t(4), t(4), carries=_c)
    case(aten.einsum.default, "bij,bjk->bki", [t(2, 3, 4), t(2, 4, 5)], carries=_c)
case(aten.einsum.default, "bij->bji", [t(2, 3, 4)])
case(aten.einsum.default, "i,i,j->ij", [t(3), t(3), t(2)], carries=(0, 1, 2))
case(aten.mul.Scalar, V, -1.5)
case(aten.mul.Tensor, V, 2)
case(aten.div.Scalar, V, 4.0)
case(aten.div.Tensor, V, 4.0)
for _c in ((2,), (0, 1, 2), (0, 1)):
    case(aten.scaled_dot_product_attention.default, t(2, 3, 4), t(2, 5, 4), t(2, 5, 3), carries=_c, freezes=_c == (2,))
case(aten.scaled_dot_product_attention.default, t(1, 2, 3, 4), t(1, 2, 3, 4), t(1, 2, 3, 4), t(3, 3), carries=(2,))
case(
    aten.scaled_dot_product_attention.default, t(1, 2, 3, 4), t(1, 2, 3, 4), t(1, 2, 3, 4),
    torch.tensor([[True, False, True], [True, True, True], [False, True, False]]), carries=(2,), scale=0.3,
)  # fmt: skip
case(
    aten.scaled_dot_product_attention.default,
    t(1, 2, 3, 4),
    t(1, 2, 3, 4),
    t(1, 2, 3, 4),
    None,
    0.0,
    True,
    carries=(2,),
)

# -- sums ------------------------------------------------------------------------------------------------------------
for _c in ((0, 1), (0,), (1,)):
    case(aten.add.Tensor, t(2, 3, 4), t(3, 1), carries=_c, alpha=2)
    case(aten.add.Tensor, t(1, 4), t(3, 1), carries=_c)
    case(aten.sub.Tensor, t(3), t(2, 3), carries=_c)
    case(aten.rsub.Tensor, t(3), t(2, 3), carries=_c, alpha=0.5)
case(aten.add.Scalar, V, 3)
case(aten.add.Tensor, V, 3)
case(aten.sub.Scalar, V, 3, 2)
case(aten.rsub.Scalar, V, 3)
case(aten.rsub.Scalar, V, 3, 2)
case(aten.neg.default, V)
case(aten.mean.default, X)
case(aten.mean.dim, X, [1, -1])
case(aten.mean.dim, X, [-1, -2], True)
case(aten.sum.default, X)
case(aten.sum.dim_IntList, X, [0, 2], True)
case(aten.sum.dim_IntList, X, None)
case(aten.lerp.Scalar, t(3), t(2, 3), 0.3, carries=(0, 1))
case(aten.lerp.Scalar, t(3), t(3), 0.3)
for _c in ((1, 2), (1,), (0,), (0, 1), (0, 1, 2)):
    case(aten.addmm.default, t(3), t(2, 4), t(4, 3), carries=_c, beta=2.0, alpha=0.5)
    case(aten.baddbmm.default, t(2, 1, 3), t(2, 2, 4), t(2, 4, 3), carries=_c, beta=2.0, alpha=0.5)
    case(aten.addcmul.default, t(3), t(2, 3), t(2, 1), carries=_c, value=2.0)

# -- layers ----------------------------------------------------------------------------------------------------------
for _c in ((0,), (1,), (0, 1)):
    case(aten.linear.default, t(2, 3, 4), t(5, 4), t(5), carries=_c)
    case(aten.conv2d.default, t(2, 4, 5, 6), t(6, 2, 3, 3), t(6), [2, 1], [1, 0], [1, 2], 2, carries=_c)
    case(aten.conv1d.default, t(2, 4, 7), t(3, 4, 3), t(3), carries=_c)
case(aten.linear.default, t(4), t(5, 4), t(5))
case(aten.linear.default, V, t(5, 6))
case(aten.conv1d.default, t(2, 3, 7), t(4, 3, 3), None, [2])
case(aten.conv2d.default, t(1, 3, 6, 6), t(4, 3, 4, 4), t(4), [3, 3], [1, 1])
case(aten.conv2d.default, t(3, 6, 6), t(4, 3, 3, 3), t(4))
case(aten.conv3d.default, t(1, 2, 3, 4, 3), t(2, 2, 2, 2, 2), t(2))
case(aten.conv1d.padding, t(2, 3, 7), t(4, 3, 3), t(4), [1], "same")
case(aten.conv2d.padding, t(2, 3, 5, 5), t(4, 3, 4, 2), t(4), [1, 1], "same")
case(aten.conv2d.padding, t(2, 3, 5, 5), t(4, 3, 2, 2), None, [2, 2], "valid")
case(aten.conv3d.padding, t(1, 2, 3, 4, 3), t(2, 2, 2, 2, 2), t(2), [1, 1, 1], "same")
case(aten.conv_transpose1d.default, t(2, 3, 5), t(3, 4, 3), t(4), [2], [1], [1])
case(aten.conv_transpose2d.input, t(2, 4, 4, 3), t(4, 3, 3, 2), t(6), [2, 3], [1, 0], [1, 2], 2, [2, 1])
case(aten.conv_transpose2d.input, t(1, 2, 3, 3), t(2, 3, 2, 2), None, [2, 2])
case(aten.conv_transpose3d.input, t(1, 2, 2, 3, 2), t(2, 2, 2, 2, 2), t(2), [2, 1, 2])
case(aten.convolution.default, t(2, 3, 5, 5), t(4, 3, 3, 3), t(4), [1, 1], [1, 1], [1, 1], False, [0, 0], 1)
case(aten.convolution.default, t(2, 3, 4, 4), t(3, 4, 3, 3), t(4), [2, 2], [1, 1], [1, 1], True, [1, 1], 1)

# -- averages, padding, resizing -------------------------------------------------------------------------------------
case(aten.avg_pool1d.default, t(2, 3, 7), [3], [2], [1], True, False)
case(aten.avg_pool2d.default, X, [2, 2])
case(aten.avg_pool2d.default, X, [3, 2], [2, 2], [1, 1], True, False)
case(aten.avg_pool2d.default, t(3, 4, 4), [2, 2])
case(aten.avg_pool3d.default, t(1, 2, 4, 4, 4), [2, 2, 2])
case(aten.adaptive_avg_pool1d.default, t(2, 3, 7), [3])
case(aten.adaptive_avg_pool2d.default, X, [3, 2])
case(aten.adaptive_avg_pool2d.default, X, [1, 1])
case(aten._adaptive_avg_pool2d.default, X, [2, 3])
case(aten.adaptive_avg_pool3d.default, t(1, 2, 4, 4, 4), [2, 1, 3])
case(aten.pad.default, X, [1, 2, 0, 1])
case(aten.pad.default, X, [1, 2, 0, 1], "constant", 1.5)
case(aten.pad.default, X, [1, 2, 0, 1], "reflect")
case(aten.pad.default, X, [1, 2, 0, 1], "circular")
case(aten.pad.default, X, [1, 2, 0, 1], "replicate")
case(aten.pad.default, V, [1, 2], "constant", 0.5)
case(aten.pad.default, t(2, 3, 4), [1, 0, 1, 1, 1, 0], "constant", 0.5)
case(aten.pad.default, X, [0, 0, 0, 0, 0, 1, 1, 0], "constant", 0.5)
case(aten.pad.default, X, [-1, 0, 0, -1])
case(aten.constant_pad_nd.default, X, [1, 2, 0, 1], 2.0)
case(aten.constant_pad_nd.default, X, [0, 0, 0, 0, 1, 1], 2.0)
for _n, _s in ((1, (2, 3, 5)), (2, (2, 3, 4, 5)), (3, (1, 2, 3, 4, 3))):
    case(getattr(aten, f"reflection_pad{_n}d").default, t(*_s), [1, 2] * _n if _n == 1 else [1] * (2 * _n))
    case(getattr(aten, f"replication_pad{_n}d").default, t(*_s), [1, 2] * _n)
case(aten.pixel_shuffle.default, t(2, 8, 2, 3), 2)
case(aten.pixel_unshuffle.default, t(2, 2, 4, 6), 2)
case(aten.channel_shuffle.default, t(2, 6, 2, 2), 3)
case(aten.upsample_nearest1d.vec, t(2, 3, 4), None, [2.0])
case(aten.upsample_nearest2d.vec, X, None, [2.0, 1.5])
case(aten.upsample_nearest2d.default, X, [7, 8])
case(aten._upsample_nearest_exact2d.vec, X, [7, 8], None)
case(aten.upsample_nearest3d.vec, t(1, 2, 2, 2, 2), None, [2.0, 2.0, 2.0])
case(aten.upsample_linear1d.vec, t(2, 3, 4), None, False, [2.0])
case(aten.upsample_bilinear2d.vec, X, None, True, [2.0, 1.5])
case(aten.upsample_bilinear2d.default, X, [7, 3], False)
case(aten.upsample_trilinear3d.vec, t(1, 2, 2, 2, 2), [3, 3, 4], False, None)
case(aten.upsample_bicubic2d.vec, X, [7, 3], False, None)
case(aten.upsample_bicubic2d.default, X, [7, 3], True)
case(aten._upsample_bilinear2d_aa.vec, X, [2, 3], False, None)
case(aten._upsample_bicubic2d_aa.vec, X, [2, 3], False, None)
case(aten.im2col.default, X, [2, 2], [1, 1], [1, 0], [2, 1])
case(aten.im2col.default, t(3, 4, 5), [2, 2], [1, 1], [0, 0], [1, 1])
case(aten.col2im.default, t(2, 12, 4), [3, 3], [2, 2], [1, 1], [0, 0], [1, 1])
_grid = torch.rand(2, 3, 3, 2, generator=_generator, dtype=torch.float64) * 2 - 1
case(aten.grid_sampler.default, X, _grid, 0, 0, False)
case(aten.grid_sampler_2d.default, X, _grid, 0, 1, True)
case(aten.affine_grid_generator.default, t(2, 2, 3), [2, 3, 4, 5], False)

# -- views and indices -----------------------------------------------------------------------------------------------
case(aten.view.default, X, [2, -1])
case(aten._unsafe_view.default, X, [6, 20])
case(aten.reshape.default, X, [5, 24])
case(aten.flatten.using_ints, X, 1, 2)
case(aten.unflatten.int, V, 1, [2, 3])
case(aten.squeeze.default, t(1, 3, 1))
case(aten.squeeze.dim, t(1, 3, 1), -1)
case(aten.squeeze.dims, t(1, 3, 1), [0, 2])
case(aten.unsqueeze.default, V, -1)
for _op in ("clone", "alias", "detach", "contiguous", "lift_fresh_copy"):
    case(getattr(aten, _op).default, V)
case(aten.view_as.default, V, t(3, 4))
case(aten.dropout.default, V, 0.5, False)
case(aten.native_dropout.default, V, 0.5, False)
case(aten.feature_dropout.default, X, 0.5, False)
case(aten._to_copy.default, V, dtype=torch.float64)
case(aten.type_as.default, V, t(1))
case(aten.type_as.default, V, t(1), carries=(0, 1))
case(aten.to.dtype, V, torch.float64)
case(aten.permute.default, X, [0, 2, -1, 1])
case(aten.transpose.int, X, 1, -1)
case(aten.t.default, V)
case(aten.t.default, t(3))
case(aten.numpy_T.default, V)
case(aten.numpy_T.default, t(2, 3, 4))
case(aten.movedim.intlist, X, [1], [3])
case(aten.expand.default, t(2, 1, 3), [4, 2, 5, -1])
case(aten.expand.default, t(3), [2, 3])
case(aten.repeat.default, V, [2, 1, 3])
case(aten.repeat_interleave.self_int, V, 2, 1)
case(aten.repeat_interleave.self_int, V, 2)
case(aten.slice.Tensor, X, 2, 1, 9223372036854775807, 2)
case(aten.select.int, X, 1, -1)
case(aten.unbind.int, t(3, 2, 2), 0)
case(aten.split.Tensor, V, 4, 1)
case(aten.split_with_sizes.default, V, [1, 3, 2], 1)
case(aten.chunk.default, V, 4, 1)
case(aten.tensor_split.indices, V, [2, 3], 1)
case(aten.unsafe_split.Tensor, V, 4, 1)
case(aten.unfold.default, V, 1, 3, 1)
case(aten.roll.default, X, [1, -2], [1, 3])
case(aten.roll.default, X, [3])
case(aten.flip.default, X, [0, 3])
case(aten.rot90.default, X, 1, [2, 3])
case(aten.diagonal.default, t(3, 4), 1)
case(aten.diag_embed.default, V)
case(aten.trace.default, t(3, 4))
case(aten.as_strided.default, V, [2, 3], [6, 2], 1)
case(aten.index.Tensor, X, [None, i(0, 2, 2)])
case(aten.index.Tensor, X, [i(0, 1), None, i(3, 1)])
case(aten.index.Tensor, V, [torch.tensor([[True, False, True, True, False, False], [False] * 5 + [True]])])
case(aten.index_select.default, X, 1, i(2, 0, 0))
case(aten.gather.default, V, 1, torch.tensor([[0, 3], [5, 5]]))
case(aten.take_along_dim.default, V, torch.tensor([[0, 3], [5, 5]]), 1)
case(aten.tril.default, t(3, 4), 1)
case(aten.triu.default, t(3, 4))
case(aten.cumsum.default, V, 1)
for _c in ((0, 1), (0,), (1,)):
    case(aten.cat.default, [V, t(2, 3)], 1, carries=_c)
    case(aten.stack.default, [V, t(2, 6)], 1, carries=_c)
    case(aten.hstack.default, [V, t(2, 3)], carries=_c)
    case(aten.vstack.default, [V, t(3, 6)], carries=_c)
    case(aten.slice_scatter.default, V, t(2, 2), 1, 1, 3, carries=_c)
    case(aten.slice_scatter.default, V, t(2, 2), 1, 1, 9223372036854775807, 3, carries=_c)
    case(aten.select_scatter.default, V, t(2), 1, 2, carries=_c)
    case(aten.copy.default, V, t(6), carries=_c)
    case(aten.fill.Tensor, V, t(), carries=_c)
for _c in ((0, 2), (0,), (2,)):
    case(aten.scatter.src, V, 1, torch.tensor([[0, 3], [5, 4]]), t(2, 2), carries=_c)
    case(aten.scatter_add.default, V, 1, torch.tensor([[0, 3], [5, 5]]), t(2, 2), carries=_c)
    case(aten.index_add.default, V, 1, i(0, 5, 5), t(2, 3), carries=_c, alpha=2)
case(aten.scatter.value, V, 1, torch.tensor([[0, 3], [5, 5]]), 7.0)
for _c in ((1, 2), (1,), (2,)):
    case(aten.where.self, t(2, 6) > 0, V, t(6), carries=_c)
case(aten.where.self, torch.tensor([[True], [False]]), t(6), t(1), carries=(1, 2))
case(aten.where.ScalarOther, t(2, 6) > 0, V, 1.5, carries=(1,))
case(aten.where.ScalarSelf, t(2, 6) > 0, 1.5, V, carries=(1,))
for _c in ((0, 2), (0,), (2,)):
    case(aten.index_put.default, V, [i(0, 1), i(3, 2)], t(2), carries=tuple(3 * c // 2 for c in _c))
    case(aten.index_put.default, V, [V > 0], t(), carries=_c)
case(aten.masked_fill.Scalar, V, t(6) > 0, -3.0)
case(aten.masked_fill.Scalar, t(6), t(2, 6) > 0, -3.0)
