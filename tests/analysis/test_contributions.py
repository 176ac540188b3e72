"""Contributions: the shares sum to the score, and each is what removing its constant takes from it."""

import pytest
import torch

import linearscope as ls
from linearscope.errors import InputError
from tests.analysis.networks import NETWORKS, image, plain, skips

CASES = [(name, way) for name in NETWORKS for way in ("freeze", "taylor")]


@pytest.mark.parametrize(("name", "way"), CASES)
def test_shares_sum_to_every_score(name, way):
    it = ls.interpret(NETWORKS[name](), image(), interpretation=way)
    for target, c in enumerate(ls.contributions(it, list(range(it.shape[0])))):
        values = [c.input, *c.layers.values()]
        assert c.target == target
        assert c.score == pytest.approx(it.output[0, target].item(), abs=1e-15)
        assert abs(sum(values) - c.score) <= 1e-12 * max(map(abs, values))


@pytest.mark.parametrize(("name", "way"), CASES)
def test_input_and_residual_are_those_of_the_interpreter(name, way):
    it = ls.interpret(NETWORKS[name](), image(), interpretation=way)
    fx = it.matvec(it.image)[0]
    for target, c in enumerate(ls.contributions(it, list(range(it.shape[0])))):
        assert c.input == pytest.approx(fx[target].item(), abs=1e-12)
        assert c.residual == pytest.approx(it.residual[0, target].item(), abs=1e-12)


def test_a_share_is_the_constant_times_the_derivative_in_its_node():
    model, x = plain(), image()
    it = ls.interpret(model, x)
    c = ls.contributions(it, 2)
    assert set(c.layers) == {"0", "3", "7"}
    inner = model[0](x).requires_grad_()
    (gradient,) = torch.autograd.grad(model[1:](inner)[0, 2], inner)
    expected = (gradient * model[0].bias[:, None, None]).sum().item()
    assert c.layers["0"] == pytest.approx(expected, rel=1e-12)
    assert c.layers["7"] == pytest.approx(model[7].bias[2].item(), rel=1e-12)


def test_theorem_1_on_a_sequential_network_by_dense_products():
    model, x = (
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 9), torch.nn.ReLU(), torch.nn.Linear(9, 4)),
        image(size=2),
    )
    model = model.double()
    it = ls.interpret(model, x)
    c = ls.contributions(it, 1)
    mask = torch.diag((model[1](x.flatten(1))[0] > 0).double())
    assert c.input == pytest.approx((model[3].weight @ mask @ model[1].weight @ x.flatten())[1].item(), rel=1e-12)
    assert c.layers["1"] == pytest.approx((model[3].weight @ mask @ model[1].bias)[1].item(), rel=1e-12)


def test_batched_targets_equal_single_ones_and_index_tuples():
    it = ls.interpret(skips(), image())
    single = [ls.contributions(it, target) for target in range(5)]
    for a, b in zip(ls.contributions(it, [0, 1, 2, 3, 4]), single, strict=True):
        assert (a.target, a.score) == (b.target, b.score)
        assert a.layers == pytest.approx(b.layers, abs=1e-13)
    assert ls.contributions(it, (3,)) == single[3]


def test_image_shaped_output_takes_index_tuples():
    model = torch.nn.Conv2d(3, 2, 3).double()
    x = image(size=5)
    c = ls.contributions(ls.interpret(model, x), (1, 0, 2))
    assert c.score == pytest.approx(model(x)[0, 1, 0, 2].item())
    assert c.layers == pytest.approx({"conv2d": model.bias[1].item()})


def test_residual_share_in_both_definitions():
    it = ls.interpret(plain(), image())
    c = ls.contributions(it, 0)
    assert c.residual_ratio == pytest.approx(c.residual / c.score)
    assert c.residual_share == pytest.approx(abs(c.residual) / (abs(c.residual) + abs(c.input)))
    assert 0 <= c.residual_share <= 1


def test_grouped_shares_keep_the_sum():
    c = ls.contributions(ls.interpret(skips(), image()), 0)
    assert sum(c.grouped().values()) == pytest.approx(c.residual, abs=1e-13)
    assert set(c.grouped()) < set(c.layers) | {"stem", "norm", "again", "head"}


def test_at_a_layer_what_runs_past_it_is_a_constant():
    it = ls.interpret(skips(), image()).at("again")
    c = ls.contributions(it, 1)
    assert c.input + sum(c.layers.values()) == pytest.approx(it.output[0, 1].item(), abs=1e-13)
    assert c.input == pytest.approx(it.matvec(it.point)[0, 1].item(), abs=1e-13)


@pytest.mark.parametrize("target", [99, -99, (1, 2), [], [0, 99], (99,)])
def test_unknown_targets_are_refused(target):
    it = ls.interpret(plain(), image())
    with pytest.raises(InputError, match=r"output|target"):
        ls.contributions(it, target)
