"""All of F: equal to the Jacobian, entry by entry, with as few probes as there can be."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize._numdiff import group_columns
from torch import nn

import linearscope as ls
from linearscope.analysis.colouring import colour
from linearscope.analysis.probing import KINDS, probing
from linearscope.errors import InputError, UnknownNameError
from linearscope.interpreter.windows import AxisSupport, Support
from linearscope.networks.espcn import ESPCN
from tests.analysis.networks import NETWORKS, image, randomised


class Branches(nn.Module):
    """A skip, a concatenation, a stride and its inverse."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(2, 4, 4, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1)
        self.out = nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, x):
        y = torch.relu(self.up(torch.relu(self.down(x))) + x)
        return self.out(torch.cat([x, y], 1))


def padded(mode):
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, padding_mode=mode), nn.ReLU(), nn.Conv2d(3, 2, 5, padding=2, padding_mode=mode)
    )


#: Name to a network that is piecewise linear, and an image's shape.
CASES = {
    "zeros": (lambda: padded("zeros"), (2, 9, 12)),
    "reflect": (lambda: padded("reflect"), (2, 9, 12)),
    "replicate": (lambda: padded("replicate"), (2, 9, 12)),
    "circular": (lambda: padded("circular"), (2, 9, 12)),
    "valid": (lambda: nn.Sequential(nn.Conv2d(1, 3, 4), nn.LeakyReLU(), nn.Conv2d(3, 2, (1, 3))), (1, 11, 8)),
    "stride": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 3, 3, 2, 1)), (2, 17, 14)),
    "skipped pixels": (lambda: nn.Conv2d(2, 3, 1, stride=3), (2, 10, 11)),
    "dilation": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3, dilation=2, padding=2), nn.ReLU()), (2, 11, 9)),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(2, 3, 3, 2, 1, 1), nn.ReLU(), nn.Conv2d(3, 2, 3)),
                   (2, 6, 5)),
    "groups": (lambda: nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=4)),
               (4, 9, 8)),
    "shuffle": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 18, 3, padding=1),
                                      nn.PixelShuffle(3)), (2, 7, 9)),
    "unshuffle": (lambda: nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 3, 3, padding=1), nn.ReLU()), (1, 10, 12)),
    "branches": (Branches, (2, 10, 12)),
    "pooling": (lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(3, 2), nn.AvgPool2d(2, 1)), (1, 15, 13)),
    "upsampling": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Upsample(scale_factor=2, mode="bicubic"), nn.ReLU()),
                   (1, 9, 8)),
    "classifier": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                                         nn.Linear(3, 4)), (2, 8, 7)),
    "constant": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Threshold(1e6, 2.0)), (1, 6, 6)),
}  # fmt: skip


@cache
def case(name):
    make, shape = CASES[name]
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(1, *shape, generator=generator, dtype=torch.float64)
    model = randomised(make().double())
    return model, ls.interpret(model, x)


def interpreter(name):
    return case(name)[1]


@cache
def jacobian(name):
    model, it = case(name)
    return torch.func.jacrev(model)(it.image).detach().reshape(it.shape).numpy()


def by_products(it):
    eye = torch.eye(it.shape[1], dtype=it.point.dtype).reshape(-1, *it.input_shape)
    return it.matvec(eye).reshape(it.shape[1], -1).T.numpy()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CASES)
def test_equals_the_jacobian(name, kind):
    it = interpreter(name)
    made = ls.materialize(it, kind=kind)
    truth = jacobian(name)
    assert made.plan.kind == kind
    assert np.abs(made.matrix.toarray() - truth).max() <= 1e-12
    assert made.matrix.nnz == made.plan.nonzeros >= (truth != 0).sum()
    assert made.matrix.has_sorted_indices
    assert made.error <= 1e-12


@pytest.mark.parametrize("interpretation", ["freeze", "taylor"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_interpretation_is_what_the_interpreter_multiplies(name, interpretation):
    it = ls.interpret(NETWORKS[name](), image(), interpretation=interpretation)
    made = ls.materialize(it)
    assert made.plan.dense
    assert made.plan.kind == "rows"
    assert np.abs(made.matrix.toarray() - by_products(it)).max() <= 1e-12


@pytest.mark.parametrize(("interpretation", "dense"), [("freeze", False), ("taylor", True)])
def test_instance_norm_is_pointwise_when_it_is_frozen(interpretation, dense):
    model = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.InstanceNorm2d(3), nn.ReLU(), nn.Conv2d(3, 1, 3, padding=1))
    it = ls.interpret(randomised(model.double()), image(size=12, channels=1), interpretation=interpretation)
    made = ls.materialize(it)
    assert np.abs(made.matrix.toarray() - by_products(it)).max() <= 1e-12
    assert made.plan.dense == dense
    assert made.plan.probes == (144 if dense else 25)
    assert ("it is dense" in str(made.plan)) == dense


def test_from_a_layer_and_of_several_images():
    model = randomised(nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 2, 3, padding=1)).double())
    it = ls.interpret(model, torch.randn(2, 2, 7, 6, dtype=torch.float64))
    for one in (it, it.at("1")):
        assert np.abs(ls.materialize(one).matrix.toarray() - by_products(one)).max() <= 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["branches", "transposed", "groups", "classifier", "circular"])
def test_products_rows_and_columns_are_the_interpreters(name, kind):
    it = interpreter(name)
    made = ls.materialize(it, kind=kind)
    v, u = (torch.randn(3, *shape, dtype=torch.float64) for shape in (it.input_shape, it.output_shape))
    last = tuple(n - 1 for n in it.input_shape)
    for mine, real in (
        (made.matvec(v), it.matvec(v)),
        (made.rmatvec(u), it.rmatvec(u)),
        (made.columns([0, 5, -1]), it.columns([0, 5, -1])),
        (made.columns(last), it.columns([last])),
        (made.rows([1, 3]), it.rows([1, 3])),
    ):
        assert mine.shape == real.shape
        assert (mine - real).abs().max() <= 1e-12
    with pytest.raises(InputError, match="There is no column"):
        made.columns(it.shape[1])
    with pytest.raises(InputError, match="shape"):
        made.matvec(v[0])


LAYERS = st.one_of(
    st.tuples(
        st.just("conv"), st.integers(1, 4), st.integers(1, 2), st.integers(0, 2), st.integers(1, 2),
        st.sampled_from(["zeros", "circular", "replicate", "reflect"]),
    ),
    st.tuples(st.just("transposed"), st.integers(1, 4), st.integers(1, 2), st.just(0), st.just(1), st.just("zeros")),
    st.tuples(st.just("pool"), st.integers(1, 3), st.integers(1, 2), st.just(0), st.just(1), st.just("zeros")),
)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(layers=st.lists(LAYERS, min_size=1, max_size=3), height=st.integers(8, 13), width=st.integers(8, 13))
def test_generated_networks(layers, height, width):
    made, shape, probe = [], (2, height, width), torch.zeros(1, 2, height, width, dtype=torch.float64)
    for form, kernel, stride, padding, dilation, mode in layers:
        if form == "conv":
            layer = nn.Conv2d(2, 2, kernel, stride, padding, dilation, padding_mode=mode)
        elif form == "transposed":
            layer = nn.ConvTranspose2d(2, 2, kernel, stride)
        else:
            layer = nn.MaxPool2d(kernel, stride)
        try:
            probe = layer.double()(probe)
        except RuntimeError:  # the image has become too small for the kernel or the padding
            break
        made += [layer, nn.LeakyReLU(0.1)]
    if not made:
        return
    it = ls.interpret(randomised(nn.Sequential(*made)), torch.randn(1, *shape, dtype=torch.float64))
    truth = by_products(it)
    for kind in KINDS:
        assert np.abs(ls.materialize(it, kind=kind).matrix.toarray() - truth).max() <= 1e-12


# -- the probes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_two_of_one_colour_are_seen_together(name, kind):
    """Sound against the true pattern, and never more colours than an independent greedy grouping finds."""
    it = interpreter(name)
    asks = probing(it.support(), kind)
    pattern = jacobian(name) != 0
    pattern = pattern if kind == "columns" else pattern.T
    colours = np.array([asks.colour_of(i) for i in range(pattern.shape[1])])
    for k in range(asks.probes):
        assert pattern[:, colours == k].sum(1).max(initial=0) <= 1
    structure = asks.csr(np.ones((asks.probes, pattern.shape[0]))).toarray() != 0
    assert not (pattern & ~structure).any()
    groups = group_columns(structure.astype(int))
    assert asks.least <= asks.probes <= groups.max() + 1
    assert asks.least == structure.sum(1).max()


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_as_few_probes_as_the_longest_row(scale):
    """Stride 1 and PixelShuffle: the lower bound is met, and grows by channels only."""
    model = ESPCN(scale, 3).double()
    it = ls.interpret(model, torch.rand(1, 3, 24, 22, dtype=torch.float64))
    plan = ls.estimate(it, kind="columns")
    assert plan.probes == plan.least == 3 * 11 * 11
    assert plan.others == 3 * 11 * 11 * scale**2


def test_strided_encoders_use_their_period():
    """Two stride-2 convolutions and their inverse: the probes do not grow with the image and meet the bound."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(2, 2, 4, 2, 1),
        nn.ReLU(), nn.ConvTranspose2d(2, 1, 4, 2, 1),
    )  # fmt: skip
    plans = [ls.estimate(ls.interpret(model, torch.rand(1, 1, n, n)), kind="columns") for n in (32, 48, 64)]
    assert len({plan.probes for plan in plans}) == 1
    assert all(plan.probes == plan.least for plan in plans)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**31))
def test_intervals_meet_the_bound(rows, columns, seed):
    generator = np.random.default_rng(seed)
    matrix = np.zeros((rows, columns), dtype=bool)
    for column in range(columns):
        first, last = np.sort(generator.integers(0, rows, 2))
        matrix[first : last + 1, column] = generator.random() < 0.9
    colours = colour(matrix)
    assert colours.max() + 1 == max(1, matrix.sum(1).max())
    assert max((matrix[:, colours == c].sum(1).max() for c in range(colours.max() + 1)), default=0) <= 1


@pytest.mark.parametrize(("size", "width"), [(64, 11), (13, 5), (20, 5), (17, 16), (9, 9)])
def test_circular_borders_take_the_fewest_that_arcs_allow(size, width):
    """A colour holds at most size // width of the arcs, so that fewer colours than this cannot do."""
    matrix = np.zeros((size, size), dtype=bool)
    for column in range(size):
        matrix[np.arange(column, column + width) % size, column] = True
    assert colour(matrix).max() + 1 == -(-size // (size // width))


def test_an_output_axis_that_decides_for_two_input_axes():
    band = np.abs(np.subtract.outer(np.arange(6), np.arange(6))) <= 1
    support = Support((AxisSupport(0, band), AxisSupport(0, band)), (6, 6), (6,))
    pattern = (band[:, :, None] & band[:, None, :]).reshape(6, 36)
    for kind in KINDS:
        asks = probing(support, kind)
        mine = pattern if kind == "columns" else pattern.T
        colours = np.array([asks.colour_of(i) for i in range(mine.shape[1])])
        assert all(mine[:, colours == k].sum(1).max(initial=0) <= 1 for k in range(asks.probes))


# -- limits and mistakes ---------------------------------------------------------------------------------------------


def test_over_the_limit_it_refuses_with_the_numbers():
    it = interpreter("zeros")
    plan = ls.estimate(it)
    with pytest.raises(InputError, match=f"{plan.nonzeros:,} entries.*limit is 1 kB.*out="):
        ls.materialize(it, limit=1000)
    assert ls.materialize(it, limit=plan.memory_bytes).plan.probes == plan.probes


def test_the_estimate_of_memory_holds():
    made = ls.materialize(interpreter("shuffle"))
    kept = made.matrix.data.nbytes + made.matrix.indices.nbytes + made.matrix.indptr.nbytes
    assert kept <= made.plan.memory_bytes <= 4 * kept


def test_fewer_rows_than_columns_are_taken_and_said():
    plan = ls.estimate(interpreter("classifier"))
    assert (plan.kind, plan.probes, plan.dense) == ("rows", 4, True)
    assert "dense" in str(plan)
    assert "4 probes, one for each of its rows" in str(plan)


def test_half_precision_is_kept_in_float32():
    model = padded("zeros").bfloat16()
    it = ls.interpret(model, torch.rand(1, 2, 8, 8, dtype=torch.bfloat16))
    made = ls.materialize(it)
    assert made.matrix.dtype == np.float32
    assert np.array_equal(made.matrix[:, [7]].toarray()[:, 0], it.columns(7).float().flatten().numpy())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mode": "exakt"}, UnknownNameError, "exact"),
        ({"kind": "column"}, UnknownNameError, "columns"),
        ({"mode": "effective", "tolerance": 0.0}, InputError, "tolerance"),
        ({"mode": "effective", "tolerance": 2.0}, InputError, "tolerance"),
    ],
)
def test_options_that_are_not_possible(options, error, message):
    with pytest.raises(error, match=message):
        ls.materialize(interpreter("zeros"), **options)
