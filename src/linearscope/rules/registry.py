"""The table of rules: what each ATen operation means to an interpreter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch
from torch import Tensor

from linearscope.errors import InputError
from linearscope.program import Node, Program
from linearscope.program.program import Ref, references, substitute
from linearscope.rules.maps import Composite, FirstOrder, LinearMap

__all__ = ["Call", "Rule", "find", "no_decisions", "register", "table"]

Target = Callable[..., Any]
Decisions = Callable[[Node, Program], Collection[int]]


class Call:
    """One node on one image, as a rule sees it.

    Attributes
    ----------
    node
        The node.
    inputs
        Values on the image of the node's inputs, in order of appearance among its arguments.
    carries
        Places in ``inputs`` that carry lanes; the map a rule returns takes a lane for each, in this order.
    live
        Places in ``inputs`` of values that depend on the image.
    output
        The node's own value on the image.
    """

    def __init__(
        self, node: Node, inputs: Sequence[Any], carries: Sequence[int], live: Sequence[int], output: Any
    ) -> None:
        self.node, self.output = node, output
        self.inputs, self.carries, self.live = tuple(inputs), tuple(carries), tuple(live)

    def __getitem__(self, name: str) -> Any:
        """Value of the argument that the operation's schema calls ``name``, its default included."""
        schema = self.node.target._schema  # type: ignore[union-attr]
        for place, argument in enumerate(schema.arguments):
            if argument.name == name:
                if not argument.kwarg_only and place < len(self.node.args):
                    return self._values(self.node.args[place])
                if name in self.node.kwargs:
                    return self._values(self.node.kwargs[name])
                return argument.default_value
        raise KeyError(f"{self.node.operation} has no argument {name!r}")

    def carried(self, name: str) -> bool:
        """Whether the argument ``name`` (one tensor) carries lanes."""
        return self.place(name) in self.carries

    def place(self, name: str) -> int:
        """Place among ``inputs`` of the argument ``name``, or -1 when it is not the value of a node."""
        return place(self.node, name)

    @property
    def moving(self) -> tuple[Tensor, ...]:
        """The inputs that carry lanes, on the image."""
        return tuple(self.inputs[i] for i in self.carries)

    @property
    def decided(self) -> tuple[Tensor, ...]:
        """The inputs that depend on the image and do not move: decisions the map has to keep."""
        return tuple(self.inputs[i] for i in self.live if i not in self.carries)

    def function(self, *, zero: Collection[str] = (), joint: bool = False) -> Callable[..., Any]:
        """The operation as a function of its moving inputs alone.

        ``zero`` names arguments to set to zero; ``joint`` zeroes every other input tensor that
        holds real numbers, for operations that are linear in all of those together.
        """
        target = self.node.target
        assert target is not None
        held: list[Any] = [None if i in self.carries else value for i, value in enumerate(self.inputs)]
        if joint:
            held = [torch.zeros_like(v) if isinstance(v, Tensor) and v.is_floating_point() else v for v in held]
        places = count()
        args = substitute(list(self.node.args), lambda _: Ref(next(places)))
        kwargs = substitute(dict(self.node.kwargs), lambda _: Ref(next(places)))
        for position, argument in enumerate(target._schema.arguments):  # type: ignore[attr-defined]
            container, key = (kwargs, argument.name) if argument.name in kwargs else (args, position)
            if argument.name not in zero or (container is args and position >= len(args)):
                continue
            value = container[key]
            if isinstance(value, Ref):
                if value.index not in self.carries:
                    held[value.index] = torch.zeros_like(held[value.index])
            elif value is not None:
                container[key] = type(value)(0)

        carries = self.carries  # not self: a map that is kept would keep every value of the node

        def run(*moving: Tensor) -> Any:
            local = list(held)
            for i, value in zip(carries, moving, strict=True):
                local[i] = value
            return target(*substitute(args, local.__getitem__), **substitute(kwargs, local.__getitem__))

        return run

    def _values(self, value: Any) -> Any:
        by_index = dict(zip(self.node.inputs, self.inputs, strict=True))
        return substitute(value, by_index.__getitem__)


def place(node: Node, name: str) -> int:
    """Place among the inputs of ``node`` of the argument the schema calls ``name``; -1 when it is no node's value."""
    schema = node.target._schema  # type: ignore[union-attr]
    seen = 0
    positional = {argument.name: i for i, argument in enumerate(schema.arguments) if not argument.kwarg_only}
    order = [(n, node.args[i]) for n, i in positional.items() if i < len(node.args)] + list(node.kwargs.items())
    for argument, value in order:
        if argument == name:
            return seen if isinstance(value, Ref) else -1
        seen += sum(1 for _ in references(value))
    return -1


def no_decisions(node: Node, program: Program) -> Collection[int]:
    """No input of the node is a decision: all that depend on the image carry lanes."""
    return ()


@dataclass(frozen=True)
class Rule:
    """What one operation means to an interpreter.

    Attributes
    ----------
    target
        The ATen operation.
    kind
        Name under which a certificate counts it; ``"linear"`` for operations that are no units.
    freeze
        Makes the frozen map from a :class:`Call`.
    taylor
        Makes the first-order map; ``None`` where both are the same (linear and piecewise-linear operations).
    decisions
        Which inputs are decisions of the image and carry no lane when frozen.
    frozen, constant
        The map and its constant in words, for the table.
    deviation
        Makes the map of a normalisation that freezes its deviation and lets the mean move; ``None`` where that is the
        frozen map.
    """

    target: Target
    kind: str
    freeze: Callable[[Call], LinearMap]
    taylor: Callable[[Call], LinearMap] | None
    decisions: Decisions
    frozen: str
    constant: str
    deviation: Callable[[Call], LinearMap] | None = None

    def maker(self, interpretation: str) -> Callable[[Call], LinearMap]:
        """What makes the map under ``interpretation``."""
        special = {"taylor": self.taylor, "freeze-deviation": self.deviation}.get(interpretation)
        return self.freeze if special is None else special


_RULES: dict[Target, Rule] = {}


def register(
    *targets: Target,
    kind: str,
    frozen: str,
    constant: str = "0",
    smooth: bool | Callable[[Call], LinearMap] = False,
    decisions: Decisions = no_decisions,
    deviation: Callable[[Call], LinearMap] | None = None,
    replace: bool = False,
) -> Callable[[Callable[[Call], LinearMap]], Callable[[Call], LinearMap]]:
    """Register a rule for one or more operations.

    Parameters
    ----------
    targets
        ATen (or custom) operations, such as ``torch.ops.aten.relu.default``.
    kind
        Name for certificates and tables.
    frozen, constant
        The frozen map A(x0) and constant c(x0) in words.
    smooth
        Whether the operation is neither linear nor piecewise linear: ``interpretation="taylor"`` then takes its
        first-order expansion instead of the frozen map. A function gives that expansion where the general one
        (:func:`first_order`) can be bettered.
    decisions
        Function of the node and the Program: places of the inputs that are frozen whole.
    deviation
        Of a normalisation: makes the map for ``interpretation="freeze-deviation"``.
    replace
        Allow replacing a rule that is there.

    Raises
    ------
    InputError
        When an operation has a rule already and ``replace`` is not set.

    Examples
    --------
    >>> import torch, linearscope as ls
    >>> from linearscope.rules import Slope, register
    >>> @torch.library.custom_op("mylib::halfwave", mutates_args=())
    ... def halfwave(x: torch.Tensor) -> torch.Tensor:
    ...     return x * (x > 0)
    >>> _ = halfwave.register_fake(lambda x: torch.empty_like(x))
    >>> @register(torch.ops.mylib.halfwave.default, kind="halfwave", frozen="1 where x0 > 0")
    ... def halfwave_rule(call):
    ...     return Slope((call["x"] > 0).to(call["x"]))
    """

    def decorate(freeze: Callable[[Call], LinearMap]) -> Callable[[Call], LinearMap]:
        taylor = (first_order if smooth else None) if isinstance(smooth, bool) else smooth
        for target in targets:
            if target in _RULES and not replace:
                raise InputError(f"{target} has a rule already; pass replace=True to replace it.")
            _RULES[target] = Rule(target, kind, freeze, taylor, decisions, frozen, constant, deviation)
        return freeze

    return decorate


def first_order(call: Call) -> LinearMap:
    """First-order expansion at x0, for any differentiable operation (Navarrete Michelini et al. 2019, eq. 4)."""
    function = call.function()
    if isinstance(call.output, Tensor):
        return FirstOrder(function, call.moving, call.output)
    return Composite(FirstOrder(lambda *moving: function(*moving)[0], call.moving, call.output[0]))


def find(target: Target | None) -> Rule | None:
    """The rule of an operation, or ``None``."""
    return _RULES.get(target) if target is not None else None


def table() -> list[Rule]:
    """All rules, units first, in order of kind and name."""
    return sorted(_RULES.values(), key=lambda rule: (rule.kind == "linear", rule.kind, str(rule.target)))
