"""The flashlight: zero where nothing follows the image, unchanged by a factor, equal to its definition."""

import itertools

import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.analysis.flashlight import flashlight
from linearscope.errors import InputError


def image(channels=3, size=(24, 29), seed=0):
    return torch.rand(1, channels, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def upscaler(gain=1.0, scale=2):
    torch.manual_seed(1)
    layers = nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 3 * scale**2, 3, padding=1)
    layers[2].weight.data *= gain
    return nn.Sequential(*layers, nn.PixelShuffle(scale)).double()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("mode", ["bicubic", "bilinear", "nearest"])
def test_space_invariant_upscalers_have_no_flashlight(mode, scale):
    f = flashlight(ls.interpret(nn.Upsample(scale_factor=scale, mode=mode).double(), image()))
    assert abs(f.score) < 1e-12
    assert abs(f.variation) < 1e-12
    assert f.kept == pytest.approx(1)
    assert f.columns.std(0).max() < 1e-12


def test_a_factor_changes_nothing():
    one, two = (flashlight(ls.interpret(upscaler(gain), image())) for gain in (1.0, 8.0))
    assert one.score > 0.01
    assert two.score == pytest.approx(one.score, rel=1e-12)
    assert two.variation == pytest.approx(one.variation, rel=1e-12)
    assert torch.allclose(two.columns, 8 * one.columns, rtol=1e-10, atol=1e-12)


def test_the_score_is_one_minus_the_mean_similarity_of_all_pairs_of_columns():
    it = ls.interpret(upscaler(), image())
    f = flashlight(it, side=3, channel=0, window=4)
    whole = [it.columns((0, *place))[0] for place in f.positions]
    cut = [
        w[:, 2 * (r - 4) : 2 * (r + 5), 2 * (c - 4) : 2 * (c + 5)].flatten()
        for w, (r, c) in zip(whole, f.positions, strict=True)
    ]
    pairs = [float(torch.cosine_similarity(a, b, dim=0)) for a, b in itertools.combinations(cut, 2)]
    assert len(pairs) == 36
    assert f.score == pytest.approx(1 - sum(pairs) / len(pairs), abs=1e-12)
    stacked = torch.stack(cut)
    best = stacked.mean(0)  # the one column that explains most
    assert f.variation == pytest.approx(float((stacked - best).square().sum() / stacked.square().sum()), abs=1e-12)
    energies = [float(c.square().sum()) for c in (torch.cat([w.flatten() for w in whole]), torch.cat(cut))]
    assert f.kept == pytest.approx(energies[1] / energies[0])


def test_a_network_with_a_grid_is_compared_in_one_phase():
    class Grid(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.down = nn.Conv2d(3, 8, 4, stride=4)
            self.up = nn.ConvTranspose2d(8, 3, 4, stride=4)

        def forward(self, x):
            return self.up(self.down(x))

    it = ls.interpret(Grid().double(), image(size=(32, 32)))
    assert flashlight(it).score > 0.1
    in_phase = flashlight(it, period=4)
    assert abs(in_phase.score) < 1e-12
    assert len({(r % 4, c % 4) for r, c in in_phase.positions}) == 1


def test_dark_columns_are_counted_and_left_out():
    class Half(nn.Module):
        def forward(self, x):
            mask = torch.ones_like(x)
            mask[..., : x.shape[-1] // 2] = 0
            return x * mask

    f = flashlight(ls.interpret(Half(), image()))
    assert 0 < f.dark < len(f.positions)
    assert f.score == 0
    black = flashlight(ls.interpret(Half(), image()[..., :29]), window=3)
    assert black.similarity.isfinite().all()


@pytest.mark.parametrize(
    ("model", "size", "options"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 4)), (8, 8), {}),
        (nn.Conv2d(3, 3, 2, stride=2), (8, 8), {}),
        (nn.Identity(), (6, 6), {}),
        (nn.Identity(), (20, 20), {"channel": 3}),
        (nn.Identity(), (20, 20), {"period": 0}),
        (nn.Identity(), (20, 20), {"window": 10}),
    ],
)
def test_what_is_no_image_or_too_small_is_refused(model, size, options):
    it = ls.interpret(nn.Sequential(model, nn.ReLU()).double(), image(size=size))
    with pytest.raises(InputError):
        flashlight(it, **options)
