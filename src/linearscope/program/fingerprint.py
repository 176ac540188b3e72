"""Fingerprints: short digests by which results on disk are known to belong to a model or an image."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from linearscope.program.program import Program

__all__ = ["fingerprint", "program_fingerprint"]

_LENGTH = 16
# Where tensors lie, and where objects lie in memory, says nothing about the network.
_PLACE = re.compile(r"device\([^)]*\)| at 0x[0-9a-f]+")


def fingerprint(tensors: Iterable[Tensor]) -> str:
    """Make a short digest of the bytes of tensors, in order.

    Examples
    --------
    >>> import torch
    >>> fingerprint([torch.zeros(2)]) == fingerprint([torch.zeros(2)])
    True
    >>> fingerprint([torch.zeros(2)]) == fingerprint([torch.ones(2)])
    False
    """
    digest = hashlib.sha256()
    for tensor in tensors:
        _feed(digest, tensor)
    return digest.hexdigest()[:_LENGTH]


def program_fingerprint(program: Program) -> str:
    """Make a short digest of what a Program computes: its operations with their arguments, and its parameters.

    Names of layers and the device are no part of it.
    """
    digest = hashlib.sha256()
    for node in program.nodes:
        what = (node.kind, node.operation if node.kind == "call" else "", node.args, dict(node.kwargs))
        digest.update(_PLACE.sub("", repr((*what, node.shape, node.dtype))).encode())
        if node.index in program.parameters:
            _feed(digest, program.parameters[node.index])
    digest.update(str(program.output).encode())
    return digest.hexdigest()[:_LENGTH]


def _feed(digest: Any, tensor: Tensor) -> None:
    digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
