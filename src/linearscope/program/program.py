"""A captured model: a list of ATen operations that anyone can read, run, cut and save."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from linearscope.errors import CaptureError, InputError, UnknownNameError

__all__ = ["Node", "Program", "Ref", "references", "substitute"]


class Ref(NamedTuple):
    """The value of another node, as an argument of a node."""

    index: int  # type: ignore[assignment]  # instead of tuple.index


@dataclass(frozen=True)
class Node:
    """One step of a Program.

    Attributes
    ----------
    index
        Place in the Program; arguments refer to it.
    name
        Stable human name, unique in the Program: the path of the module that made the node, and the operation where
        that module has more than one.
    kind
        ``"image"``, ``"parameter"`` (a parameter, buffer or constant tensor) or ``"call"``.
    target
        The ATen operation of a call (or ``operator.getitem``).
    args, kwargs
        Arguments; the values of other nodes appear as :class:`Ref`.
    layer
        Path of the module that made the node (for a parameter, its key in the state dict).
    calls
        Every module call the node stands in, outermost first, as ``path`` or ``path#2`` for a second call.
    live
        Whether the value depends on the image.
    shape, dtype
        Of the value, when it is one tensor; else ``None``.
    """

    index: int
    name: str
    kind: str
    target: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    layer: str
    calls: tuple[str, ...]
    live: bool
    shape: tuple[int, ...] | None
    dtype: torch.dtype | None

    @property
    def operation(self) -> str:
        """Name of the operation, as PyTorch prints it."""
        return "getitem" if self.target is operator.getitem else str(self.target)

    @property
    def inputs(self) -> tuple[int, ...]:
        """Indices of the nodes whose values the call takes, in order of appearance, repeats kept."""
        return tuple(ref.index for ref in references((self.args, dict(self.kwargs))))


def references(value: Any) -> Iterator[Ref]:
    """Yield every :class:`Ref` inside nested arguments, in order."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from references(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, slice):
        yield from references((value.start, value.stop, value.step))


def substitute(value: Any, lookup: Callable[[int], Any]) -> Any:
    """Return nested arguments with every :class:`Ref` replaced by ``lookup(index)``."""
    if isinstance(value, Ref):
        return lookup(value.index)
    if isinstance(value, (tuple, list)):
        return type(value)(substitute(item, lookup) for item in value)
    if isinstance(value, Mapping):
        return {key: substitute(item, lookup) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*(substitute(item, lookup) for item in (value.start, value.stop, value.step)))
    return value


class Program:
    """A model captured on one image size, as a graph of ATen operations in order of execution.

    Made by :func:`linearscope.capture` or :func:`linearscope.load`. The parameters are the model's own tensors, not
    copies. A Program is callable like the model, and never changes.

    Parameters
    ----------
    nodes
        The steps; arguments refer only to earlier ones.
    parameters
        Tensor of every node of kind ``"parameter"``, by index.
    output
        Index of the node whose value is the output.
    notes
        What was done to the model that the user should know (a final softmax cut off, say).
    bound
        The only image that the Program holds for, when its control flow was traced on it.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten())
    >>> program = ls.capture(model, torch.rand(1, 3, 8, 8))
    >>> list(program.layers)
    ['0', '1', '2']
    >>> head, tail = program.cut("1")
    >>> x = torch.rand(1, 3, 8, 8)
    >>> torch.equal(tail(head(x)), program(x))
    True
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        parameters: Mapping[int, Tensor],
        output: int,
        notes: Sequence[str] = (),
        bound: Tensor | None = None,
    ) -> None:
        self.bound = bound
        self.nodes = tuple(nodes)
        self.parameters = dict(parameters)
        self.output = output
        self.notes = tuple(notes)
        images = [node for node in self.nodes if node.kind == "image"]
        if len(images) != 1:
            raise CaptureError(
                f"The model takes {len(images)} tensors; wrap it in a module that takes one image and fixes the others."
            )
        self.image = images[0]
        if not self.nodes[output].live:
            raise CaptureError("The output does not depend on the image, so there is nothing to interpret.")
        self.layers: dict[str, int] = _layers(self.nodes)
        self._constants: dict[int, Any] | None = None
        self._constants_of: tuple[int, ...] = ()

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the image, batch included."""
        assert self.image.shape is not None
        return self.image.shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the output, batch included."""
        shape = self.nodes[self.output].shape
        assert shape is not None
        return shape

    @property
    def dtype(self) -> torch.dtype:
        """Type of the image's numbers."""
        assert self.image.dtype is not None
        return self.image.dtype

    @property
    def device(self) -> torch.device:
        """Where the parameters lie (the CPU when there are none)."""
        return next(iter(self.parameters.values())).device if self.parameters else torch.device("cpu")

    def find(self, layer: str) -> Node:
        """Return the node whose value is the output of ``layer``.

        Raises
        ------
        UnknownNameError
            When there is no such layer; the message gives the nearest names.
        """
        if layer not in self.layers:
            raise UnknownNameError("layer", layer, self.layers)
        return self.nodes[self.layers[layer]]

    def __repr__(self) -> str:
        calls = sum(node.kind == "call" and node.live for node in self.nodes)
        return f"Program({calls} operations on the image, {self.input_shape} -> {self.output_shape}, {self.dtype})"

    def fingerprint(self) -> str:
        """Return a short digest of what the Program computes: operations, arguments, parameters; no names, no device.

        Examples
        --------
        >>> import torch, linearscope as ls
        >>> model = torch.nn.Conv2d(1, 1, 3)
        >>> one = ls.capture(model, torch.rand(1, 1, 8, 8)).fingerprint()
        >>> one == ls.capture(model, torch.rand(1, 1, 8, 8)).fingerprint()
        True
        >>> one == ls.capture(model, torch.rand(1, 1, 9, 8)).fingerprint()
        False
        """
        from linearscope.program.fingerprint import program_fingerprint

        return program_fingerprint(self)

    # -- running -----------------------------------------------------------------------------------------------------

    @property
    def constants(self) -> Mapping[int, Any]:
        """Values of all nodes that do not depend on the image, computed once (:meth:`check` drops outdated ones)."""
        if self._constants is None:
            values: dict[int, Any] = dict(self.parameters)
            with torch.no_grad():
                for node in self.nodes:
                    if node.kind == "call" and not node.live:
                        values[node.index] = execute(node, values.__getitem__)
            self._constants, self._constants_of = values, self.versions()
        return self._constants

    def versions(self) -> tuple[int, ...]:
        """How often each parameter has been changed in place so far; a change shows as another tuple."""
        return tuple(0 if t.is_inference() else t._version for t in self.parameters.values())

    def __call__(self, image: Tensor) -> Tensor:
        """Run the Program on an image of the captured shape; returns the output."""
        return self.run(image)

    @torch.no_grad()
    def run(self, image: Tensor, visit: Callable[[Node, Any], Any] | None = None) -> Tensor:
        """Run the Program on an image of the captured shape while ``visit`` sees every value the output needs.

        Parameters
        ----------
        image
            Of the captured shape.
        visit
            Called with every node that depends on the image and its value, in order; what it returns, unless it is
            ``None``, takes the value's place.

        Examples
        --------
        >>> import torch, linearscope as ls
        >>> program = ls.capture(torch.nn.Conv2d(3, 4, 3), torch.rand(1, 3, 8, 8))
        >>> float(program.run(torch.rand(1, 3, 8, 8), lambda node, value: value * 0).abs().sum())
        0.0
        """
        self.check(image)
        constants = self.constants
        values: dict[int, Any] = {self.image.index: image}
        last = self.last_uses()
        for node in self.nodes:
            if not node.live or node.index not in last:
                continue
            if node.kind == "call":
                values[node.index] = execute(node, lambda i: values[i] if i in values else constants[i])
            if visit is not None:
                other = visit(node, values[node.index])
                values[node.index] = values[node.index] if other is None else other
            for index in set(node.inputs):
                if last.get(index) == node.index:
                    values.pop(index, None)
        result: Tensor = values[self.output]
        return result

    def last_uses(self) -> dict[int, int]:
        """For every node that the output needs, the last node that needs its value (the output: itself)."""
        last = {self.output: self.output}
        for node in reversed(self.nodes[: self.output + 1]):
            if node.index in last:
                for index in node.inputs:
                    last.setdefault(index, node.index)
        return last

    def check(self, image: Tensor) -> None:
        """Raise :class:`InputError` unless ``image`` has the captured shape, type and place, and is finite."""
        if self._constants is not None and self._constants_of != self.versions():
            self._constants = None
        if tuple(image.shape) != self.input_shape:
            raise InputError(
                f"The program was captured for images of shape {self.input_shape} and this one has shape "
                f"{tuple(image.shape)}; capture the model again on an image of this shape."
            )
        if image.dtype != self.dtype:
            raise InputError(f"The program works in {self.dtype} and the image is {image.dtype}; convert one of them.")
        if image.device.type != self.device.type:
            raise InputError(f"The program is on {self.device} and the image on {image.device}; move one of them.")
        if self.bound is not None and not torch.equal(image, self.bound):
            raise InputError(
                "The program was traced on one image, whose branches it holds, and this is another; capture the model "
                "on this image."
            )
        if not torch.isfinite(image).all():
            raise InputError("The image holds NaN or infinite values; repair it before asking what the network saw.")

    # -- making others -----------------------------------------------------------------------------------------------

    def cuts(self) -> tuple[str, ...]:
        """Names of the layers at which :meth:`cut` works: everything that reaches the output passes through them."""
        bottlenecks = self._bottlenecks()
        return tuple(name for name, index in self.layers.items() if index in bottlenecks)

    def cut(self, layer: str) -> tuple[Program, Program]:
        """Split into ``head`` (image to the output of ``layer``) and ``tail`` (from there to the output).

        Both are Programs, and ``tail(head(x))`` is the output. A layer beside which a skip connection runs cannot be
        cut; :meth:`LinearInterpreter.at` reads the affine form from such a layer as well.

        Raises
        ------
        UnknownNameError
            When there is no such layer.
        InputError
            When other values run past the layer; the message names layers where a cut works.
        """
        at = self.find(layer).index
        if at not in self._bottlenecks():
            near = sorted(self.cuts(), key=lambda name: abs(self.layers[name] - at))[:3]
            raise InputError(
                f"A value of the image runs past layer {layer!r} (a skip connection), so that it cannot be cut there; "
                + (f"it can be cut at {', '.join(map(repr, near))}." if near else "it cannot be cut anywhere.")
            )
        head = self.until_node(at)
        nodes = []
        for node in self.nodes:
            if node.index == at:
                node = replace(node, kind="image", target=None, args=(), kwargs={}, name="image")
            elif node.live and node.index < at:
                continue
            nodes.append(node)
        tail = _renumbered(nodes, self.parameters, self.output, self.notes)
        if self.bound is not None:
            tail.bound = head(self.bound)
        return head, tail

    def until(self, layer: str) -> Program:
        """Return the Program from the image to the output of ``layer``, whatever runs past it.

        Examples
        --------
        >>> import torch, linearscope as ls
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten())
        >>> ls.capture(model, torch.rand(1, 3, 8, 8)).until("1").output_shape
        (1, 4, 6, 6)
        """
        return self.until_node(self.find(layer).index)

    def until_node(self, output: int) -> Program:
        """Return the Program from the image to the value of the node at place ``output``."""
        return _renumbered(self.nodes[: output + 1], self.parameters, output, self.notes, self.bound)

    def _bottlenecks(self) -> set[int]:
        needed = self.last_uses()
        found = set()
        reach = self.image.index
        for node in self.nodes[: self.output + 1]:
            if not node.live or node.index not in needed:
                continue
            if reach <= node.index and node.shape is not None:
                found.add(node.index)
            reach = max(reach, needed[node.index])
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the Program to a ``.pt2`` file, names and notes included; :func:`linearscope.load` reads it.

        Raises
        ------
        InputError
            When the file cannot be written; nothing is left behind then.
        """
        from linearscope.program.files import save

        save(self, path)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Program:
        """Return the same Program with its floating-point numbers in ``dtype`` and everything on ``device``."""
        device = torch.device(device) if device is not None else self.device
        dtype, old = dtype or self.dtype, self.dtype

        def literal(value: Any) -> Any:
            if isinstance(value, torch.device):
                return device
            if value is old:
                return dtype
            if isinstance(value, (list, tuple)) and not isinstance(value, Ref):
                return type(value)(literal(item) for item in value)
            return value

        nodes = [
            replace(
                node,
                args=literal(node.args),
                kwargs={key: literal(value) for key, value in node.kwargs.items()},
                dtype=dtype if node.dtype is old else node.dtype,
            )
            for node in self.nodes
        ]
        parameters = {
            index: tensor.to(device, dtype if tensor.dtype is old else tensor.dtype)
            for index, tensor in self.parameters.items()
        }
        bound = self.bound.to(device, dtype) if self.bound is not None else None
        return Program(nodes, parameters, self.output, self.notes, bound)


def execute(node: Node, lookup: Callable[[int], Any]) -> Any:
    """Run the operation of ``node`` on the values that ``lookup`` gives for its references."""
    assert node.target is not None
    return node.target(*substitute(node.args, lookup), **substitute(dict(node.kwargs), lookup))


def _layers(nodes: Sequence[Node]) -> dict[str, int]:
    """Every name a user may give for a feature map: module calls (their last live node) and single nodes."""
    found: dict[str, int] = {}
    for node in nodes:
        if node.kind == "call" and node.live and node.shape is not None:
            for call in node.calls:
                if call:
                    found[call] = node.index
    for node in nodes:
        if node.kind == "call" and node.live and node.shape is not None:
            found.setdefault(node.name, node.index)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _renumbered(
    nodes: Sequence[Node], parameters: Mapping[int, Tensor], output: int, notes: Sequence[str] = (),
    bound: Tensor | None = None,
) -> Program:  # fmt: skip
    """A Program of those of ``nodes`` that ``output`` needs, numbered from 0, with what is live worked out anew."""
    by_index = {node.index: node for node in nodes}
    needed: set[int] = {node.index for node in nodes if node.kind == "image"}
    stack = [output]
    while stack:
        index = stack.pop()
        if index not in needed or index == output:
            needed.add(index)
            stack.extend(i for i in by_index[index].inputs if i not in needed)
    place = {old: new for new, old in enumerate(sorted(needed))}
    live: set[int] = set()
    kept = []
    for old in sorted(needed):
        node = by_index[old]
        if node.kind == "image" or any(index in live for index in node.inputs):
            live.add(old)
        kept.append(
            replace(
                node,
                index=place[old],
                args=substitute(node.args, lambda i: Ref(place[i])),
                kwargs=substitute(dict(node.kwargs), lambda i: Ref(place[i])),
                live=old in live,
            )
        )
    return Program(kept, {place[i]: t for i, t in parameters.items() if i in needed}, place[output], notes, bound)
