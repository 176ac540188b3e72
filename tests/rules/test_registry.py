"""Registering a rule, and what happens without one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import linearscope as ls
from linearscope.rules import Call, LinearMap, Slope, register, table


@torch.library.custom_op("linearscope_tests::halfwave", mutates_args=())
def halfwave(x: Tensor) -> Tensor:
    return x * (x > 0)


halfwave.register_fake(lambda x: torch.empty_like(x))


class _Half(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3).double()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = halfwave(self.conv(x))
        return out


def test_an_unknown_operation_is_refused_and_then_registered() -> None:
    image = torch.randn(1, 3, 5, 5, dtype=torch.float64)
    with pytest.raises(ls.UnsupportedOperationError, match=r"linearscope_tests.halfwave.*\(1, 2, 3, 3\).*register"):
        ls.interpret(_Half(), image)

    @register(torch.ops.linearscope_tests.halfwave.default, kind="halfwave", frozen="1 where x0 > 0")
    def rule(call: Call) -> LinearMap:
        return Slope((call["x"] > 0).to(call["x"]))

    assert ls.interpret(_Half(), image).certificate.frozen == {"halfwave": 1}


def test_a_second_rule_for_an_operation_has_to_say_so() -> None:
    with pytest.raises(ls.InputError, match="replace=True"):
        register(torch.ops.aten.relu.default, kind="other", frozen="other")(lambda call: Slope(call["self"]))


def test_the_table_says_something_of_every_rule() -> None:
    rules = table()
    assert len(rules) > 200
    assert all(rule.kind and rule.frozen and rule.constant for rule in rules)


def test_gates_are_told_from_what_they_multiply() -> None:
    """x * sigmoid(z): lanes of x pass, lanes of z do not; with no gate half comes from each side."""

    class Gate(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            first, second = x.chunk(2, 1)
            return first * torch.sigmoid(3 * second + 1)

    class Bare(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            first, second = x.chunk(2, 1)
            return first * second

    image = torch.randn(1, 2, 2, 2, dtype=torch.float64)
    gate, bare = ls.interpret(Gate(), image), ls.interpret(Bare(), image)
    zero = torch.zeros(1, 1, 2, 2, dtype=torch.float64)
    first, second = image.chunk(2, 1)
    assert torch.equal(gate.matvec(torch.cat([zero, second], 1)), torch.zeros(1, 1, 2, 2, dtype=torch.float64))
    assert torch.allclose(gate.matvec(torch.cat([first, zero], 1)), gate.output)
    assert torch.allclose(bare.matvec(torch.cat([zero, second], 1)), bare.output / 2)
    assert float(gate.residual.abs().max()) == 0.0
