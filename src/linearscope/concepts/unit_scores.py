"""How strongly every channel of every layer answers to an image: one row of numbers an image, in one pass."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import torch
from torch import Tensor

from linearscope.errors import InputError, UnknownNameError
from linearscope.program import Node, Program

__all__ = ["SCORES", "Score", "UnitScorer", "default_layers"]

Score = Literal["squared", "norm"]
SCORES: Final[tuple[Score, ...]] = ("squared", "norm")

#: Operations whose values are scored by default, by the name that ATen gives them.
_COUNTED: Final = frozenset(
    {
        "conv2d", "convolution", "conv_transpose2d", "linear", "addmm",
        "relu", "leaky_relu", "prelu", "_prelu_kernel", "rrelu", "relu6", "hardtanh", "clamp", "clamp_min", "threshold",
        "elu", "selu", "celu", "gelu", "silu", "mish", "hardswish", "softplus", "softsign", "tanh",
        "max_pool2d", "max_pool2d_with_indices", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d",
    }
)  # fmt: skip
#: Those that count where they run over the rows and columns of a map, as a global pooling.
_REDUCTIONS: Final = frozenset(("mean", "amax"))


def default_layers(program: Program) -> tuple[str, ...]:
    """Name the layers whose channels are scored unless others are asked for, from the image to the output.

    They are the outputs of convolutions, activations, poolings and fully connected layers whose values are maps
    ``(B, C, h, w)`` or vectors ``(B, C)``, where a vector counts as C maps of one place. Left out are the Program's own
    output, whose channels are the very scores that are to be explained, and everything else: norms, sums and
    concatenations, whose values the activation behind them shows, gates (sigmoids), and sequences of tokens.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5)
    >>> default_layers(ls.capture(torch.nn.Sequential(*layers), torch.rand(1, 3, 6, 6)))
    ('0', '1')

    Raises
    ------
    InputError
        When there are none.
    """
    needed = program.last_uses()
    names: dict[int, str] = {}
    for name, index in program.layers.items():
        names.setdefault(index, name)
    found = []
    for node in program.nodes:
        known = node.index in names and node.index in needed and node.index != program.output
        if known and _is_map(node, program) and _counts(node, program):
            found.append(node.name if program.layers.get(node.name) == node.index else names[node.index])
    if not found:
        raise InputError(
            "The model has no convolution, activation, pooling or fully connected layer before its output; name "
            "layers whose values have the shape (B, C, h, w) or (B, C)."
        )
    return tuple(found)


@dataclass(frozen=True)
class UnitScorer:
    """Scores every channel of some layers of a Program on batches of images.

    For the map ``A`` of a channel the score is ``sum(A ** 2)``, or its root; each layer's scores are divided by their
    sum, then all scores of an image by the root of the sum of their squares. A layer that is zero on an image scores 0.

    Parameters
    ----------
    program
        Captured for a batch of B images.
    layers
        Names of layers; ``None``: :func:`default_layers`.
    score
        ``"squared"``, as in the authors' program, or ``"norm"``, the root of it.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 5)
    >>> program = ls.capture(torch.nn.Sequential(*layers), torch.rand(2, 3, 6, 6))
    >>> values, outputs = UnitScorer(program)(torch.rand(2, 3, 6, 6))
    >>> values.shape, outputs.shape, round(float(values[0].norm()), 4)
    (torch.Size([2, 8]), torch.Size([2, 5]), 1.0)

    Raises
    ------
    UnknownNameError
        When there is no such score or layer.
    InputError
        When the values of a layer are neither maps nor vectors, or no layers are left.

    Notes
    -----
    Nothing of the network is kept but these numbers: each value is reduced when the forward pass makes it.

    Source: Oramas et al., 2019, section 3.1; the norms as in the authors' program.
    """

    program: Program
    layers: Sequence[str] | None = None
    score: Score = "squared"

    def __post_init__(self) -> None:
        if self.score not in SCORES:
            raise UnknownNameError("score of units", self.score, SCORES)
        batch = self.program.input_shape[0]
        if batch > 1 and self.program.output_shape[:1] != (batch,):
            raise InputError(f"The output {self.program.output_shape} has no axis for the {batch} images.")
        self.channels  # noqa: B018  # refuses layers that cannot be scored

    @cached_property
    def channels(self) -> Mapping[str, int]:
        """How many channels each layer has, in the order of the layers."""
        if self.layers is None:
            names = default_layers(self.program)
        else:
            asked = list(dict.fromkeys(self.layers))
            if not asked:
                raise InputError("No layers are left to score; name at least one, or none at all for all of them.")
            for name in asked:
                node = self.program.find(name)
                if not _is_map(node, self.program) or node.index not in self.program.last_uses():
                    raise InputError(
                        f"The values of layer {name!r} have the shape {node.shape} and no channels; choose layers "
                        "whose values have the shape (B, C, h, w) or (B, C)."
                    )
            names = tuple(sorted(asked, key=self.program.layers.__getitem__))
        return {name: (self.program.find(name).shape or ())[1] for name in names}

    @property
    def units(self) -> int:
        """How many channels there are in all."""
        return sum(self.channels.values())

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Score one batch ``(B, C, H, W)``.

        Returns
        -------
        scores : Tensor, (B, units)
            In the order of the layers and their channels; no value is negative.
        outputs : Tensor, (B, N)
            The Program's output.
        """
        wanted = {self.program.layers[name]: name for name in self.channels}
        found: dict[str, Tensor] = {}

        def visit(node: Node, value: Any) -> None:
            name = wanted.get(node.index)
            if name is not None:
                found[name] = self._layer(value)

        output = self.program.run(images, visit)
        rows = torch.cat([found[name] for name in self.channels], 1)
        if not torch.isfinite(rows).all():
            raise InputError("A layer's values are NaN or infinite on these images, so that its units have no scores.")
        return _over(rows, rows.norm(dim=1, keepdim=True)), output.reshape(len(images), -1)

    def rows(self, images: Tensor | Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Score any number of images, ``(n, C, H, W)`` or batches of any sizes; yields (scores, outputs) a batch."""
        batch = self.program.input_shape[0]
        for part in batched([images] if isinstance(images, Tensor) else images, batch):
            scores, outputs = self(padded(part, batch))
            yield scores[: len(part)], outputs[: len(part)]

    def _layer(self, value: Tensor) -> Tensor:
        # vector_norm reads a map once and makes no other of its size.
        sizes = value.abs() if value.dim() == 2 else torch.linalg.vector_norm(value.flatten(2), dim=2)
        # Divided by the largest before squaring, so that no map is too large or too small for its type.
        sizes = _over(sizes, sizes.amax(1, keepdim=True))
        if self.score == "squared":
            sizes = sizes.square()
        return _over(sizes, sizes.sum(1, keepdim=True))


def batched(parts: Iterable[Tensor], batch: int) -> Iterator[Tensor]:
    """Regroup images that come in any portions, single ones ``(C, H, W)`` too, into batches; the last may be smaller.

    Examples
    --------
    >>> [len(part) for part in batched([torch.zeros(3, 1, 2, 2), torch.zeros(1, 2, 2)], 3)]
    [3, 1]
    """
    waiting: list[Tensor] = []
    count = 0
    for part in parts:
        if not isinstance(part, Tensor) or part.dim() not in (3, 4):
            given = tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__
            raise InputError(f"Images have the shape (n, C, H, W) or (C, H, W), and {given} was given.")
        part = part[None] if part.dim() == 3 else part
        while len(part):
            taken, part = part[: batch - count], part[batch - count :]
            waiting.append(taken)
            count += len(taken)
            if count == batch:
                yield torch.cat(waiting)
                waiting, count = [], 0
    if waiting:
        yield torch.cat(waiting)


def padded(images: Tensor, batch: int) -> Tensor:
    """Repeat the last image until there are ``batch``."""
    missing = batch - len(images)
    return torch.cat([images, images[-1:].expand(missing, *images.shape[1:])]) if missing > 0 else images


def _over(values: Tensor, total: Tensor) -> Tensor:
    return values / torch.where(total == 0, torch.ones_like(total), total)


def _is_map(node: Node, program: Program) -> bool:
    shape = node.shape or ()
    floating = node.dtype is not None and node.dtype.is_floating_point
    return node.live and floating and len(shape) in (2, 4) and shape[0] == program.input_shape[0]


def _counts(node: Node, program: Program) -> bool:
    if node.target is operator.getitem:
        return node.args[1] == 0 and _counts(program.nodes[node.inputs[0]], program)
    if node.kind != "call":
        return False
    name = node.operation.split(".")[1]
    if name in _REDUCTIONS:
        before = program.nodes[node.inputs[0]].shape or ()
        axes = node.args[1] if len(node.args) > 1 else None
        return len(before) == 4 and isinstance(axes, (list, tuple)) and {a % 4 for a in axes} == {2, 3}
    return name in _COUNTED
