"""The walk: lanes forward and backward through the frozen nodes, decisions kept or made anew."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from linearscope.interpreter.plan import Plan, Step
from linearscope.program.program import execute
from linearscope.rules import Call, LinearMap
from linearscope.rules.maps import Lane

__all__ = ["Engine", "Item", "Visit", "freeze", "make_call", "walk_back"]


@dataclass(frozen=True)
class Visit:
    """What a backward walk meets at a node, before it goes on to the node's inputs.

    Attributes
    ----------
    step
        The node; its name, layer and rule.
    u
        Lanes ``(P, *shape)`` that came back to the node: the derivative of each target in the node's value. For an
        operation with several results, a list with ``None`` where nothing came back.
    map
        The frozen map, or ``None`` at the source and beside it.
    value
        The node's value on the image where it is at hand: at the source, beside it, and everywhere when values were
        asked for.

    A visitor may return a tensor like ``u``, to be added to it before it goes on. ``u`` is overwritten after the visit.
    """

    step: Step
    u: Any
    map: LinearMap | None
    value: Any


@dataclass(frozen=True)
class Item:
    """A step with its map on the image, and the value or the call where they are at hand."""

    step: Step
    map: LinearMap | None
    value: Any
    call: Call | None = None


class Engine:
    """Runs a :class:`Plan` on one image.

    Parameters
    ----------
    plan
        The steps.
    image
        ``(B, C, H, W)``.
    limit
        Bytes of decisions to keep at most; beyond it, none are kept and every product decides anew.
    """

    def __init__(self, plan: Plan, image: Tensor, limit: float) -> None:
        self.plan, self.image = plan, image
        self.frozen: Counter[str] = Counter()
        self._stored: list[Item] | None = []
        self.stored_bytes = 0
        for item in self._fresh():
            if item.map is not None and item.step.rule is not None:
                if item.map.nbytes:
                    kind = item.step.rule.kind
                    self.frozen["selection" if kind == "linear" else kind] += 1
                if self._stored is not None:
                    item.map.compact()
                    self.stored_bytes += item.map.nbytes
            if item.step.node.index == plan.source:
                self.point: Tensor = item.value
            if item.step.node.index == plan.program.output:
                self.output: Tensor = item.value
            if self._stored is not None:
                keep = item.step.bypass or item.step.node.index == plan.source
                self._stored.append(Item(item.step, item.map, item.value if keep else None))
                if self.stored_bytes > limit:
                    self._stored, self.stored_bytes = None, 0

    @property
    def stores(self) -> bool:
        """Whether decisions are kept."""
        return self._stored is not None

    # -- steps with their maps ---------------------------------------------------------------------------------------

    def decisions(self, image: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Name and decision of every switch and selection that lanes pass, on ``image``."""
        for item in self._fresh(image) if image is not self.image else self.forward_items():
            if item.map is not None and item.map.decision is not None:
                yield item.step.node.name, item.map.decision

    def _fresh(self, image: Tensor | None = None) -> Iterator[Item]:
        """All steps in order, values computed on the image (or another) and dropped after their last use."""
        values: dict[int, Any] = {}
        for step in self.plan.steps:
            if step.node.kind == "image" and image is not None:
                values[step.node.index] = image
            yield self._advance(step, values)
            for index in set(step.node.inputs):
                if self.plan.value_last.get(index) == step.node.index:
                    values.pop(index, None)

    def _advance(self, step: Step, values: dict[int, Any]) -> Item:
        constants = self.plan.program.constants

        def lookup(index: int) -> Any:
            return values[index] if index in values else constants[index]

        node = step.node
        if node.index not in values:
            values[node.index] = self.image if node.kind == "image" else execute(node, lookup)
        value = values[node.index]
        if step.rule is None:
            return Item(step, None, value)
        call = make_call(self.plan, step, lookup)
        return Item(step, freeze(self.plan, step, call), value, call)

    def forward_items(self) -> Iterator[Item]:
        """All steps in order, from the store or made anew."""
        return iter(self._stored) if self._stored is not None else self._fresh()

    def backward_items(self, values: bool = False) -> Iterator[Item]:
        """All steps in reverse: from the store, or recomputed segment by segment."""
        if self._stored is not None and not values:
            yield from reversed(self._stored)
            return
        steps, last = self.plan.steps, self.plan.value_last
        length = max(1, math.isqrt(len(steps)))
        starts = range(0, len(steps), length)
        constants = self.plan.program.constants
        held: dict[int, Any] = {}
        saved: list[dict[int, Any]] = []
        for start in starts:
            saved.append(dict(held))
            if start + length >= len(steps):
                break
            for step in steps[start : start + length]:
                index = step.node.index
                if step.node.kind == "image":
                    held[index] = self.image
                else:
                    held[index] = execute(step.node, lambda i: held[i] if i in held else constants[i])
                for used in set(step.node.inputs):
                    if last.get(used) == index:
                        held.pop(used, None)
        held = {}
        while saved:
            start = starts[len(saved) - 1]
            current = saved.pop()
            yield from reversed([self._advance(step, current) for step in steps[start : start + length]])

    # -- forward -----------------------------------------------------------------------------------------------------

    def forward(
        self, probes: Tensor, *, affine: bool = False,
        visit: Callable[[Call, LinearMap, list[Any]], None] | None = None, items: Iterable[Item] | None = None,
    ) -> Tensor:  # fmt: skip
        """``F v`` for every lane of ``probes`` ``(P, *source shape)``; with ``affine`` one lane more, the residual's.

        ``visit`` sees every unit on the image, its map and the lanes that come to it; decisions are then made anew.
        ``items`` replace the steps, when lanes travel through windows of the values.
        """
        if not self.plan.reaches:
            nothing = probes.new_zeros(probes.shape[0] + affine, *self.output.shape)
            if affine:
                nothing[-1] = self.output
            return nothing
        if affine:
            probes = torch.cat([probes, torch.zeros_like(probes[:1])])
        count = probes.shape[0]
        lanes = _Lanes(probes, self.plan.source)
        if self.plan.source == self.plan.program.output:
            return probes
        if items is None:
            items = self.forward_items() if visit is None else self._fresh()
        for item in items:
            step, index = item.step, item.step.node.index
            if step.bypass and affine:
                lane = item.value.new_zeros(count, *item.value.shape)
                lane[-1] = item.value
                lanes.put(index, lane)
            if not step.moves:
                continue
            inputs = [lanes.get(i) for i in step.sources]
            for i in set(step.sources):
                if self.plan.lane_last.get(i) == index:
                    lanes.drop(i)
            if step.node.target is operator.getitem:
                picked, result = inputs[0], None
                if picked is not None and step.node.args[1] < len(picked):
                    result = picked[step.node.args[1]]
            elif all(lane is None for lane in inputs):
                result = None
            else:
                assert item.map is not None
                if visit is not None and item.call is not None:
                    visit(item.call, item.map, inputs)
                reuse = len(inputs) == 1 and lanes.free(inputs[0])
                result = item.map.forward(inputs, reuse)
            if affine and item.map is not None:
                result = _add_constant(result, item.map.constant, count, step, lanes)
            lanes.put(index, result)
        final = lanes.get(self.plan.program.output)
        assert final is not None
        result_tensor: Tensor = final
        return result_tensor

    # -- backward ----------------------------------------------------------------------------------------------------

    def backward(
        self, u: Tensor, visit: Callable[[Visit], Tensor | None] | None = None, *, values: bool = False,
        items: Iterable[Item] | None = None,
    ) -> Tensor:  # fmt: skip
        """``F^T u`` for every lane of ``u`` ``(P, *output shape)``; ``visit`` sees each node on the way.

        With ``values`` the nodes' values on the image are computed again for ``visit``; ``items`` as in
        :meth:`forward`.
        """
        found = walk_back(self.plan, self.backward_items(values) if items is None else items, u, visit)
        return u.new_zeros(u.shape[0], *self.point.shape) if found is None else found


def walk_back(
    plan: Plan, items: Iterable[Item], u: Tensor, visit: Callable[[Visit], Tensor | None] | None = None
) -> Tensor | None:
    """Take lanes ``u`` from the output back to the source by the transposes of ``items``, which come in reverse order.

    Returns what arrives at the source, ``None`` when nothing does; ``visit`` as in :meth:`Engine.backward`.
    """
    grads = _Grads(plan.program.output, u)
    for item in items:
        step, index = item.step, item.step.node.index
        if not (step.moves or step.bypass or index == plan.source) or index not in grads:
            continue
        back = grads.pop(index)
        if visit is not None:
            extra = visit(Visit(step, back, item.map, item.value))
            back = back if extra is None else back + extra
        if index == plan.source:
            grads.result = back
        if not step.moves:
            continue
        if step.node.target is operator.getitem:
            grads.add_item(step.sources[0], step.node.args[1], back)
            continue
        assert item.map is not None
        reuse = all(grads.free(t) for t in (back if isinstance(back, list) else [back]) if t is not None)
        grads.add_all(step.sources, item.map.transpose(back, reuse))
    return grads.result


def make_call(plan: Plan, step: Step, lookup: Callable[[int], Any]) -> Call:
    """One step on the values that ``lookup`` gives, as its rule sees it."""
    node = step.node
    live = [i for i, index in enumerate(node.inputs) if plan.program.nodes[index].live]
    return Call(node, [lookup(i) for i in node.inputs], step.carries, live, lookup(node.index))


def freeze(plan: Plan, step: Step, call: Call) -> LinearMap:
    """The frozen (or first-order) map of one step."""
    assert step.rule is not None
    return step.rule.maker(plan.interpretation)(call)


def _add_constant(result: Any, constant: Any, count: int, step: Step, lanes: _Lanes) -> Any:
    if isinstance(constant, tuple):
        items = list(result) if result is not None else [None] * len(constant)
        for i, part in enumerate(constant):
            items[i] = _add_constant(items[i], part, count, step, lanes)
        return tuple(items)
    if constant is None:
        return result
    if result is None:
        shape = step.node.shape
        assert shape is not None
        result = constant.new_zeros(count, *shape)
    elif not lanes.free(result):
        result = result.clone(memory_format=torch.contiguous_format)
    result[-1] += constant
    return result


def _dense(tensor: Tensor) -> bool:
    """Whether every place of the memory is one number of the tensor, in order or with the channels last."""
    if tensor.is_contiguous():
        return True
    return tensor.dim() == 5 and len(tensor) == 1 and tensor[0].is_contiguous(memory_format=torch.channels_last)


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


class _Lanes:
    """Lanes by node, and how many of them share each storage, so that what nobody else holds may be overwritten."""

    def __init__(self, probes: Tensor, source: int) -> None:
        self._held: dict[int, Any] = {}
        self._owners: Counter[int] = Counter()
        self._owners[_storage(probes)] += 1  # the caller's
        self.put(source, probes)

    def get(self, index: int) -> Any:
        return self._held.get(index)

    def put(self, index: int, lane: Any) -> None:
        self._held[index] = lane
        for tensor in lane if isinstance(lane, (tuple, list)) else (lane,):
            if tensor is not None:
                self._owners[_storage(tensor)] += 1

    def drop(self, index: int) -> None:
        lane = self._held.pop(index, None)
        for tensor in lane if isinstance(lane, (tuple, list)) else (lane,):
            if tensor is not None:
                self._owners[_storage(tensor)] -= 1

    def free(self, lane: Any) -> bool:
        return isinstance(lane, Tensor) and lane.is_contiguous() and self._owners[_storage(lane)] <= 0


class _Grads:
    """What has come back to each node so far, summed over its uses."""

    def __init__(self, output: int, u: Tensor) -> None:
        self._held: dict[int, Any] = {output: u}
        self._owners: Counter[int] = Counter({_storage(u): 2})  # the caller's
        self.result: Tensor | None = None

    def __contains__(self, index: int) -> bool:
        return index in self._held

    def pop(self, index: int) -> Any:
        value = self._held.pop(index)
        for tensor in value if isinstance(value, list) else (value,):
            if tensor is not None:
                self._owners[_storage(tensor)] -= 1
        return value

    def free(self, tensor: Tensor) -> bool:
        return _dense(tensor) and self._owners[_storage(tensor)] <= 0

    def add_all(self, indices: Sequence[int], parts: Sequence[Lane]) -> None:
        """Add a part to each of several nodes; parts may be views of one memory, which none may then overwrite."""
        for part in parts:
            if part is not None:
                self._owners[_storage(part)] += 1
        for index, part in zip(indices, parts, strict=True):
            if part is not None:
                self.add(index, part)
                self._owners[_storage(part)] -= 1

    def add(self, index: int, part: Tensor) -> None:
        before = self._held.get(index)
        if before is None:
            self._held[index] = part
            self._owners[_storage(part)] += 1
            return
        self._owners[_storage(before)] -= 1
        total = before.add_(part) if self.free(before) else before + part
        self._owners[_storage(total)] += 1
        self._held[index] = total

    def add_item(self, index: int, place: int, part: Tensor) -> None:
        items = self._held.setdefault(index, [])
        items.extend([None] * (place + 1 - len(items)))
        self._owners[_storage(part)] += 1
        items[place] = part if items[place] is None else items[place] + part
