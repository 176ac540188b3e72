"""What is common to all methods: batches, targets, layers, units, and a sentence for every mistake."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.attribution import DECONVNET, GRADIENT, GUIDED, METHODS, Relevance, Resampled, Unit, lrp
from linearscope.errors import InputError, UnknownNameError
from tests.attribution.networks import bias_free, images, plain, randomised, spelled

ASKED = [
    name
    for name, method in METHODS.items()
    if method.family in ("gradient", "relevance", "affine map") and name != "deep-lift"
]
BOUND = torch.full((1, 3, 1, 1), 5.0, dtype=torch.float64)


def explainer(batch: int) -> ls.Explainer:
    return ls.Explainer(spelled("F.relu"), images(batch, 8), bounds=(-BOUND, BOUND))


@pytest.fixture(scope="module")
def one() -> ls.Explainer:
    return explainer(1)


@pytest.fixture(scope="module")
def three() -> ls.Explainer:
    return explainer(3)


@pytest.mark.parametrize("method", ASKED)
def test_images_in_batches_of_another_size_are_as_one_by_one(one, three, method):
    x, targets = images(5, 8), [4, 0, 3, -1, 2]
    found = three(x, targets, method=method)
    assert found.targets == (4, 0, 3, 4, 2)
    for i, target in enumerate(targets):
        alone = one(x[i : i + 1], target, method=method)
        assert torch.allclose(found.values[i], alone.values[0], rtol=1e-10, atol=1e-13)
        assert torch.allclose(found.scores[i], alone.scores[0], rtol=1e-12)
        if alone.check is not None:
            assert float(alone.check.error) <= 1e-10
            assert torch.allclose(found.check.found[i], alone.check.found[0], rtol=1e-9)


@pytest.mark.parametrize("method", [name for name in ASKED if METHODS[name].layer == "may"])
def test_a_layers_map_is_enlarged_and_kept_in_its_own_size(three, method):
    found = three(images(2, 8), 1, method=method, layer="down")
    assert found.layer == "down"
    assert found.values.shape == (2, 1, 8, 8)
    assert found.coarse.shape == (2, 1, 2, 2)
    assert torch.allclose(
        nn.functional.interpolate(found.coarse, (8, 8), mode="bilinear", align_corners=False), found.values
    )
    assert float(found.coarse.abs().max()) > 0


def test_targets_are_the_top_score_a_number_or_one_an_image(one, three):
    x = images(4, 8)
    best = three.scores(x).argmax(1)
    assert three(x).targets == tuple(best.tolist())
    assert three(x, 2).targets == (2,) * 4
    assert three(x, -2).targets == (3,) * 4
    assert three(x, torch.tensor([0, 1, 2, 3])).targets == (0, 1, 2, 3)
    assert three(x, (0, 1, 2, -1)).targets == (0, 1, 2, 4)
    with pytest.raises(InputError, match="There is no output 5; the model has 5"):
        three(x, 5)
    with pytest.raises(InputError, match="There is no output -6"):
        three(x, [0, 0, -6, 0])
    with pytest.raises(InputError, match="4 images and 2 targets"):
        three(x, [0, 1])


def test_mistakes_get_one_sentence(three):
    x = images(2, 8)
    with pytest.raises(UnknownNameError, match="guided-backprop"):
        three(x, method="guided-backprob")
    with pytest.raises(UnknownNameError, match="down"):
        three(x, method="gradient", layer="dawn")
    with pytest.raises(InputError, match="no option 'gama'"):
        three(x, method="lrp-gamma", gama=1)
    with pytest.raises(InputError, match="has no option 'epsilon'; it has none"):
        three(x, method="gradient", epsilon=1)
    with pytest.raises(InputError, match="no spatial extent"):
        three(x, method="gradient", layer="head")
    with pytest.raises(InputError, match="reads no layer"):
        three(x, method="discussion", layer="down")
    with pytest.raises(InputError, match=r"captured for images of shape \(3, 8, 8\)"):
        three(images(2, 9))
    for wrong in (x[0], x[:0]):
        with pytest.raises(InputError, match="Images have the shape"):
            three(wrong)
    with pytest.raises(InputError, match="Images have the shape"):
        ls.Explainer(spelled("F.relu"), x[0])


@pytest.mark.parametrize("method", ["gradient", "gradient-x-input", "lrp-0", "guided-backprop", "contributions"])
def test_pixels_that_are_not_numbers_are_an_error(three, method):
    x = images(2, 8)
    x[1, 0, 0, 0] = torch.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        three(x, 1, method=method)


def test_weights_changed_in_place_change_the_answer():
    model = spelled("F.relu")
    asked = ls.Explainer(model, images(2, 8))
    before = asked(images(2, 8), 1, method="lrp-epsilon").values
    bias_free(model)
    after = asked(images(2, 8), 1, method="lrp-epsilon").values
    assert torch.equal(after, ls.explain(model, images(2, 8), 1, method="lrp-epsilon").values)
    assert not torch.allclose(before, after)


UNIT_RULES = {
    "gradient": GRADIENT, "guided": GUIDED, "deconvnet": DECONVNET, "resampled guided": Resampled(GUIDED),
    "lrp-0": Relevance(lrp.epsilon_rule(0.0), lrp.epsilon_rule(0.0)),
}  # fmt: skip


@pytest.mark.parametrize("rules", UNIT_RULES)
@pytest.mark.parametrize("layer", ["3", "6"])
def test_a_walk_starts_from_a_units_own_map(rules, layer):
    """As the network cut off behind the layer, with all other channels of its output set to 0 as the start."""
    model, x = plain(), images(2)
    channels = [1, 2]
    found = ls.Explainer(model, x).back(x, Unit(layer, channels), UNIT_RULES[rules]).values
    head = model[: int(layer) + 1]
    output = head(x).detach()
    signal = torch.zeros_like(output)
    for i, channel in enumerate(channels):
        signal[i, channel] = output[i, channel]
    expected = ls.Explainer(head, x).back(x, signal, UNIT_RULES[rules]).values
    assert float(expected.abs().max()) > 0
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_a_units_gradient_is_autograds():
    model, x = plain(), images(2).requires_grad_()
    output = model[:4](x)
    (expected,) = torch.autograd.grad((output[:, 3] * output[:, 3].detach()).sum(), x)
    x = x.detach()
    found = ls.Explainer(model, x).back(x, Unit("3", 3), GRADIENT).values
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-14)
    with pytest.raises(InputError, match="There is no channel 8 in layer '3'; it has 8"):
        ls.Explainer(model, x).back(x, Unit("3", 8), GRADIENT)
    with pytest.raises(UnknownNameError):
        ls.Explainer(model, x).back(x, Unit("33", 0), GRADIENT)


def test_relevance_of_a_unit_is_conserved_without_biases():
    model, x = bias_free(plain()), images(2)
    found = ls.Explainer(model, x).back(x, Unit("6", 2), UNIT_RULES["lrp-0"])
    expected = model[:7](x)[:, 2].sum((1, 2))
    assert torch.allclose(found.values.flatten(1).sum(1), expected, rtol=1e-10)


def test_an_output_that_is_an_image_is_asked_by_flat_index():
    model = randomised(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3)).double())
    x = images(2, 6)
    asked = ls.Explainer(model, x)
    assert asked.outputs == 2 * 4 * 4
    inner = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(model(inner)[:, 1, 2, 3].sum(), inner)
    found = asked(x, 1 * 16 + 2 * 4 + 3)
    assert torch.allclose(found.values, expected, rtol=1e-12, atol=1e-14)
    assert torch.allclose(found.scores, model(x)[:, 1, 2, 3])


def test_images_that_a_model_mixes_are_refused():
    torch.manual_seed(0)
    mixing = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4, track_running_stats=False), torch.nn.Flatten(),
        torch.nn.Linear(4 * 36, 3),
    ).double().eval()  # fmt: skip
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    with pytest.raises(ls.InputError, match="mixes the images"):
        ls.Explainer(mixing, x)
    one = ls.Explainer(mixing, x[:1])
    assert torch.allclose(one.scores(x)[1], mixing(x[1:])[0], rtol=0, atol=1e-14)


def test_group_norm_after_a_convolution_is_differentiated():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, 2), torch.nn.GroupNorm(2, 8), torch.nn.ReLU(), torch.nn.Flatten(),
        torch.nn.Linear(8 * 9, 4),
    ).double().eval()  # fmt: skip
    x = torch.rand(3, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(model(x)[:, 1].sum(), x)
    found = ls.explain(model, x.detach(), 1, method="gradient").values
    assert torch.allclose(found, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("target", [1.5, True, [0.0, 1.0]])
def test_a_target_is_a_whole_number(target):
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    with pytest.raises(ls.InputError, match="whole number"):
        ls.explain(net, torch.rand(2, 3, 2, 2), target)


@pytest.mark.parametrize("bounds", [(-1.0, 1.0), (torch.ones(1, 3, 1, 1), torch.zeros(1, 3, 1, 1)), torch.ones(1)])
def test_bounds_are_a_least_and_a_largest_pixel(bounds):
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    with pytest.raises(ls.InputError, match="bounds"):
        ls.explain(net, torch.rand(1, 3, 2, 2), bounds=bounds)


def test_pixels_outside_the_bounds_are_refused():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.Flatten(), torch.nn.Linear(16, 2))
    bounds = torch.zeros(1, 3, 1, 1), torch.full((1, 3, 1, 1), 0.5)
    with pytest.raises(ls.InputError, match="outside the bounds"):
        ls.explain(net, torch.ones(1, 3, 2, 2), method="deep-taylor", bounds=bounds)
