"""Models as people bring them: other types inside, scalars, traced branches, decisions that are no switches."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import linearscope as ls
from linearscope.errors import InputError

X = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    def __init__(self, function):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head, self.other = nn.Conv2d(3, 4, 3), nn.Linear(4, 3), nn.Linear(4, 3)
        self.function = function

    def forward(self, x):
        return self.function(self, x)


def scores(net, x):
    return net.head(torch.relu(net.conv(x)).mean((2, 3)))


def branch(net, x):
    z = torch.relu(net.conv(x)).mean((2, 3))
    return net.head(z) if x.mean() > 0.45 else -net.other(z)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_an_output_in_another_type(dtype):
    model = Net(lambda net, x: scores(net, x).float()).to(dtype)
    it = ls.interpret(model, X.to(dtype))
    assert it.output.dtype == torch.float32
    assert it.rows([0]).dtype == dtype
    c = ls.contributions(it, 0)
    assert abs(c.input + c.residual - c.score) <= it.certificate.tolerance * max(abs(c.input), abs(c.score), 1e-3)
    assert it.certificate.tolerance >= 1e-4


@pytest.mark.parametrize("way", ["freeze", "taylor"])
def test_constants_of_scalars(way):
    def normalised(net, x):
        z = net.conv(x)
        return ((z - z.mean()) / z.std()).flatten(1)[:, :5]

    it = ls.interpret(Net(normalised).double(), X.double(), interpretation=way)
    c = ls.contributions(it, 2)
    assert c.input + c.residual == pytest.approx(c.score, abs=1e-12)


@pytest.mark.parametrize("way", ["freeze", "taylor"])
def test_a_square_root_of_zero_is_exact(way):
    model = Net(lambda net, x: torch.sqrt(torch.relu(net.conv(x))).sum((2, 3)))
    assert ls.interpret(model, X, interpretation=way).certificate.reconstruction < 1e-5


@pytest.mark.parametrize("way", ["freeze", "taylor"])
def test_sampling_at_learned_places(way):
    def transformer(net, x):
        theta = net.conv(x).flatten(1)[:, :6].view(1, 2, 3)
        return F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False).flatten(1)

    it = ls.interpret(Net(transformer).double(), X.double(), interpretation=way)
    assert it.certificate.reconstruction < 1e-12


def test_a_traced_program_holds_for_its_image_alone():
    it = ls.interpret(Net(branch), X)
    assert any("traced" in note for note in it.certificate.notes)
    for use in (
        lambda: ls.interpret(it.program, X * 0.5),
        lambda: it.program(X * 0.5),
        lambda: ls.fgsm(it.program, X, epsilon=0.1),
        lambda: it.program.save("never.pt2"),
    ):
        with pytest.raises(InputError, match="traced"):
            use()
    assert not ls.reach(it, torch.ones_like(X)).exact


def test_capture_is_quiet_about_models_it_captures(capfd, recwarn):
    ls.capture(Net(branch), X)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
    assert len(recwarn) == 0


@pytest.mark.parametrize(
    "function",
    [
        lambda net, x: scores(net, x) + scores(net, x).argmax(1, keepdim=True),
        lambda net, x: scores(net, x) + scores(net, x).int(),
        lambda net, x: torch.where(scores(net, x) > 0.1, scores(net, x), 2 * scores(net, x)),
    ],
    ids=["argmax", "int", "where"],
)
def test_reach_is_not_called_exact_where_decisions_are_hidden(function):
    assert not ls.reach(ls.interpret(Net(function), X), torch.ones_like(X)).exact


def test_selections_are_counted():
    model = Net(lambda net, x: torch.where(net.conv(x) > 0, net.conv(x), 0.1 * net.conv(x)).mean((2, 3)))
    assert ls.interpret(model, X).certificate.frozen == {"selection": 1}


@pytest.mark.parametrize("memory", ["store", "stream"])
def test_the_image_may_change_afterwards(memory):
    x = X.clone()
    it = ls.interpret(Net(scores), x, memory=memory)
    before = it.rows([0, 1]), it.matvec(X), ls.discussion(it, [0, 1]).maps
    x.mul_(-1)
    after = it.rows([0, 1]), it.matvec(X), ls.discussion(it, [0, 1]).maps
    for one, two in zip(before, after, strict=True):
        torch.testing.assert_close(one, two)


def test_targets_of_every_kind():
    it = ls.interpret(Net(scores), X)
    assert ls.contributions(it, it.output[0].argmax()).target == int(it.output.argmax())
    assert [c.target for c in ls.contributions(it, torch.tensor([2, 0]))] == [2, 0]
    for bad in (None, 1.5, True, "a", [1.5]):
        with pytest.raises(InputError):
            ls.contributions(it, bad)
    with pytest.raises(InputError, match="one index"):
        ls.layerwise(it, [0, 1])
    assert it.matvec(torch.zeros(0, 3, 8, 8)).shape == (0, 3)
    for budget in ("1G", 0, -1):
        with pytest.raises(InputError, match="memory_budget"):
            ls.interpret(Net(scores), X, memory_budget=budget)
    with pytest.raises(InputError, match="Program"):
        ls.fgsm(Net(scores), X)
