"""Singular triplets against dense decompositions of the same matrices."""

import warnings

import pytest
import torch
from torch import nn

import linearscope as ls
from linearscope.analysis.svd import METHODS
from linearscope.networks.bicubic import Bicubic
from tests.analysis.matrices import Dense, with_values
from tests.analysis.networks import NETWORKS, image, randomised


@pytest.fixture(autouse=True)
def _one_thread():
    """Matrices this small are fastest alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# Slowly falling, so that methods have to work, with a cluster and a double value among the first.
VALUES = [5.0, 4.0, 4.0, 3.0, 3.0 - 1e-9, *(2.0 * 0.97**i for i in range(60))]


def upscaler():
    return randomised(
        nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 12, 3, padding=1), nn.PixelShuffle(2)
        ).double()
    )  # fmt: skip


def dense_of(it):
    return it.rows(range(it.shape[0])).flatten(1)


def check(found, matrix, k, tol):
    """Values, vectors and residuals are what a dense decomposition says."""
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    s, v, u = found.singular_values, found.eigen_inputs.flatten(1).double(), found.eigen_outputs.flatten(1).double()
    eye = torch.eye(k, dtype=torch.float64)
    assert s.dtype == torch.float64
    assert len(s) == k
    assert torch.allclose(s, values[:k], rtol=0, atol=tol * float(values[0]))
    assert torch.allclose(v @ v.T, eye, atol=1e-6)
    assert torch.allclose(u @ u.T, eye, atol=1e-6)
    there, back = (v @ matrix.T - s[:, None] * u).norm(dim=1), (u @ matrix - s[:, None] * v).norm(dim=1)
    assert torch.allclose(found.residuals, torch.maximum(there, back), atol=1e-12)
    assert bool((found.residuals <= tol * s[0]).all())
    assert found.complete
    assert bool(found.converged.all())
    # The subspaces up to every gap agree: the part of v outside of the true one is small.
    for i in range(1, k + 1):
        gap = float(values[i - 1] - values[i]) if i < len(values) else float(values[i - 1])
        if gap > 100 * tol * float(values[0]):
            outside = v[:i] - v[:i] @ right[:i].T @ right[:i]
            assert float(torch.linalg.matrix_norm(outside, 2)) <= 2 * tol * float(values[0]) / gap * i**0.5
            outside = u[:i] - u[:i] @ left[:, :i] @ left[:, :i].T
            assert float(torch.linalg.matrix_norm(outside, 2)) <= 2 * tol * float(values[0]) / gap * i**0.5


@pytest.mark.parametrize("name", [*NETWORKS, "upscaler"])
def test_networks_agree_with_the_dense_decomposition(name):
    size = 8 if name == "upscaler" else 12
    it = ls.interpret({**NETWORKS, "upscaler": upscaler}[name](), image(size=size))
    check(ls.svd(it, 4, tol=1e-9), dense_of(it), 4, 1e-9)


def test_every_singular_value_of_a_network():
    it = ls.interpret(upscaler(), image(size=5))
    count = min(it.shape)
    check(ls.svd(it, count, tol=1e-10), dense_of(it), count, 1e-10)


@pytest.mark.parametrize("shape", [(90, 70), (70, 90), (1, 40), (40, 1), (3, 200), (200, 3), (30, 30)])
@pytest.mark.parametrize("block", [1, 3])
def test_wide_and_tall(shape, block):
    matrix = with_values(VALUES[: min(shape)], *shape)
    k = min(6, *shape)
    check(ls.svd(Dense(matrix), k, tol=1e-8, block=block), matrix, k, 1e-8)


@pytest.mark.parametrize("basis", [12, 20, None])
@pytest.mark.parametrize("block", [1, 2])
def test_restarts_lose_nothing(basis, block):
    matrix = with_values(VALUES, 120, 100)
    found = ls.svd(Dense(matrix), 6, tol=1e-9, basis=basis, block=block)
    check(found, matrix, 6, 1e-9)
    # 3 and 3 - 1e-9 are no cluster: with residuals of 1e-14 their vectors are known.
    assert float(found.residuals[3:5].max()) < 1e-11
    assert found.clusters == ((1, 2),)


def test_a_smaller_basis_takes_more_products():
    matrix = with_values([1.02 - 0.001 * i for i in range(20)] + [0.5 * 0.98**i for i in range(60)], 120, 100)
    wide, narrow = (ls.svd(Dense(matrix), 5, tol=1e-8, basis=basis) for basis in (90, 14))
    assert narrow.products > wide.products
    check(narrow, matrix, 5, 1e-8)


@pytest.mark.parametrize("multiplicity", [2, 3, 6])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_copy_of_a_multiple_value_is_found(multiplicity, seed):
    values = [3.0] * multiplicity + [2.0] * multiplicity + [1.9 * 0.95**i for i in range(40)]
    matrix = with_values(values, 80, 70)
    for k in (multiplicity, 2 * multiplicity - 1, 2 * multiplicity, 2 * multiplicity + 2):
        found = ls.svd(Dense(matrix), k, seed=seed)
        check(found, matrix, k, 1e-6)
        assert found.clusters[0] == tuple(range(multiplicity))


def test_equal_singular_values_everywhere():
    found = ls.svd(Dense(2 * torch.eye(40).double()), 5)
    assert torch.allclose(found.singular_values, torch.full((5,), 2.0).double())
    assert found.clusters == ((0, 1, 2, 3, 4),)


def test_a_cluster_tighter_than_the_tolerance():
    matrix = with_values([1.0 + 1e-9 * i for i in range(5)] + [0.6 * 0.97**i for i in range(60)], 120, 100)
    found = ls.svd(Dense(matrix), 5, tol=1e-6)
    check(found, matrix, 5, 1e-6)
    assert found.clusters == ((0, 1, 2, 3, 4),)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_rank_deficient(rank):
    matrix = with_values([4.0, 3.0, 3.0, 2.0, 1.0][:rank], 60, 50)
    check(ls.svd(Dense(matrix), rank), matrix, rank, 1e-6)
    for dtype in (torch.float64, torch.float32):
        with pytest.raises(ls.InputError, match=rf"rank {rank} .* {rank + 1} singular values .* at most {rank}"):
            ls.svd(Dense(matrix, dtype), rank + 1)


@pytest.mark.parametrize("method", ["gkl", "algorithm1"])
def test_zero(method):
    with pytest.raises(ls.InputError, match="zero"):
        ls.svd(Dense(torch.zeros(9, 7)), 1, method=method)


@pytest.mark.parametrize("scale", [1e-20, 1e12])
def test_the_scale_of_the_matrix_does_not_matter(scale):
    matrix = scale * with_values(VALUES, 80, 70)
    found = ls.svd(Dense(matrix), 4)
    assert torch.allclose(found.singular_values, torch.linalg.svdvals(matrix)[:4], rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_methods_agree(method):
    matrix = with_values([5.0, 4.0, 3.0, 2.0, *(1.0 * 0.9**i for i in range(20))], 70, 60)
    found = ls.svd(Dense(matrix), 3, tol=1e-7, method=method)
    check(found, matrix, 3, 1e-7)
    assert found.method == method


@pytest.mark.parametrize("method", METHODS)
def test_every_product_is_counted(method):
    operator = Dense(with_values([5.0, 4.0, 3.0, 2.0, *(1.0 * 0.9**i for i in range(20))], 70, 60))
    found = ls.svd(operator, 3, method=method)
    assert found.products == operator.products


def test_fewer_products_than_arpack():
    matrix = with_values([0.97**i for i in range(200)], 300, 200)
    ours, theirs = (ls.svd(Dense(matrix), 8, tol=1e-6, method=method) for method in ("gkl", "arpack"))
    assert ours.products < theirs.products


@pytest.mark.parametrize("method", METHODS)
def test_the_sign_is_that_of_the_largest_entry_of_u(method):
    found = ls.svd(Dense(with_values([5.0, 4.0, 3.0, 2.0, 1.0], 70, 60)), 3, method=method)
    largest = found.eigen_outputs.abs().argmax(1, keepdim=True)
    assert bool((found.eigen_outputs.gather(1, largest) > 0).all())


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_the_same_again(method):
    matrix = with_values([5.0, 4.0, 3.0, 2.0, 1.0], 70, 60)
    one, two, other = (ls.svd(Dense(matrix), 3, method=method, seed=seed) for seed in (4, 4, 5))
    assert torch.equal(one.singular_values, two.singular_values)
    assert torch.equal(one.eigen_inputs, two.eigen_inputs)
    assert one.products == two.products
    assert not torch.equal(one.eigen_inputs, other.eigen_inputs)
    assert torch.allclose(one.eigen_inputs, other.eigen_inputs, atol=1e-4)


def test_float32_is_as_good_as_its_products():
    matrix = with_values([0.9**i for i in range(60)], 90, 80)
    found = ls.svd(Dense(matrix, torch.float32), 5, tol=1e-6)
    assert found.complete
    assert found.eigen_inputs.dtype == torch.float32
    assert torch.allclose(found.singular_values, torch.linalg.svdvals(matrix)[:5], atol=1e-6)


def test_a_tolerance_below_the_rounding_is_refused_with_what_was_reached():
    operator = Dense(with_values([0.9**i for i in range(60)], 90, 80), torch.float32)
    with pytest.warns(ls.LinearscopeWarning, match=r"float32.*float64"):
        found = ls.svd(operator, 5, tol=1e-12)
    assert not found.complete
    assert not bool(found.converged.any())
    assert float(found.residuals.max()) < 1e-6
    assert found.products < 200


@pytest.mark.parametrize("method", ["gkl", "algorithm1"])
def test_products_run_out(method):
    operator = Dense(with_values([0.99**i for i in range(200)], 300, 200))
    with pytest.warns(ls.LinearscopeWarning, match="products"):
        found = ls.svd(operator, 5, max_products=60, method=method)
    assert found.products <= 60
    assert not found.complete
    assert found.converged.sum() < 5


def test_watching_and_stopping():
    matrix = with_values([0.97**i for i in range(200)], 300, 200)
    seen = []

    def watch(step):
        seen.append(step)
        return step.converged >= 3

    found = ls.svd(Dense(matrix), 8, watch=watch)
    assert 3 <= len(found.singular_values) < 8
    assert not found.complete
    assert bool(found.converged.all())
    assert torch.allclose(found.singular_values, torch.linalg.svdvals(matrix)[: len(found.singular_values)], atol=1e-9)
    assert [step.products for step in seen] == sorted({step.products for step in seen})
    assert seen[-1].wanted == 8


@pytest.mark.parametrize("after", [1, 2, 30, 61, 90])
@pytest.mark.parametrize("method", ["gkl", "algorithm1"])
def test_interrupted_with_what_has_converged(after, method):
    class Interrupted(Dense):
        def matvec(self, v):
            if self.products >= after:
                raise KeyboardInterrupt
            return super().matvec(v)

    matrix = with_values([2.0**-i for i in range(8)] + [0.005 * 0.97**i for i in range(90)], 120, 100)
    with pytest.raises(KeyboardInterrupt) as caught:
        ls.svd(Interrupted(matrix), 20, method=method, basis=None if method == "algorithm1" else 30)
    assert isinstance(caught.value, ls.SVDInterrupted)
    found = caught.value.found
    assert not found.complete
    assert bool(found.converged.all())
    v, u, s = found.eigen_inputs, found.eigen_outputs, found.singular_values
    assert torch.allclose(s, torch.linalg.svdvals(matrix)[: len(s)], atol=1e-8)
    assert len(s) == 0 or float((v @ matrix.T - s[:, None] * u).norm(dim=1).max()) <= 1e-6 * float(s[0])
    if after >= 30 and method == "gkl":
        assert len(s) > 0


def test_bicubic_has_the_values_of_its_kernels():
    """With circular borders F is one circular convolution a phase: diagonal in frequency."""
    size, scale = 8, 2
    net = Bicubic(scale, channels=1, borders="circular").double()
    impulse = torch.zeros(1, 1, size, size, dtype=torch.float64)
    impulse[0, 0, 0, 0] = 1
    phases = nn.functional.pixel_unshuffle(net(impulse), scale)[0]
    analytic = torch.fft.fft2(phases).abs().square().sum(0).sqrt().flatten().sort(descending=True).values
    it = ls.interpret(net, image(size=size, channels=1))
    found = ls.svd(it, 30, tol=1e-9)
    assert torch.allclose(found.singular_values, analytic[:30], rtol=0, atol=1e-10)
    assert (1, 2, 3, 4) in found.clusters
    assert abs(float(found.singular_values[0]) - scale) < 1e-12  # a constant image stays what it is


def test_three_channels_give_every_value_three_times():
    net = Bicubic(2, borders="circular").double()
    found = ls.svd(ls.interpret(net, image(size=6)), 9)
    assert found.clusters[0] == (0, 1, 2)
    assert torch.allclose(found.singular_values[:3], torch.full((3,), 2.0).double())


BAD = {
    "k": ({"k": 0}, "k is 0"),
    "k negative": ({"k": -3}, "k is -3"),
    "k no number": ({"k": 2.5}, "k is 2.5"),
    "k too large": ({"k": 8}, r"9 x 7 .* 7 singular values; 8"),
    "method": ({"method": "lanczos"}, "no method 'lanczos'"),
    "tol zero": ({"tol": 0}, "tol is 0"),
    "tol NaN": ({"tol": float("nan")}, "tol is nan"),
    "tol large": ({"tol": 1.0}, "tol is 1.0"),
    "block": ({"block": 0}, "block is 0"),
    "basis": ({"basis": 4}, "basis is 4"),
    "products": ({"max_products": 5}, "max_products is 5"),
    "momentum for gkl": ({"momentum": 0.1}, "'gkl' takes no momentum; it is for 'algorithm1'"),
    "as printed for gkl": ({"as_printed": True}, "takes no as_printed"),
    "block for algorithm1": ({"method": "algorithm1", "block": 2}, "takes no block"),
    "momentum": ({"method": "algorithm1", "momentum": -1.0}, "momentum is -1.0"),
    "momenta": ({"method": "algorithm1", "momentum": [0.1, 0.1, 0.1]}, "2 of them"),
    "arpack for all": ({"method": "arpack", "k": 7}, "at most 6"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_options(name):
    options, message = BAD[name]
    with pytest.raises(ls.InputError, match=message):
        ls.svd(Dense(torch.eye(9, 7)), **{"k": 2, **options})


def test_scipy_says_when_it_does_not_converge():
    matrix = with_values([1.02 - 0.0005 * i for i in range(40)] + [0.9 * 0.99**i for i in range(100)], 200, 160)
    for method in ("arpack", "propack"):
        with pytest.raises(ls.InputError, match=f"{method.upper()} did not converge"), warnings.catch_warnings():
            ls.svd(Dense(matrix), 8, method=method, max_products=60)
