"""Integrated gradients, SmoothGrad and DeepLIFT: captum's numbers where it is right, identities where it is not."""

from functools import cache

import pytest
import torch
from captum import attr
from torch import nn
from torch.nn import functional as F

import linearscope as ls
from linearscope.errors import InputError
from tests.analysis.networks import randomised
from tests.attribution.networks import Rectified, images, plain

TARGETS = torch.tensor([1, 0, 4])
COLOUR = torch.tensor([0.5, -1.0, 0.2], dtype=torch.float64).reshape(1, 3, 1, 1)


@cache
def explainer(batch: int) -> ls.Explainer:
    return ls.Explainer(plain(), images(batch))


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


# -- integrated gradients --------------------------------------------------------------------------------------------


def test_integrated_gradients_are_captums():
    x, start = images(3), COLOUR.expand(3, 3, 16, 16)
    found = explainer(2)(x, TARGETS, method="integrated-gradients", steps=7, baseline=COLOUR)
    expected = attr.IntegratedGradients(plain()).attribute(x, start, TARGETS, n_steps=7)
    # captum keeps the weights of the steps in single precision.
    torch.testing.assert_close(found.values, expected, rtol=0, atol=1e-7 * float(expected.abs().max()))


def test_integrated_gradients_are_a_mean_of_gradients_on_the_way():
    model, x = plain(), images(2)
    found = ls.explain(model, x, TARGETS[:2], method="integrated-gradients", steps=2, baseline=COLOUR)
    expected = torch.zeros_like(x)
    for place in (0.5 - 0.5 / 3**0.5, 0.5 + 0.5 / 3**0.5):  # two points of Gauss and Legendre, equal weights
        at = (COLOUR + place * (x - COLOUR)).requires_grad_()
        scores = model(at).gather(1, TARGETS[:2].unsqueeze(1)).sum()
        expected += torch.autograd.grad(scores, at)[0] / 2 * (x - COLOUR)
    close(found.values, expected)


def test_on_a_polynomial_the_sum_is_exact():
    class Cube(nn.Module):
        def forward(self, x):
            return (x**3 + x).flatten(1)

    found = ls.explain(Cube(), images(), 5, method="integrated-gradients", steps=2, baseline=0.5)
    assert float(found.check.error.max()) < 1e-12
    assert float(ls.explain(Cube(), images(), 5, method="integrated-gradients", steps=1).check.error.max()) > 1e-3


def test_more_steps_come_nearer_to_the_score():
    errors = [
        float(explainer(2)(images(2), 3, method="integrated-gradients", steps=steps).check.error.max())
        for steps in (2, 60)
    ]
    assert errors[1] < 0.3 * errors[0]


# -- SmoothGrad ------------------------------------------------------------------------------------------------------


def test_smooth_grad_is_captums_for_the_same_noise(monkeypatch):
    model, x = plain(), images(2)
    found = ls.explain(model, x, TARGETS[:2], method="smooth-grad", samples=4, noise=0.1, seed=7)
    generator = torch.Generator().manual_seed(7)
    drawn = torch.randn(4, 3, 16, 16, generator=generator, dtype=torch.float64)
    deviations = [0.1 * float(image.max() - image.min()) for image in x]
    # captum draws for every copy of the first image, then for those of the second.
    noise = torch.cat([deviation * drawn for deviation in deviations])
    monkeypatch.setattr(torch, "normal", lambda *a, **k: noise)
    tunnel = attr.NoiseTunnel(attr.Saliency(model))
    expected = tunnel.attribute(x, nt_samples=4, stdevs=0.1, target=TARGETS[:2], abs=False)
    close(found.values, expected)


def test_without_noise_it_is_the_gradient():
    found = explainer(2)(images(), 1, method="smooth-grad", noise=0.0, samples=3)
    close(found.values, explainer(2)(images(), 1, method="gradient").values)


def test_the_seed_decides():
    maps = [explainer(1)(images(1), 1, method="smooth-grad", samples=2, seed=seed).values for seed in (0, 0, 1)]
    assert torch.equal(maps[0], maps[1])
    assert not torch.equal(maps[0], maps[2])


# -- DeepLIFT --------------------------------------------------------------------------------------------------------


def apart(unit):
    """Units and a pool with a linear layer between each two: where two units touch, captum loses the sum."""
    return randomised(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), unit(), nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 2, dilation=2), unit(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 6), unit(),
            nn.Linear(6, 5),
        ).double()
    )  # fmt: skip


@pytest.mark.parametrize("unit", [nn.ReLU, nn.Sigmoid, nn.Softplus, nn.ELU], ids=lambda unit: unit.__name__)
def test_deep_lift_is_captums_where_units_stand_apart(unit):
    model, x, start = apart(unit), images(3), images(1, seed=9)
    found = ls.Explainer(model, x[:2])(x, TARGETS, method="deep-lift", baseline=start)
    close(found.values, attr.DeepLift(model).attribute(x, start.expand_as(x), TARGETS).detach())


def rescaled_by_hand(model, x, start, target):
    """Multipliers layer by layer for one image; a pool's windows one at a time."""
    values, starts = [x], [start]
    for layer in model:
        values.append(layer(values[-1]).detach())
        starts.append(layer(starts[-1]).detach())
    m = torch.zeros_like(values[-1])
    m[0, target] = 1
    for layer, v, s, w, t in reversed(list(zip(model, values, starts, values[1:], starts[1:], strict=False))):
        if isinstance(layer, nn.ReLU):
            m = m * torch.where(v == s, (v > 0).double(), (w - t) / (v - s))
        elif isinstance(layer, nn.MaxPool2d):
            m, u = torch.zeros_like(v), m
            for k, i, j in torch.cartesian_prod(*map(torch.arange, w.shape[1:])).tolist():
                window, before = (p[0, k, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].flatten() for p in (v, s))
                larger = max(window.max(), before.max())
                worth = torch.zeros_like(window)
                worth[window.argmax()] += larger - before.max()
                worth[before.argmax()] += window.max() - larger
                share = torch.where(worth == 0, 0.0, worth / torch.where(worth == 0, 1.0, window - before))
                m[0, k, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = u[0, k, i, j] * share.reshape(2, 2)
        else:
            m = torch.autograd.functional.vjp(layer, v, m)[1]
    return m * (x - start)


def test_deep_lift_where_a_pool_follows_a_unit_is_its_formula():
    model, x, start = plain(), images(2), images(1, seed=9)
    found = ls.explain(model, x, TARGETS[:2], method="deep-lift", baseline=start)
    for i in range(2):
        close(found.values[i : i + 1], rescaled_by_hand(model, x[i : i + 1], start, int(TARGETS[i])))
    assert float(found.check.error.max()) < 1e-12


UNITS = [nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.LeakyReLU, nn.PReLU, nn.SiLU, nn.GELU, nn.Tanh, nn.Hardswish]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.__name__)
def test_deep_lift_sums_to_the_difference(unit):
    model = randomised(Rectified(unit()).double())
    found = ls.explain(model, images(), [1, 2], method="deep-lift", baseline=COLOUR)
    assert float(found.check.error.max()) < 1e-12
    assert float(found.values.abs().max()) > 0


class Pools(nn.Module):
    """Windows that overlap, and a maximum over all places."""

    def __init__(self):
        super().__init__()
        self.first, self.scores = nn.Conv2d(3, 6, 3), nn.Linear(6, 5)

    def forward(self, x):
        x = F.max_pool2d(self.first(x).relu(), 3, 2, padding=1)
        return self.scores(torch.cat([x[:, :3].amax((2, 3)), F.adaptive_max_pool2d(x[:, 3:], 1).flatten(1)], 1))


def test_deep_lift_of_overlapping_and_global_maxima_sums_to_the_difference():
    found = ls.explain(randomised(Pools().double()), images(), 1, method="deep-lift", baseline=images(1, seed=9))
    assert float(found.check.error.max()) < 1e-12


class Gated(nn.Module):
    def forward(self, x):
        return (x * x.mean((2, 3), keepdim=True)).flatten(1)


def test_deep_lift_refuses_what_it_says_nothing_about():
    with pytest.raises(InputError, match=r"DeepLIFT says nothing about aten.mul.*; choose integrated-gradients"):
        ls.explain(Gated(), images(), 0, method="deep-lift")
    norm = nn.Sequential(nn.InstanceNorm2d(3), nn.Flatten())
    with pytest.raises(InputError, match=r"DeepLIFT says nothing about aten.instance_norm"):
        ls.explain(norm, images().float(), 0, method="deep-lift")


# -- all -------------------------------------------------------------------------------------------------------------

METHODS_HERE = "integrated-gradients", "smooth-grad", "deep-lift", "occlusion"
FEW = {"integrated-gradients": {"steps": 3}, "smooth-grad": {"samples": 3}, "occlusion": {"window": 8}}


@pytest.mark.parametrize("method", METHODS_HERE)
def test_three_images_through_a_program_of_two_are_three_single_images(method):
    x, options = images(3), FEW.get(method, {})
    together = explainer(2)(x, [0, 3, 2], method=method, **options)
    assert together.values.shape[0] == 3
    for i, target in enumerate([0, 3, 2]):
        close(together.values[i : i + 1], explainer(1)(x[i : i + 1], target, method=method, **options).values)


def test_a_program_from_a_file(tmp_path):
    explainer(2).program.save(tmp_path / "net.pt2")
    loaded = ls.Explainer(tmp_path / "net.pt2", images())
    for method in METHODS_HERE:
        options = FEW.get(method, {})
        found = loaded(images(), 2, method=method, **options)
        close(found.values, explainer(2)(images(), 2, method=method, **options).values)


@pytest.mark.parametrize("method", METHODS_HERE)
def test_a_program_traced_on_one_image_is_refused(method):
    program = ls.capture(plain(), images(1))
    program.bound = images(1)
    with pytest.raises(InputError, match="altered copies of the image, and the Program holds for the one image"):
        ls.explain(program, images(1), 1, method=method)


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("integrated-gradients", {"steps": 0}, "steps is 0; give the number of points"),
        ("integrated-gradients", {"baseline": torch.zeros(4, 1, 1)}, r"baseline of shape \(4, 1, 1\) does not fit"),
        ("smooth-grad", {"samples": 0}, "samples is 0; give the number of noisy copies"),
        ("integrated-gradients", {"steps": 2.5}, "steps is 2.5; give the number of points"),
        ("smooth-grad", {"samples": "5"}, "samples is '5'; give the number of noisy copies"),
        ("smooth-grad", {"noise": -0.1}, "noise is -0.1; give a share"),
        ("deep-lift", {"baseline": float("inf")}, "baseline holds NaN or infinite values"),
        ("deep-lift", {"steps": 3}, "no option 'steps'; it has baseline"),
    ],
    ids=str,
)
def test_options_that_make_no_sense(method, options, words):
    with pytest.raises(InputError, match=words):
        explainer(1)(images(1), 1, method=method, **options)
