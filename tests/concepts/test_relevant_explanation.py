"""Explanations by relevant units: where they point, what they are made of, and the method of that name."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import linearscope as ls
from linearscope.attribution import normalised
from linearscope.concepts import ReceptiveFields, relevant_explanation, unit_patches
from tests.concepts.networks import Colours, coloured, plain


@pytest.fixture(scope="module")
def colours():
    images, labels, corners = coloured(30)
    explainer = ls.Explainer(Colours(), images[:4])
    return (
        explainer,
        ls.relevant_units(explainer, images, labels, mu=2.0, layers=["conv", "relu"]),
        images,
        labels,
        corners,
    )


def test_the_explanation_lies_on_the_square_that_makes_the_class(colours):
    explainer, units, images, labels, corners = colours
    for i, one in enumerate(relevant_explanation(explainer, images[:6], units, top=1)):
        assert one.target == int(labels[i])
        row, column = corners[i].tolist()
        square = torch.zeros(8, 8, dtype=torch.bool)
        square[row : row + 3, column : column + 3] = True
        assert float(one.heatmap[square].min()) > float(one.heatmap[~square].max())
        assert one.units[0].channel == int(labels[i])


def test_one_units_heat_map_is_guided_backprop_by_autograd_from_its_own_map():
    """The unit's map is the signal, all other channels 0; ReLUs pass what is positive both ways."""
    model, image = plain(), torch.rand(1, 3, 12, 12, dtype=torch.float64)
    labels = [0, 1, 0, 1]
    images = torch.rand(4, 3, 12, 12, dtype=torch.float64)
    units = ls.relevant_units(model, images, labels, mu=4.0, layers=["3"])
    explainer = ls.Explainer(model, image)
    found = relevant_explanation(explainer, image, units, 0, top=1, backprop="guided")[0]
    channel = found.units[0].channel

    class Guided(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp_min(0)

        @staticmethod
        def backward(ctx, u):
            return u.clamp_min(0) * (ctx.saved_tensors[0] > 0)

    x = image.clone().requires_grad_()
    own = Guided.apply(model[2](Guided.apply(model[0](x))))
    signal = torch.zeros_like(own)
    signal[0, channel] = own[0, channel].detach()
    (back,) = torch.autograd.grad(own, x, signal)
    expected = normalised(back.abs().amax(1))[0]
    assert torch.allclose(found.units[0].heatmap, expected, rtol=0, atol=1e-12)


def test_resampling_changes_what_lies_behind_a_stride_and_nothing_else():
    images = torch.rand(4, 3, 12, 12, dtype=torch.float64)
    strided, dense = plain(), plain()
    dense[0].stride, dense[4] = (1, 1), nn.MaxPool2d(4)
    for model, same in ((strided, False), (dense, True)):
        units = ls.relevant_units(model, images, [0, 1, 0, 1], mu=4.0, layers=["3"])
        explainer = ls.Explainer(model, images)
        maps = [
            relevant_explanation(explainer, images, units, 0, backprop=way)[0].heatmap
            for way in ("resampled-guided", "guided")
        ]
        assert torch.equal(maps[0], maps[1]) == same


def test_the_whole_is_the_largest_of_the_parts_and_any_batch_gives_the_same():
    model = plain()
    images = torch.rand(7, 3, 12, 12, dtype=torch.float64)
    units = ls.relevant_units(model, images, [0, 1, 2, 0, 1, 2, 0], mu=6.0)
    several = relevant_explanation(ls.Explainer(model, images[:3]), images, units, 1)
    single = ls.Explainer(model, images[:1])
    for i, one in enumerate(several):
        responses = [unit.response for unit in one.units]
        assert len(responses) > 1
        assert responses == sorted(responses, reverse=True)
        assert torch.equal(one.heatmap, torch.stack([unit.heatmap for unit in one.units]).amax(0))
        alone = relevant_explanation(single, images[i : i + 1], units, 1)[0]
        assert [(u.layer, u.channel) for u in alone.units] == [(u.layer, u.channel) for u in one.units]
        assert torch.allclose(alone.heatmap, one.heatmap, atol=1e-12)


def test_units_without_extent_are_drawn_too():
    model = plain()
    images = torch.rand(6, 3, 12, 12, dtype=torch.float64)
    units = ls.relevant_units(model, images, [0, 1, 2, 0, 1, 2], mu=4.0, layers=["6", "7"])
    explainer = ls.Explainer(model, images)
    assert any(float(one.heatmap.max()) == 1 for one in relevant_explanation(explainer, images, units, 0))
    for one in unit_patches(explainer, images, units).values():
        assert one.patch.shape == (3, 12, 12)


def test_the_same_network_written_otherwise_gives_the_same_explanation():
    class Functional(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.a, self.b, self.c, self.d = model[0], model[2], model[6], model[8]

        def forward(self, x):
            x = F.max_pool2d(self.b(self.a(x).relu_()).clamp(min=0), 2).flatten(1)
            return self.d(F.relu(self.c(x)))

    model = plain()
    images = torch.rand(6, 3, 12, 12, dtype=torch.float64)
    labels = [0, 1, 2, 0, 1, 2]
    maps = []
    for one in (model, Functional(model)):
        units = ls.relevant_units(one, images, labels, mu=4.0)
        maps.append([found.heatmap for found in relevant_explanation(ls.Explainer(one, images), images, units, 2)])
    assert torch.allclose(torch.stack(maps[0]), torch.stack(maps[1]), rtol=0, atol=1e-10)


def test_the_method_is_the_explanation(colours, tmp_path):
    explainer, units, images, labels, _ = colours
    units.save(tmp_path / "units.npz")
    found = ls.explain(explainer, images[:6], labels[:6], method="relevant-units", units=str(tmp_path / "units.npz"))
    parts = relevant_explanation(explainer, images[:6], units, labels[:6])
    assert torch.equal(found.heatmap(), torch.stack([one.heatmap for one in parts]))
    assert found.values.shape == (6, 1, 8, 8)


def test_an_image_without_response_is_explained_by_nothing(colours):
    explainer, units, images, _, _ = colours
    found = relevant_explanation(explainer, torch.zeros_like(images[:1]), units, 0)[0]
    assert found.units == ()
    assert float(found.heatmap.abs().max()) == 0


def test_patches_are_the_fields_of_the_strongest_places(colours):
    explainer, units, images, labels, corners = colours
    found = unit_patches(explainer, images, units, top=4)
    for (_, channel), one in found.items():
        assert len(one.images) == 4
        if channel > 2:
            continue  # answers to mixtures
        assert all(int(labels[i]) == channel for i in one.images)
        for i, box, crop in zip(one.images, one.boxes, one.crops, strict=True):
            assert torch.equal(crop, box.cut(images[i]))
            assert (box.bottom - box.top, box.right - box.left) == (1, 1)
            row, column = corners[i].tolist()
            assert row <= box.top < row + 3
            assert column <= box.left < column + 3
        assert torch.equal(one.patch, one.crops.mean(0))


@pytest.mark.parametrize(("layer", "size"), [("0", 3), ("2", 7), ("4", 9), ("6", 12)])
def test_receptive_fields_hold_all_that_a_place_sees(layer, size):
    """By derivatives: no place sees a pixel outside its box, and an inner place sees both ends of it."""
    model, image = plain().double(), torch.rand(1, 3, 12, 12, dtype=torch.float64)
    fields = ReceptiveFields(ls.Explainer(model, image))
    head = model[: int(layer) + 1]
    for module in head:
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.weight.data.abs_()
            module.bias.data.abs_()
    smooth = nn.Sequential(*[nn.AvgPool2d(2) if isinstance(one, nn.MaxPool2d) else one for one in head])
    x = image.clone().requires_grad_()
    value = smooth(x)
    places = [(r, c) for r in range(value.shape[2]) for c in range(value.shape[3])] if value.dim() == 4 else [(0, 0)]
    for row, column in places:
        one = value[0, 0, row, column] if value.dim() == 4 else value[0, 0]
        (seen,) = torch.autograd.grad(one, x, retain_graph=True)
        rows, columns = (seen[0].abs().sum((0, axis)).nonzero().flatten() for axis in (2, 1))
        box = fields.box(layer, row, column)
        assert (box.bottom - box.top, box.right - box.left) == (size, size)
        assert box.top <= int(rows.min())
        assert int(rows.max()) < box.bottom
        assert box.left <= int(columns.min())
        assert int(columns.max()) < box.right


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"targets": 3}, "There is no output 3"),
        ({"targets": [0, 1, 2]}, "1 images and 3 targets"),
        ({"top": 0}, "give at least 1"),
        ({"backprop": "guidd"}, "the nearest is 'guided'"),
        ({"units": "nothing.npz"}, "There is no file"),
    ],
)
def test_bad_input_is_one_sentence(colours, change, said):
    explainer, units, images, _, _ = colours
    given = {"units": units, "targets": None, **change}
    with pytest.raises(ls.InputError, match=said):
        relevant_explanation(explainer, images[:1], given.pop("units"), given.pop("targets"), **given)


def test_the_method_asks_for_units(colours):
    explainer, _, images, _, _ = colours
    with pytest.raises(ls.InputError, match="found first"):
        ls.explain(explainer, images[:1], method="relevant-units")


def test_a_class_that_was_not_looked_at_is_one_sentence(colours):
    explainer, _, images, labels, _ = colours
    two = labels < 2
    units = ls.relevant_units(explainer, images[two], labels[two], mu=0.5, layers=["conv"])
    with pytest.raises(ls.InputError, match="class 2; there are some for 0, 1"):
        relevant_explanation(explainer, images[:1], units, 2)
    with pytest.raises(ls.InputError, match="has no weight for any class"):
        unit_patches(explainer, images, units, [("conv", 4)])
