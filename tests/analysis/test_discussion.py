"""Discussions sum to scores; votes go to the largest."""

import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.analysis import VARIANTS
from linearscope.analysis.discussion import _area_resize
from linearscope.errors import InputError
from tests.analysis.networks import NETWORKS, image, plain, randomised, skips

SUMMING = [variant for variant in VARIANTS if variant != "input"]


@pytest.mark.parametrize("variant", SUMMING)
@pytest.mark.parametrize("name", NETWORKS)
def test_maps_sum_to_scores(name, variant):
    it = ls.interpret(NETWORKS[name](), image())
    d = ls.discussion(it, variant=variant)
    assert d.maps.shape == (it.shape[0], 12, 12)
    largest = d.maps.abs().sum((1, 2))
    assert ((d.maps.sum((1, 2)) - it.output[0]).abs() <= 1e-12 * largest).all()


def test_spread_needs_no_rescaling_and_input_is_the_row_times_the_image():
    it = ls.interpret(skips(), image())
    assert (ls.discussion(it, variant="spread").scale == 1).all()
    d = ls.discussion(it, [2], variant="input")
    torch.testing.assert_close(d.maps[0], (it.rows([2])[0] * it.image[0]).sum(0))


def test_spread_is_the_input_term_plus_the_constants_at_their_places():
    # One 1 x 1 convolution and a sum: each pixel's own score is known in closed form.
    model = randomised(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).double())
    x = image(size=4)
    d = ls.discussion(ls.interpret(model, x), variant="spread")
    torch.testing.assert_close(d.maps, model[:2](x)[0].detach() / 16)


def printed_by_hand(model, x, label):
    """Eq. 18 by dense matrices: F_c x + P_1 b^_1 + F_c^T b_c, for Flatten-Linear-ReLU-Linear."""
    w1, b1, w2, b2 = (t.detach() for t in (model[1].weight, model[1].bias, model[3].weight, model[3].bias))
    mask = torch.diag((w1 @ x.flatten() + b1 > 0).double())
    row = w2[label] @ mask @ w1
    return row * x.flatten() + (mask @ w1).T @ (mask @ b1) + row * b2[label]


def test_printed_is_equation_18_in_dense_matrices():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 4)).double()
    x = image(size=2)
    d = ls.discussion(ls.interpret(model, x), variant="printed")
    for label in range(4):
        expected = printed_by_hand(model, x, label).reshape(3, 2, 2).sum(0)
        torch.testing.assert_close(d.maps[label], expected * (model(x)[0, label].detach() / expected.sum()))


def test_weighted_projects_back_what_constants_are_worth():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 4)).double()
    x = image(size=2)
    it = ls.interpret(model, x)
    w1, b1, w2, b2 = (t.detach() for t in (model[1].weight, model[1].bias, model[3].weight, model[3].bias))
    mask = torch.diag((w1 @ x.flatten() + b1 > 0).double())
    row = w2[1] @ mask @ w1
    term = row * x.flatten() + (mask @ w1).T @ (w2[1] @ mask * b1) + row * b2[1]
    expected = term.reshape(3, 2, 2).sum(0)
    d = ls.discussion(it, [1], variant="weighted")
    torch.testing.assert_close(d.maps[0], expected * (it.output[0, 1] / expected.sum()))


def test_permuting_the_classes_permutes_the_votes():
    model, x = plain(), image()
    before = ls.votes(ls.discussion(ls.interpret(model, x)))
    order = torch.tensor([3, 1, 6, 0, 2, 5, 4])
    with torch.no_grad():
        model[7].weight.copy_(model[7].weight[order].clone()), model[7].bias.copy_(model[7].bias[order].clone())
    after = ls.votes(ls.discussion(ls.interpret(model, x)))
    assert torch.equal(order[after.winner], before.winner)


def test_votes_are_the_largest_discussion_and_shares_sum_to_one():
    d = ls.discussion(ls.interpret(plain(), image()), [5, 2, 4])
    v = ls.votes(d)
    assert torch.equal(v.winner, torch.tensor([5, 2, 4])[d.maps.argmax(0)])
    assert sum(share for _, share in v.ranking()) == pytest.approx(1)
    assert v.share(2) == pytest.approx(v.mask(2).double().mean().item())
    assert [share for _, share in v.ranking()] == sorted((share for _, share in v.ranking()), reverse=True)


def test_pooled_votes_are_votes_of_neighbourhood_means():
    d = ls.discussion(ls.interpret(plain(), image()), [0, 1, 2])
    pooled = ls.votes(d, pool=3).winner
    corner = d.maps[:, :2, :2].mean((1, 2)).argmax().item()
    inner = d.maps[:, 4:7, 4:7].mean((1, 2)).argmax().item()
    assert pooled[0, 0].item() == corner
    assert pooled[5, 5].item() == inner


@pytest.mark.parametrize(("small", "large"), [((3, 5), (7, 5)), ((4, 4), (12, 12)), ((9, 9), (6, 4)), ((1, 1), (5, 3))])
def test_area_resize_keeps_sums_and_constants(small, large):
    maps = torch.rand(2, *small, dtype=torch.float64)
    resized = _area_resize(maps, large)
    torch.testing.assert_close(resized.sum((1, 2)), maps.sum((1, 2)))
    flat = _area_resize(torch.ones(1, *small, dtype=torch.float64), large)
    torch.testing.assert_close(flat, torch.full_like(flat, small[0] * small[1] / (large[0] * large[1])))


def test_bad_arguments_are_refused():
    it = ls.interpret(plain(), image())
    with pytest.raises(InputError, match="spread"):
        ls.discussion(it, variant="spred")
    with pytest.raises(InputError, match="two targets"):
        ls.votes(ls.discussion(it, [1]))
    for pool in (0, 2, -3):
        with pytest.raises(InputError, match="odd"):
            ls.votes(ls.discussion(it, [1, 2]), pool=pool)
    with pytest.raises(InputError, match="one image"):
        ls.discussion(it.at("7"), [0, 1])
