"""Sanity checks: order of layers, what is made random and what is not, and methods whose answer is known."""

import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.errors import InputError, UnknownNameError
from linearscope.evaluation import (
    class_sensitivity,
    compare,
    label_randomisation,
    parameter_randomisation,
    permuted_labels,
    randomise,
    top_down,
    train_small,
)


@pytest.fixture(autouse=True)
def _one_thread():
    """Many small steps: threads that wait for each other take longer than the steps."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Tangled(nn.Module):
    """Registered in another order than it runs; one scale of its own; one module that never runs."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(8, 5)
        self.unused = nn.Linear(3, 3)
        self.block = nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.first = nn.Conv2d(3, 4, 3, bias=False)
        self.scale = nn.Parameter(torch.full((1,), 2.0))

    def forward(self, x):
        return self.last(self.block(self.first(x) * (self.scale + 1)).mean((2, 3)))


def tangled():
    model = Tangled().eval()
    model.block[1].running_mean.fill_(0.3)
    model.block[1].running_var.fill_(2)
    return model


def images(count=3, side=16):
    return torch.rand(count, 3, side, side)


def changed(one, other):
    before, after = one.state_dict(), other.state_dict()
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_order_is_that_of_use_from_the_top():
    assert top_down(tangled(), images(1)) == ("last", "block.1", "block.0", "", "first")
    blocks = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)), nn.Flatten(), nn.LazyLinear(2)
    )
    blocks(images(1))
    assert top_down(blocks, images(1)) == ("2", "0.2", "0.0")
    assert top_down(blocks, images(1), depth=1) == ("2", "0")


def test_cascades_keep_what_is_random_and_independent_ones_do_not():
    model = tangled()
    held = [
        {"last.weight", "last.bias"},
        {"block.1.running_mean", "block.1.running_var"},
        {"block.0.weight", "block.0.bias"},
        {"first.weight"},
    ]
    layers = ["last", "block.1", "block.0", "first"]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    so_far = set()
    cascade = list(randomise(model, layers))
    for at, (name, copied) in enumerate(cascade):
        so_far |= held[at]
        assert name == layers[at]
        assert changed(model, copied) == so_far
    for at, (_, copied) in enumerate(randomise(model, layers, mode="independent")):
        assert changed(model, copied) == held[at]
        for key in held[at]:
            assert torch.equal(copied.state_dict()[key], cascade[at][1].state_dict()[key])
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_batch_norm_forgets_its_statistics():
    copied = dict(randomise(tangled(), ["block"]))["block"]
    assert float(copied.block[1].running_mean.abs().max()) == 0
    assert copied.block[1].running_var.tolist() == [1.0] * 8
    assert copied.block[1].weight.tolist() == [1.0] * 8
    assert not copied.training


def test_a_parameter_without_a_start_of_its_own_is_drawn():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.full((400,), 3.0))

        def forward(self, x):
            return x.flatten(1) * self.weight

    ((_, copied),) = randomise(Own(), [""])
    assert float(copied.weight.detach().abs().max()) <= 6
    assert 2 < float(copied.weight.detach().std()) < 3.5


def test_seeds_repeat_and_leave_the_global_one_alone():
    model = tangled()
    state = torch.random.get_rng_state()
    one, two, three = (next(iter(randomise(model, ["last"], seed=seed)))[1] for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not changed(one, two)
    assert changed(one, three) == {"last.weight", "last.bias"}


def small():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(8 * 256, 4),
    )  # fmt: skip


def test_a_method_that_ignores_the_model_stays_and_the_gradient_does_not():
    edges = lambda model, x, targets: x.diff(dim=3, append=x[..., -1:]).abs().sum(1)  # noqa: E731
    found = parameter_randomisation(small(), images(), method=edges)
    assert torch.equal(found.values, torch.ones(3, 3, dtype=torch.float64))
    gradient = parameter_randomisation(small(), images(), method="gradient", draws=2)
    assert gradient.layers == ("5", "2", "0")
    assert float(gradient.values.abs().max()) < 0.5
    assert gradient.steps[0].estimate.count == 3


def test_steps_are_comparisons_with_the_copies():
    model, x = small(), images()
    targets = torch.tensor([0, 2, 1])
    found = parameter_randomisation(model, x, targets, method="gradient-x-input", mode="independent", kind="signed")
    true = ls.explain(model, x, targets, method="gradient-x-input").heatmap("signed")
    for step, (_, copied) in zip(found.steps, randomise(model, found.layers, mode="independent"), strict=True):
        again = compare(true, ls.explain(copied, x, targets, method="gradient-x-input").heatmap("signed"))
        assert torch.allclose(step.signed, again.signed, atol=1e-6)


def test_guided_backprop_of_one_layer_with_positive_scores_does_not_know_the_class():
    """All classes add up the same positive paths: with one weight a class, only its size differs."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    ).double()
    with torch.no_grad():
        model[4].weight[:] = torch.rand(4, 1) + 0.1
    explainer = ls.Explainer(model, images().double())
    ask = lambda method: lambda x, t: explainer(x, t, method=method).heatmap()  # noqa: E731
    x = images().double()
    assert torch.allclose(class_sensitivity(ask("guided-backprop"), x, 0, 1).values, torch.ones(3).double(), atol=1e-9)
    with torch.no_grad():
        model[4].weight.normal_()
    assert class_sensitivity(ask("gradient"), x, 0, 1).values.mean() < 0.9


def corners(count, side=12):
    """Each class has its own bright corner."""
    labels = torch.arange(count) % 2
    x = torch.rand(count, 1, side, side) * 0.3
    x[labels == 0, :, 1:5, 1:5] += 1
    x[labels == 1, :, 7:11, 7:11] += 1
    return x, labels


def test_label_randomisation_of_learned_and_of_noise():
    """A model that learned the corners and one that learned noise by heart have unlike gradients."""
    x, labels = corners(24)
    noise = permuted_labels(labels)
    assert noise.sort().values.equal(labels.sort().values)
    true, other = (train_small(x, wanted, channels=8) for wanted in (labels, noise))
    assert (true(x).argmax(1) == labels).double().mean() >= 0.95
    assert (other(x).argmax(1) == noise).double().mean() >= 0.9
    assert label_randomisation(true, other, x[:6]).values.max() < 0.7


def test_training_repeats_by_seed():
    x, labels = corners(8)
    one, again, third = (train_small(x, labels, channels=4, until=0.5, seed=seed) for seed in (0, 0, 1))
    assert not changed(one, again)
    assert changed(one, third)
    assert not one.training


def test_bad_input_is_named():
    model, x = small(), images()
    with pytest.raises(InputError, match=r"torch\.nn\.Module and Program"):
        parameter_randomisation(ls.capture(model, x), x)
    with pytest.raises(UnknownNameError, match="no module '7'"):
        randomise(model, ["7"])
    with pytest.raises(InputError, match="holds no parameter"):
        randomise(model, ["1"])
    with pytest.raises(InputError, match="cascading"):
        randomise(model, ["0"], mode="both")
    with pytest.raises(InputError, match="Image 1 has the class 2"):
        class_sensitivity(lambda a, t: a[:, 0], x, [0, 2, 1], [1, 2, 0])
    with pytest.raises(InputError, match="no parameters"):
        top_down(nn.Flatten(), x)
    with pytest.raises(InputError, match="takes no options"):
        parameter_randomisation(model, x, method=lambda m, a, t: a[:, 0], kind="signed")
    with pytest.raises(UnknownNameError, match="no method"):
        parameter_randomisation(model, x, method="gradiant")
    with pytest.raises(InputError, match="one class only"):
        train_small(x, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(InputError, match="After 1 epochs"):
        train_small(torch.rand(8, 1, 8, 8), torch.arange(8) % 4, epochs=1, until=1.0)
