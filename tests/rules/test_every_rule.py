"""Every rule against dense oracles: eq. 3, the transpose, the Jacobian, and lanes in all their forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from linearscope import rules
from linearscope.rules import LinearMap, find
from tests.rules.cases import CASES
from tests.rules.oracle import Case, apply, dense, entries, frozen, jacobians, make_call, transposed

pytestmark = pytest.mark.filterwarnings("ignore")
each = pytest.mark.parametrize("case", CASES, ids=str)


def maps(case: Case) -> list[LinearMap]:
    """The frozen maps, where lanes may arrive like this, and last the first-order one, where it is another."""
    rule = find(case.target)
    assert rule is not None
    found = [frozen(case)] if case.freezes else []
    found += [frozen(case, "freeze-deviation")] if rule.deviation is not None else []
    return found + ([frozen(case, "taylor")] if rule.taylor is not None else [])


def close(a: Tensor, b: Tensor, tolerance: float = 1e-12) -> None:
    assert a.shape == b.shape
    scale = max(float(a.abs().max()), float(b.abs().max()), 1.0)
    assert float((a - b).abs().max()) <= tolerance * scale


def moving(case: Case) -> list[Tensor]:
    return [case.tensors[i] for i in case.carries]


def test_every_registered_operation_has_a_case() -> None:
    tried = {case.target for case in CASES}
    assert [str(rule.target) for rule in rules.table() if rule.target not in tried] == []


@each
def test_the_map_gives_the_value_back(case: Case) -> None:
    for linear in maps(case):
        made = entries(linear.constant, make_call(case).output)
        for matrix, value in zip(dense(linear, moving(case)), moving(case), strict=True):
            made = made + matrix @ value.flatten()
        close(made, case.function()(*moving(case)))


@each
def test_the_transpose_is_the_transpose(case: Case) -> None:
    for linear in maps(case):
        back = transposed(linear, make_call(case), moving(case))
        for there, again in zip(dense(linear, moving(case)), back, strict=True):
            close(there.T, again)


@each
def test_the_first_order_map_is_the_jacobian(case: Case) -> None:
    linear = maps(case)[-1]
    for matrix, jacobian in zip(dense(linear, moving(case)), jacobians(case), strict=True):
        close(matrix, jacobian)


@each
def test_lanes_travel_alike_in_every_form(case: Case) -> None:
    for linear in maps(case):
        lanes = [torch.randn(3, *value.shape, dtype=value.dtype) for value in moving(case)]
        before = [lane.clone() for lane in lanes]
        matrices = dense(linear, moving(case))
        expected = torch.stack([m @ lane.flatten(1).T for m, lane in zip(matrices, flat(lanes), strict=True)]).sum(0).T
        close(apply(linear, lanes), expected)
        close(apply(linear, [lane[:1] for lane in lanes]), expected[:1])
        linear.compact()
        close(apply(linear, lanes), expected)
        assert all(torch.equal(lane, copy) for lane, copy in zip(lanes, before, strict=True)), "a lane was overwritten"
        close(apply(linear, lanes, reuse=len(lanes) == 1), expected)
        assert linear.nbytes >= 0


def flat(lanes: list[Tensor]) -> list[Tensor]:
    return [lane.reshape(len(lane), -1) for lane in lanes]


def by_hand(case: Case, x: Tensor) -> Tensor:
    """A normalisation with the deviation of the case's own input and the mean of ``x``, group by group."""
    call = make_call(case)
    own = call["input"]
    names = {argument.name for argument in case.target._schema.arguments}
    if "normalized_shape" in names:
        count = len(call["normalized_shape"])
        shape = [*[1] * (own.dim() - count), *own.shape[own.dim() - count :]]
        groups = [(*index, ...) for index in np.ndindex(*own.shape[: own.dim() - count])]
    else:
        shape = [1, -1, *[1] * (own.dim() - 2)]
        if names & {"num_groups", "group"}:
            parts = call["num_groups"] if "num_groups" in names else call["group"]
            size = own.shape[1] // parts
            groups = [(b, slice(g * size, (g + 1) * size)) for b in range(len(own)) for g in range(parts)]
        elif "use_input_stats" in names:
            groups = [(b, slice(c, c + 1)) for b in range(len(own)) for c in range(own.shape[1])]
        else:
            groups = [(slice(None), slice(c, c + 1)) for c in range(own.shape[1])]
    result = torch.zeros_like(own)
    for group in groups:
        deviation = (((own[group] - own[group].mean()) ** 2).mean() + call["eps"]).sqrt()
        result[group] = (x[group] - x[group].mean()) / deviation
    weight, bias = (None if call[n] is None else call[n].reshape(shape) for n in ("weight", "bias"))
    result = result if weight is None else result * weight
    return result if bias is None else result + bias


@pytest.mark.parametrize("case", [case for case in CASES if getattr(find(case.target), "deviation", None)], ids=str)
def test_with_the_deviation_frozen_the_mean_is_that_of_the_lane(case: Case) -> None:
    call = make_call(case)
    if "use_input_stats" in str(case.target._schema) and not call["use_input_stats"]:
        assert isinstance(frozen(case, "freeze-deviation"), type(frozen(case)))
        return
    linear = frozen(case, "freeze-deviation")
    lane = torch.randn_like(call["input"])
    close(apply(linear, [lane[None]])[0] + entries(linear.constant, call.output), by_hand(case, lane).flatten())
