"""Algorithm 1 as it is printed, and made right."""

from math import sqrt

import pytest
import torch

import linearscope as ls
from linearscope.analysis.svd_power import Power
from linearscope.analysis.svd_solver import Products
from tests.analysis.matrices import Dense, with_values

DIAGONAL = torch.diag(torch.tensor([2.0, 1.8, 1.0, 0.5, 0.1], dtype=torch.float64))


def printed(matrix, v, m, steps):
    """Algorithm 1, once more and without deflation."""
    previous = torch.zeros_like(v)
    for _ in range(steps):
        following = matrix.T @ (matrix @ v) - m * previous
        square = v @ following
        previous, v = v / following.norm(), following / following.norm()
    return float(square.sqrt()), v


@pytest.mark.filterwarnings("ignore::linearscope.LinearscopeWarning")
@pytest.mark.parametrize("m", [0.5, 1.8**4 / 4, 3.9])
def test_as_printed_sigma_is_too_small(m):
    """At convergence line 5 gives (s^2 + sqrt(s^4 - 4 m)) / 2, with the momentum left in."""
    found = ls.svd(Dense(DIAGONAL), 1, method="algorithm1", as_printed=True, momentum=m, steps=4000, max_products=9000)
    expected = sqrt((4 + sqrt(16 - 4 * m)) / 2)
    assert expected < 1.97
    assert abs(float(found.singular_values[0]) - expected) < 1e-9
    assert abs(abs(float(found.eigen_inputs[0, 0])) - 1) < 1e-9  # the vectors are right
    assert not found.complete
    assert float(found.residuals[0]) > 0.03  # and the residual shows that the value is not


@pytest.mark.filterwarnings("ignore::linearscope.LinearscopeWarning")
def test_as_printed_step_by_step():
    matrix = with_values([3.0, 2.5, 2.0, 1.0, 0.5], 12, 9)
    start = Products(Dense(matrix)).random(1, torch.Generator().manual_seed(7))[0]
    for m, steps in ((0.0, 5), (1.5, 20)):
        value, v = printed(matrix, start, m, steps)
        found = ls.svd(Dense(matrix), 1, method="algorithm1", as_printed=True, momentum=m, steps=steps, seed=7)
        assert abs(float(found.singular_values[0]) - value) < 1e-12
        assert min(float((found.eigen_inputs[0] - sign * v).norm()) for sign in (-1, 1)) < 1e-12
        assert found.products == 2 * steps + 2


def test_as_printed_momentum_is_zero():
    """Line 1 sets m to 0: the plain power method with deflation, which converges where gaps are wide."""
    matrix = with_values([8.0, 4.0, 2.0, 1.0, 0.5], 12, 9)
    found = ls.svd(Dense(matrix), 3, method="algorithm1", as_printed=True, steps=60)
    assert torch.allclose(found.singular_values, torch.tensor([8.0, 4.0, 2.0]).double(), atol=1e-9)
    assert found.complete


def test_made_right_the_value_is_right_with_any_momentum():
    for momentum in (None, 0.0, 1.0, 1.8**4 / 4):
        found = ls.svd(Dense(DIAGONAL), 1, method="algorithm1", momentum=momentum, tol=1e-8)
        assert abs(float(found.singular_values[0]) - 2) < 1e-9
        assert found.complete


def test_the_momentum_that_is_found_is_nearly_the_best():
    """Products with no momentum, with the one found on the way, and with m = s_2^4 / 4."""
    values = [1.0, *(0.97 - 0.01 * i for i in range(40))]
    matrix = with_values(values, 60, 50)
    plain, found, best = (
        ls.svd(Dense(matrix), 1, method="algorithm1", momentum=m, tol=1e-8, max_products=4000).products
        for m in (0.0, None, 0.97**4 / 4)
    )
    assert best < 0.4 * plain
    assert found < 0.65 * plain


def test_deflation_keeps_inputs_orthogonal():
    matrix = with_values([1.0 * 0.8**i for i in range(12)], 60, 50)
    found = ls.svd(Dense(matrix), 6, method="algorithm1", tol=1e-5)
    v = found.eigen_inputs
    assert torch.allclose(v @ v.T, torch.eye(6, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(found.singular_values, torch.linalg.svdvals(matrix)[:6], atol=1e-8)


def test_steps_end_a_triplet_that_does_not_converge():
    solver = Power(Products(Dense(with_values([1.0, 0.999], 20, 10))), 1, 1e-12, 0, [0.0], 7)
    list(solver.steps())
    assert solver.products.count == 14
    assert float(solver.found().residuals[0]) > 1e-12
