"""Linear maps of lanes: what a rule returns.

A lane tensor has the shape of the value it travels beside, with the number of lanes P in front: ``(P, *shape)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from linearscope.rules.decisions import Bits, Integers, Window
from linearscope.rules.structure import Along, Box, Shape, Structure, cut, extent, pointwise, taps

__all__ = [
    "Batched",
    "Branch",
    "Composite",
    "FirstOrder",
    "Lane",
    "LinearMap",
    "Operation",
    "Product",
    "Selection",
    "Slope",
    "Together",
    "align",
    "unbroadcast",
]

Lane = Tensor | None


class LinearMap:
    """The linear map of one frozen node, its transpose, and the constant the node adds.

    Subclasses implement :meth:`forward` and :meth:`transpose`, and where an output uses a few places only,
    :meth:`structure` and :meth:`submatrix`, by which windows are computed. ``constant`` is ``None`` for zero, or a
    tensor that broadcasts to the node's output (without the lane axis); for an operation with several results, a tuple
    of these.
    """

    def __init__(self, constant: Any = None) -> None:
        self._constant = constant

    @property
    def constant(self) -> Any:
        """What the node adds, whatever the lanes hold."""
        return self._constant

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:
        """Map one lane tensor for each input that carries lanes (``None`` is zero) to the lanes of the output.

        With ``reuse`` the storage of ``lanes[0]`` may be overwritten. An operation with several results returns
        a tuple.
        """
        raise NotImplementedError

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:
        """Map lanes on the output back to one for each input that carries lanes.

        With ``reuse`` the storage of ``u`` may be overwritten.
        """
        raise NotImplementedError

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:
        """For each input that carries lanes, which of its places an output can use; ``None``: all of all.

        ``inputs`` and ``output`` are the shapes of the values; ``output`` is ``None`` for several results.
        """
        return None

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:
        """The map from lanes on the boxes ``inputs`` to lanes on the box ``output``, for maps with a structure.

        ``inputs`` are what ``output`` needs by that structure, ``None`` where it needs nothing. The constant is left
        out, and what passes through stays whole: ``submatrix`` is for products only.
        """
        raise NotImplementedError

    @property
    def decision(self) -> Tensor | None:
        """The switch position or selection taken, one a unit; ``None`` where there is none or it is no discrete one."""
        return None

    def compact(self) -> None:
        """Make the stored decision as small as it can be."""

    @property
    def nbytes(self) -> int:
        """Bytes of the stored decision; weights are not counted."""
        return 0


def align(lanes: Tensor, dim: int) -> Tensor:
    """Insert axes behind the lane axis so that lanes of a smaller value broadcast against ``dim`` axes."""
    missing = dim - (lanes.dim() - 1)
    return lanes.reshape(lanes.shape[0], *[1] * missing, *lanes.shape[1:]) if missing > 0 else lanes


def unbroadcast(lanes: Tensor, shape: Sequence[int]) -> Tensor:
    """Sum lanes over the axes along which a value of ``shape`` was broadcast; the transpose of broadcasting."""
    extra = lanes.dim() - 1 - len(shape)
    if extra:
        lanes = lanes.sum(tuple(range(1, 1 + extra)))
    axes = [i + 1 for i, size in enumerate(shape) if size == 1 and lanes.shape[i + 1] != 1]
    return lanes.sum(axes, keepdim=True) if axes else lanes


def _vjp(function: Callable[..., Any], at: Sequence[Tensor], u: Any) -> Sequence[Lane]:
    """Transpose of the derivative of ``function`` at ``at``, on lanes (or a tuple of them, ``None`` zero)."""
    # Some operations refuse lanes whose channels lie last in memory.
    at, u = [t.contiguous() for t in at], u.contiguous() if isinstance(u, Tensor) else u
    with torch.enable_grad():
        value, pull, *_ = torch.func.vjp(function, *at)
    if isinstance(value, tuple | list):
        lanes = next(item for item in u if item is not None).shape[0]
        given = list(u) + [None] * (len(value) - len(u))
        u = type(value)(
            item if item is not None else out.new_zeros(lanes, *out.shape)
            for item, out in zip(given, value, strict=True)
        )
    result: Sequence[Lane] = torch.vmap(pull)(u)
    return result


class Operation(LinearMap):
    """An operation linear in its moving inputs: lanes are ``torch.vmap`` of it, its transpose ``torch.func.vjp``."""

    def __init__(
        self,
        function: Callable[..., Any],
        moving: Sequence[Tensor],
        constant: Tensor | None = None,
        decision: Sequence[Tensor] = (),
    ) -> None:
        super().__init__(constant)
        self._function = function
        self._like = [m.new_zeros(()).expand(m.shape) for m in moving]
        self._decision = tuple(decision)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:  # noqa: D102
        count = next(lane for lane in lanes if lane is not None).shape[0]
        full = [
            zero.expand(count, *zero.shape) if lane is None else lane
            for lane, zero in zip(lanes, self._like, strict=True)
        ]
        return torch.vmap(self._function)(*full)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        return _vjp(self._function, [zero.contiguous() for zero in self._like], u)

    @property
    def nbytes(self) -> int:  # noqa: D102
        return sum(t.numel() * t.element_size() for t in self._decision)


class Batched(Operation):
    """An :class:`Operation` of one input whose first axis is a batch: lanes are folded into it."""

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:  # noqa: D102
        (lane,) = lanes
        assert lane is not None
        return self._function(lane.flatten(0, 1)).unflatten(0, lane.shape[:2])

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        shape = self._like[0].shape
        zero = u.new_zeros(()).expand(u.shape[0] * shape[0], *shape[1:]).contiguous()
        with torch.enable_grad():
            _, pull, *_ = torch.func.vjp(self._function, zero)
        (result,) = pull(u.flatten(0, 1))
        return [result.unflatten(0, (u.shape[0], shape[0]))]


class FirstOrder(LinearMap):
    """First-order expansion of any differentiable function at x0: A = Dh(x0), c = h(x0) - Dh(x0) x0 (eq. 4)."""

    def __init__(self, function: Callable[..., Any], at: Sequence[Tensor], output: Any) -> None:
        self._function, self._at = function, tuple(t.detach().contiguous() for t in at)
        constant: Any
        made = self.forward([t.unsqueeze(0) for t in self._at])
        if isinstance(output, Tensor):
            constant = output - made.squeeze(0)
        else:
            constant = tuple(value - part.squeeze(0) for value, part in zip(output, made, strict=True))
        super().__init__(constant)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:  # noqa: D102
        count = next(lane for lane in lanes if lane is not None).shape[0]
        full = tuple(
            x.new_zeros(()).expand(count, *x.shape) if lane is None else lane
            for lane, x in zip(lanes, self._at, strict=True)
        )
        with torch.enable_grad():
            try:
                return torch.vmap(lambda *v: torch.func.jvp(self._function, self._at, v)[1])(*full)
            except (NotImplementedError, RuntimeError):
                # No forward derivative: the transpose of the transpose, which is linear, so that any point will do.
                value, pull, *_ = torch.func.vjp(self._function, *self._at)
                _, push, *_ = torch.func.vjp(pull, torch.zeros_like(value))
                return torch.vmap(lambda *v: push(v)[0])(*full)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        return _vjp(self._function, self._at, u)

    @property
    def nbytes(self) -> int:  # noqa: D102
        constants = self._constant if isinstance(self._constant, tuple) else (self._constant,)
        held = [t for t in (*self._at, *constants) if t is not None]
        return sum(t.numel() * t.element_size() for t in held)


def _grows(shape: Sequence[int], other: Sequence[int]) -> bool:
    """Whether a value of shape ``other`` becomes larger when it is multiplied by one of ``shape``."""
    extra = len(shape) - len(other)
    return extra > 0 or any(a > b for a, b in zip(shape[::-1], other[::-1], strict=False))


class Slope(LinearMap):
    """Multiplication by a tensor that broadcasts to the output, for an input of ``shape`` (default: the output's)."""

    def __init__(
        self, slope: Tensor, constant: Tensor | None = None, shape: Sequence[int] | None = None, decision: bool = True
    ) -> None:
        super().__init__(constant)
        self._slope, self._shape, self._decision = slope, shape, decision
        self._grows = shape is not None and _grows(slope.shape, shape)

    @property
    def weight(self) -> Tensor:
        """The slope."""
        return self._slope

    def with_weight(self, weight: Tensor) -> Slope:
        """The same map with another slope and no constant."""
        return Slope(weight, None, self._shape, self._decision)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:  # noqa: D102
        (lane,) = lanes
        assert lane is not None
        if reuse and not self._grows:
            return lane.mul_(self._slope)
        return align(lane, self._slope.dim()) * self._slope

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        back: Tensor = u.mul_(self._slope) if reuse else u * self._slope
        return [back if self._shape is None else unbroadcast(back, self._shape)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:  # noqa: D102
        return [pointwise(inputs[0], inputs[0] if output is None else output)]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:  # noqa: D102
        (inner,) = inputs
        assert inner is not None
        return Slope(cut(self._slope, output), shape=extent(inner))

    @property
    def nbytes(self) -> int:  # noqa: D102
        held = [t for t in (self._slope, self._constant) if t is not None and self._decision]
        return sum(t.numel() * t.element_size() for t in held)


class Branch(LinearMap):
    """Slope 1 where a gate is open and ``closed`` elsewhere; outside, two bounds may be added.

    ``above`` marks where the upper bound holds; what is neither open nor above takes the lower one.
    """

    def __init__(
        self,
        opened: Tensor,
        like: Tensor,
        closed: float | Tensor = 0.0,
        above: Tensor | None = None,
        bounds: tuple[float | Tensor, float | Tensor] = (0.0, 0.0),
    ) -> None:
        super().__init__()
        self._open, self._above = Bits(opened), Bits(above) if above is not None else None
        self._closed, self._bounds, self._dtype = closed, bounds, like.dtype

    @property
    def decision(self) -> Tensor:  # noqa: D102
        opened = self._open.get().to(torch.int8)
        return opened if self._above is None else opened - self._above.get().to(torch.int8)

    @property
    def constant(self) -> Any:  # noqa: D102
        low, high = self._bounds
        if self._above is None and isinstance(low, float | int) and low == 0:
            return None
        outside = ~self._open.get()
        result = outside.to(self._dtype)
        if self._above is None:
            return result * low
        low, high = (torch.as_tensor(bound, dtype=self._dtype, device=result.device) for bound in (low, high))
        return result * torch.where(self._above.get(), high, low)

    def _times(self, lane: Tensor, reuse: bool) -> Tensor:
        opened = self._open.get()
        if isinstance(self._closed, float | int) and self._closed == 0:
            return lane.mul_(opened) if reuse else lane * opened
        slope = torch.where(opened, torch.ones((), dtype=lane.dtype, device=lane.device), self._closed)
        return lane.mul_(slope) if reuse else lane * slope

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:  # noqa: D102
        (lane,) = lanes
        assert lane is not None
        return self._times(lane, reuse)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        return [self._times(u, reuse)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:  # noqa: D102
        return [pointwise(inputs[0], inputs[0])]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:  # noqa: D102
        closed = self._closed if isinstance(self._closed, float | int) else cut(self._closed, output)
        return Branch(self._open.part(output), torch.empty((), dtype=self._dtype), closed)

    def compact(self) -> None:  # noqa: D102
        self._open.compact()
        if self._above is not None:
            self._above.compact()

    @property
    def nbytes(self) -> int:  # noqa: D102
        return self._open.nbytes + (self._above.nbytes if self._above is not None else 0)


class Selection(LinearMap):
    """Picks elements: ``indices`` count through the last ``axes`` axes of the input, taken as one."""

    def __init__(self, indices: Integers | Window, shape: Sequence[int], axes: int) -> None:
        super().__init__()
        self._indices, self._shape, self._axes = indices, tuple(shape), axes

    @property
    def decision(self) -> Tensor:  # noqa: D102
        return self._indices.get()

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Tensor:  # noqa: D102
        (lane,) = lanes
        assert lane is not None
        indices = self._indices.get()
        flat = indices.flatten(-self._axes)
        picked = lane.flatten(-self._axes).gather(-1, flat.expand(lane.shape[0], *flat.shape))
        return picked.reshape(lane.shape[0], *indices.shape)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        indices = self._indices.get().flatten(-self._axes)
        plane = 1
        for size in self._shape[-self._axes :]:
            plane *= size
        back = u.new_zeros(u.shape[0], *self._shape[: -self._axes], plane)
        back.scatter_add_(-1, indices.expand(u.shape[0], *indices.shape), u.flatten(-self._axes))
        return [back.reshape(u.shape[0], *self._shape)]

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:  # noqa: D102
        if not isinstance(self._indices, Window):
            return None
        outer = self._indices.shape
        first = len(self._shape) - self._axes
        windows = self._indices.windows()
        return [
            tuple(
                Along(i) if i < first else Along(i, taps(outer[i], size, *windows[i - first]))
                for i, size in enumerate(self._shape)
            )
        ]

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:  # noqa: D102
        (inner,) = inputs
        assert inner is not None
        rest = cut(self._indices.get(), output)
        local, scale = torch.zeros_like(rest), 1
        for axis in reversed(range(len(inner) - self._axes, len(inner))):
            start, stop = inner[axis]
            local += scale * (rest % self._shape[axis] - start)
            rest = rest // self._shape[axis]
            scale *= stop - start
        return Selection(Integers(local, scale), extent(inner), self._axes)

    def compact(self) -> None:  # noqa: D102
        self._indices.compact()

    @property
    def nbytes(self) -> int:  # noqa: D102
        return self._indices.nbytes


class Product(LinearMap):
    """A product of values of the image: each moves in turn with the others frozen, weighted by ``weight``.

    With ``weight`` one over the number of factors the map is exact with no constant; with weight 1 it is the
    derivative and ``constant`` carries the rest.
    """

    def __init__(
        self, function: Callable[..., Tensor], factors: Sequence[Tensor], weight: float, constant: Tensor | None = None
    ) -> None:
        super().__init__(constant)
        self._factors, self._weight = tuple(factors), weight
        self._maps = []
        for i, factor in enumerate(factors):
            others = list(factors)

            def one(value: Tensor, i: int = i, others: list[Tensor] = others) -> Tensor:
                return function(*others[:i], value, *others[i + 1 :])

            self._maps.append(Operation(one, [factor]))

    @classmethod
    def of(cls, function: Callable[..., Tensor], factors: Sequence[Tensor], value: Tensor, taylor: bool) -> Product:
        """The product ``value`` frozen, or expanded to first order: there each factor counts whole."""
        if taylor:
            return cls(function, factors, 1.0, (1 - len(factors)) * value)
        return cls(function, factors, 1 / len(factors))

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:  # noqa: D102
        parts = [part.forward([lane]) for part, lane in zip(self._maps, lanes, strict=True) if lane is not None]
        return sum(parts[1:], start=parts[0]) * self._weight

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        scaled = u * self._weight
        return [part.transpose(scaled)[0] for part in self._maps]

    @property
    def nbytes(self) -> int:  # noqa: D102
        return sum(t.numel() * t.element_size() for t in self._factors)


class Together(LinearMap):
    """A sum of maps, each of which takes those of the moving inputs whose places stand beside it."""

    def __init__(self, parts: Sequence[tuple[LinearMap, Sequence[int]]], constant: Tensor | None) -> None:
        constants = [c for c in (constant, *(part.constant for part, _ in parts)) if c is not None]
        super().__init__(sum(constants[1:], start=constants[0]) if constants else None)
        self._parts = parts

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:  # noqa: D102
        results = [
            part.forward([lanes[place] for place in places])
            for part, places in self._parts
            if any(lanes[place] is not None for place in places)
        ]
        return sum(results[1:], start=results[0])

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        back: dict[int, Lane] = {}
        for part, places in self._parts:
            back.update(zip(places, part.transpose(u), strict=True))
        return [back[place] for place in range(len(back))]

    @property
    def nbytes(self) -> int:  # noqa: D102
        return sum(part.nbytes for part, _ in self._parts)


class Composite(LinearMap):
    """A map on the first result of an operation with several results, the others carrying nothing."""

    def __init__(self, first: LinearMap) -> None:
        super().__init__()
        self.first = first

    def structure(self, inputs: Sequence[Shape], output: Shape | None) -> Sequence[Structure] | None:  # noqa: D102
        return self.first.structure(inputs, output)

    def submatrix(self, output: Box, inputs: Sequence[Box | None]) -> LinearMap:  # noqa: D102
        return Composite(self.first.submatrix(output, inputs))

    @property
    def decision(self) -> Tensor | None:  # noqa: D102
        return self.first.decision

    @property
    def constant(self) -> Any:  # noqa: D102
        return (self.first.constant,)

    def forward(self, lanes: Sequence[Lane], reuse: bool = False) -> Any:  # noqa: D102
        return (self.first.forward(lanes, reuse),)

    def transpose(self, u: Any, reuse: bool = False) -> Sequence[Lane]:  # noqa: D102
        return self.first.transpose(u[0], reuse)

    def compact(self) -> None:  # noqa: D102
        self.first.compact()

    @property
    def nbytes(self) -> int:  # noqa: D102
        return self.first.nbytes
