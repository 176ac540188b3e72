"""Scores of units against a slow computation from values that a hook saw."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import linearscope as ls
from linearscope.concepts import UnitScorer, default_layers
from linearscope.concepts.unit_scores import batched
from tests.concepts.networks import plain


def slowly(model, image, names, power):
    """Plain loops over layers, channels and places, from what hooks saw."""
    seen = {}
    handles = [
        dict(model.named_modules())[name].register_forward_hook(lambda m, i, o, name=name: seen.update({name: o[0]}))
        for name in names
    ]
    model(image[None])
    for handle in handles:
        handle.remove()
    row = []
    for name in names:
        sizes = []
        for channel in seen[name]:
            total = sum(float(value) ** 2 for value in channel.detach().flatten())
            sizes.append(total if power == 2 else total**0.5)
        row += [size / sum(sizes) if sum(sizes) else 0.0 for size in sizes]
    norm = sum(value**2 for value in row) ** 0.5
    return torch.tensor([value / norm for value in row], dtype=image.dtype)


@pytest.mark.parametrize(("score", "power"), [("squared", 2), ("norm", 1)])
def test_scores_are_those_of_plain_loops(score, power):
    model, images = plain(), torch.rand(5, 3, 12, 12, dtype=torch.float64)
    program = ls.capture(model, images[:2])
    scorer = UnitScorer(program, score=score)
    rows = torch.cat([scores for scores, _ in scorer.rows(images)])
    expected = torch.stack([slowly(model, image, list(scorer.channels), power) for image in images])
    assert rows.shape == (5, scorer.units)
    assert torch.allclose(rows, expected, rtol=0, atol=1e-13)


def test_outputs_are_the_models_and_padding_leaves_no_trace():
    model, images = plain(), torch.rand(5, 3, 12, 12, dtype=torch.float64)
    in_threes = UnitScorer(ls.capture(model, images[:3]))
    alone = UnitScorer(ls.capture(model, images[:1]))
    rows, outputs = (torch.cat(parts) for parts in zip(*in_threes.rows(images), strict=True))
    assert torch.allclose(outputs, model(images), atol=1e-13)
    assert torch.allclose(rows, torch.cat([alone(image[None])[0] for image in images]), atol=1e-13)


def test_default_layers_are_maps_and_vectors_before_the_output():
    program = ls.capture(plain(), torch.rand(2, 3, 12, 12, dtype=torch.float64))
    assert default_layers(program) == ("0", "1", "2", "3", "4", "6", "7")
    assert UnitScorer(program).units == 6 + 6 + 8 + 8 + 8 + 7 + 7


def test_the_same_network_written_otherwise_has_the_same_units():
    class Written(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.norm = nn.BatchNorm2d(4)
            self.head = nn.Linear(4, 2)

    class Functional(Written):
        def forward(self, x):
            return self.head(F.adaptive_avg_pool2d(F.relu(self.norm(self.conv(x))), 1).flatten(1))

    class InPlace(Written):
        def forward(self, x):
            return self.head(self.norm(self.conv(x)).clamp_(min=0).mean((2, 3)))

    image = torch.rand(2, 3, 6, 6)
    one = Functional().eval()
    other = InPlace().eval()
    other.load_state_dict(one.state_dict())
    first, second = (UnitScorer(ls.capture(model, image)) for model in (one, other))
    assert list(first.channels.values()) == list(second.channels.values()) == [4, 4, 4]
    assert torch.allclose(first(image)[0], second(image)[0])


def test_a_dead_layer_scores_zero_and_a_huge_one_is_finite():
    model = plain(torch.float32)
    model[2].weight.data.zero_()
    model[2].bias.data.fill_(-1)
    scorer = UnitScorer(ls.capture(model, torch.rand(1, 3, 12, 12)))
    rows, _ = scorer(torch.rand(1, 3, 12, 12))
    dead = rows[0, 6 + 6 + 8 : 6 + 6 + 8 + 8]
    assert torch.equal(dead, torch.zeros(8))
    assert float(rows.norm()) == pytest.approx(1)
    huge, _ = scorer(torch.full((1, 3, 12, 12), 1e15))
    assert torch.isfinite(huge).all()
    assert float(huge.norm()) == pytest.approx(1)


def test_layers_can_be_chosen_and_come_in_order():
    program = ls.capture(plain(), torch.rand(1, 3, 12, 12, dtype=torch.float64))
    assert UnitScorer(program, ["6", "0"]).channels == {"0": 6, "6": 7}


@pytest.mark.parametrize(
    ("layers", "score", "said"),
    [
        (["nosuch"], "squared", "There is no layer 'nosuch'"),
        ([""], "squared", "There is no layer ''"),
        ([], "squared", "No layers are left"),
        (None, "spectral", "There is no score of units 'spectral'"),
    ],
)
def test_bad_input_is_one_sentence(layers, score, said):
    program = ls.capture(plain(), torch.rand(1, 3, 12, 12, dtype=torch.float64))
    with pytest.raises(ls.InputError, match=said):
        UnitScorer(program, layers, score)


def test_sequences_have_no_channels():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 4)
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            return self.head(self.first(x.flatten(2).transpose(1, 2)).mean(1))

    program = ls.capture(Tokens(), torch.rand(1, 3, 4, 4))
    with pytest.raises(ls.InputError, match="no channels"):
        UnitScorer(program, ["first"])


def test_any_portions_become_the_same_batches():
    images = torch.rand(7, 1, 2, 2)
    for portions in ([images], list(images), [images[:5], images[5], images[6:]]):
        parts = list(batched(portions, 3))
        assert [len(part) for part in parts] == [3, 3, 1]
        assert torch.equal(torch.cat(parts), images)
