"""Reach: the map is the model itself up to the step found, and not beyond it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import linearscope as ls
from linearscope.errors import InputError
from tests.analysis.networks import image, plain, randomised, smooth


class Pieces(nn.Module):
    """Every kind of switch and selection."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 5, 3), nn.Conv2d(5, 5, 3, padding=1), nn.Conv2d(5, 4, 2)
        self.prelu = nn.PReLU(5)

    def forward(self, x):
        x = F.max_pool2d(F.relu6(self.a(x) * 4), 3, 2, 1)
        x = F.max_pool2d(self.prelu(self.b(x)), 2, ceil_mode=True)
        x = F.threshold(self.c(x), -0.3, 0.1).clamp(-0.2, 0.4)
        return torch.cat([x.amax((2, 3)), x.abs().flatten(1), F.max_pool2d(x, 2, 1, dilation=1).flatten(1)], 1)


CASES = {"plain": plain, "pieces": lambda: randomised(Pieces().double())}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", range(8))
def test_exact_up_to_the_step_and_a_decision_changes_right_behind_it(name, seed):
    model, x = CASES[name](), image()
    it = ls.interpret(model, x)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = ls.reach(it, direction)
    assert found.exact
    assert 0 < found.step < 1
    assert found.layers[found.layer] == found.step == min(found.layers.values())
    assert found.distance == pytest.approx(found.step * direction.norm().item())
    for fraction in (0.1, 0.5, 0.999):
        moved = x + fraction * found.step * direction
        torch.testing.assert_close(it.matvec(moved) + it.residual, model(moved), rtol=0, atol=1e-12)
        assert ls.reach(it, direction, [fraction * found.step]).changed == (0.0,)
    assert ls.reach(it, direction, [1.0001 * found.step]).changed[0] > 0


def test_one_unit_in_closed_form():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 1), nn.ReLU()).double()
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, 2.0]])), model[1].bias.fill_(-1.0)
    x = torch.tensor([[[[2.0, 3.0]]]], dtype=torch.float64)
    it = ls.interpret(model, x)
    assert ls.reach(it, torch.tensor([[[[0.0, -1.0]]]], dtype=torch.float64)).step == pytest.approx(3.5)
    away = ls.reach(it, torch.tensor([[[[1.0, 0.0]]]], dtype=torch.float64))
    assert away.step == float("inf")
    assert away.layer == ""


def test_changed_decisions_grow_with_distance_and_reach_what_another_image_decides():
    model, x, other = plain(), image(1), image(2)
    it = ls.interpret(model, x)
    found = ls.reach(it, other - x, [0.0, 0.1, 0.3, 1.0])
    assert found.changed[0] == 0
    assert list(found.changed) == sorted(found.changed)
    here, there = (dict(ls.interpret(model, z).decisions()) for z in (x, other))
    different = sum(int((here[k] != there[k]).sum()) for k in here)
    assert found.changed[-1] == pytest.approx(different / sum(t.numel() for t in here.values()))


def test_smooth_networks_say_that_they_are_not_exact():
    it = ls.interpret(smooth(), image())
    assert not ls.reach(it, torch.ones(1, 3, 12, 12, dtype=torch.float64)).exact


def test_bad_directions_are_refused():
    it = ls.interpret(plain(), image())
    with pytest.raises(InputError, match="zero"):
        ls.reach(it, torch.zeros(1, 3, 12, 12, dtype=torch.float64))
    with pytest.raises(InputError, match="shape"):
        ls.reach(it, torch.ones(1, 3, 5, 5, dtype=torch.float64))
