"""Norms that keep their deviation and let the mean move."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import linearscope as ls

IMAGE = torch.rand(1, 4, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

NORMS = {
    "instance": lambda: nn.InstanceNorm2d(4, affine=True),
    "group": lambda: nn.GroupNorm(2, 4),
    "layer": lambda: nn.LayerNorm([4, 8, 8]),
    "batch statistics": lambda: nn.BatchNorm2d(4, track_running_stats=False),
}


class ByHand(nn.Module):
    """Instance norm in single operations: its mean moves, its deviation is a gate, in every frozen interpretation."""

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean((2, 3), keepdim=True)
        return centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()


@pytest.mark.parametrize("name", NORMS)
def test_it_gives_the_output_back_and_sees_no_constant(name: str) -> None:
    torch.manual_seed(1)
    norm = NORMS[name]().double()
    for parameter in norm.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    it = ls.interpret(nn.Sequential(norm, nn.ReLU()), IMAGE, interpretation="freeze-deviation")
    assert it.certificate.reconstruction < 1e-12
    assert it.certificate.adjoint < 1e-12
    assert float(it.matvec(torch.ones_like(IMAGE)).abs().max()) < 1e-12
    frozen = ls.interpret(nn.Sequential(norm, nn.ReLU()), IMAGE)
    assert float(frozen.matvec(torch.ones_like(IMAGE)).abs().max()) > 0.1


def test_it_is_what_a_norm_in_single_operations_is() -> None:
    v = torch.randn(3, 4, 8, 8, dtype=torch.float64)
    whole = ls.interpret(nn.InstanceNorm2d(4), IMAGE, interpretation="freeze-deviation")
    single = ls.interpret(ByHand(), IMAGE, interpretation="freeze-deviation")
    assert torch.allclose(whole.matvec(v), single.matvec(v), rtol=0, atol=1e-12)
    assert torch.allclose(whole.residual, single.residual, rtol=0, atol=1e-12)
    assert torch.equal(ls.interpret(ByHand(), IMAGE).matvec(v), single.matvec(v))


def test_without_such_norms_it_is_freeze() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(2)
            self.conv = nn.Conv2d(4, 8, 3).double()
            self.norm = nn.BatchNorm2d(8).double()

        def forward(self, x: Tensor) -> Tensor:
            first, second = self.norm(self.conv(x)).chunk(2, 1)
            return torch.nn.functional.silu(first) * torch.sigmoid(second)

    v = torch.randn(3, 4, 8, 8, dtype=torch.float64)
    model = Gated().eval()
    one, other = (ls.interpret(model, IMAGE, interpretation=way) for way in ("freeze", "freeze-deviation"))
    assert torch.equal(one.matvec(v), other.matvec(v))
    assert torch.equal(one.residual, other.residual)
    assert one.certificate.frozen == other.certificate.frozen


def test_it_has_a_name_that_is_listed() -> None:
    with pytest.raises(ls.InputError, match="'freeze', 'freeze-deviation', 'taylor'"):
        ls.interpret(nn.ReLU(), IMAGE, interpretation="frozen")
