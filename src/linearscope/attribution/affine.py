"""Whether a node is affine in what moves, whatever its values, which some methods ask for."""

from __future__ import annotations

from typing import Final

import torch

from linearscope.rules import Call, Rule

__all__ = ["is_affine"]

aten = torch.ops.aten

#: Kinds that are linear in all that moves together, and kinds that are so when one input alone depends on the image.
_LINEAR: Final = ("linear", "sampling")
_PRODUCTS: Final = ("product", "quotient")
#: Linear in each of two inputs and not in both.
_LAYERS: Final = {
    aten.linear.default, aten.conv1d.default, aten.conv2d.default, aten.conv3d.default, aten.conv1d.padding,
    aten.conv2d.padding, aten.conv3d.padding, aten.convolution.default, aten.conv_transpose1d.default,
    aten.conv_transpose2d.input, aten.conv_transpose3d.input,
}  # fmt: skip


def is_affine(call: Call, rule: Rule) -> bool:
    """Whether the node is one affine map of its moving inputs for all images."""
    if len(call.live) != len(call.carries):
        return False  # a decision of the image
    if rule.kind in _LINEAR:
        return len(call.carries) == 1 or call.node.target not in _LAYERS
    if rule.kind not in _PRODUCTS or len(call.carries) != 1:
        return False
    return rule.kind == "product" or call.carried("self")
