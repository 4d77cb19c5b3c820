"""Products whose operands are rounded to bfloat16, and that nothing else is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gatework import _core, reference
from gatework.reference import round_bfloat16
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.cells import CELLS
from tests.kernels.compare import assert_gradient, assert_output, assert_same_bits
from tests.kernels.problems import (
    Problem,
    Solution,
    forward_arguments,
    random_problem,
    solve_by_kernel,
    solve_by_reference,
)

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")

# Half a unit in the last of 8 places, with room for how it grows over the steps of a test.
ROUNDING = 2.0**-9
OVER_STEPS = 8 * ROUNDING


def solve(problem: Problem, **options: Any) -> Solution:
    return solve_by_kernel(problem, bf16=True, **options)


def test_rounding_is_to_nearest_and_to_even() -> None:
    ulp = 2.0**-7
    x = np.float32([1 + 0.49 * ulp, 1 + 0.5 * ulp, 1 + 1.5 * ulp, -1 - 0.51 * ulp, np.inf, np.nan])
    rounded = round_bfloat16(x)
    np.testing.assert_array_equal(rounded, [1, 1, 1 + 2 * ulp, -1 - ulp, np.inf, np.nan])


@given(
    m=st.integers(1, 130),
    n=st.integers(1, 150),
    k=st.integers(1, 70),
    trans_a=st.booleans(),
    trans_b=st.booleans(),
    seed=st.integers(0, 99),
)
def test_product_is_that_of_rounded_operands(
    m: int, n: int, k: int, trans_a: bool, trans_b: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((k, m) if trans_a else (m, k)).astype(np.float32)
    b = rng.standard_normal((n, k) if trans_b else (k, n)).astype(np.float32)
    bias = rng.standard_normal(n).astype(np.float32)
    found = _core.gemm(a, b, trans_a=trans_a, trans_b=trans_b, bias=bias, bf16=True)
    exact_a, exact_b = (round_bfloat16(x).astype(np.float64) for x in (a, b))
    expected = reference.gemm(
        exact_a.T if trans_a else exact_a, exact_b.T if trans_b else exact_b, bias=bias
    )
    terms = np.abs(exact_a.T if trans_a else exact_a) @ np.abs(exact_b.T if trans_b else exact_b)
    assert (np.abs(found - expected) <= 1e-6 * (terms + np.abs(bias))).all()


def test_deep_product_in_passes_accumulates() -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((100, 1301)).astype(np.float32)
    b = rng.standard_normal((1301, 77)).astype(np.float32)
    out = np.ones((100, 77), np.float32)
    _core.gemm(a, b, out=out, accumulate=True, bf16=True)
    expected = 1 + round_bfloat16(a).astype(np.float64) @ round_bfloat16(b).astype(np.float64)
    np.testing.assert_allclose(out, expected, atol=1e-4)


def test_nan_and_infinity_stay_what_they_are() -> None:
    a = np.float32([[np.nan, 1.0], [np.inf, 1.0], [1.0, 1.0]])
    found = _core.gemm(a, np.ones((2, 3), np.float32), bf16=True)
    np.testing.assert_array_equal(found, np.repeat([[np.nan], [np.inf], [2.0]], 3, axis=1))


@pytest.mark.parametrize("cell", CELLS)
def test_a_step_of_rounded_operands_is_the_step_in_float32(cell: str) -> None:
    """Nothing but operands is rounded: of operands that are bfloat16 already, nothing changes."""
    problem = random_problem(cell, np.random.default_rng(1), 9, 1, 33, 40)
    assert problem.initial_state is not None
    rounded = replace(
        problem,
        x=round_bfloat16(problem.x),
        kernel=round_bfloat16(problem.kernel),
        recurrent_kernel=round_bfloat16(problem.recurrent_kernel),
        initial_state=(round_bfloat16(problem.initial_state[0]), *problem.initial_state[1:]),
        recurrent_dropout_mask=None,
        dropout_mask=None,
    )
    exact = solve_by_kernel(rounded)
    y, states, _ = _core.recurrent_forward(**forward_arguments(rounded), keep=False, bf16=True)
    if cell == "gru_v1":  # its second product reads r⊙h, which is rounded
        np.testing.assert_allclose(y, exact.y, atol=4 * ROUNDING)
    else:
        assert_output(y, exact.y)
        for pair in zip(states, exact.states, strict=True):
            assert_output(*pair)


@pytest.mark.parametrize("mask", ["none", "post", "holes"])
@pytest.mark.parametrize("dims", [(1, 7, 5, 3), (3, 9, 8, 19), (50, 6, 21, 40), (20, 5, 300, 150)])
@pytest.mark.parametrize("cell", CELLS)
def test_near_the_reference(cell: str, dims: tuple[int, int, int, int], mask: str) -> None:
    problem = random_problem(cell, np.random.default_rng(2), *dims, mask=mask)
    found, expected = solve(problem), solve_by_reference(problem.astype(np.float64))
    error, norm = np.linalg.norm(found.y - expected.y), np.linalg.norm(expected.y)
    assert error <= OVER_STEPS * norm
    for name, gradient in expected.gradients.items():
        error = np.linalg.norm(found.gradients[name] - gradient)
        assert error <= 4 * OVER_STEPS * np.linalg.norm(gradient), name


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dims", [(1, 9, 30, 136), (40, 8, 70, 130)])
def test_same_bits_for_threads_and_for_weights_packed_before(
    cell: str, dims: tuple[int, int, int, int]
) -> None:
    problem = random_problem(cell, np.random.default_rng(3), *dims, mask="post")
    _core.set_num_threads(1)
    expected = solve(problem)
    p = problem
    weights = (p.kernel, p.recurrent_kernel, p.bias, p.peepholes, p.projection)
    packed = _core.PackedWeights(p.cell, *weights, bf16=True, gamma=p.gamma, beta=p.beta)
    for threads in (1, 2, 3):
        _core.set_num_threads(threads)
        assert_same_bits(solve(problem), expected)
        assert_same_bits(solve(problem, packed=packed), expected)


def test_weights_packed_otherwise_are_refused() -> None:
    problem = random_problem("lstm", 0, 2, 3, 4, 5)
    packed = _core.PackedWeights("lstm", problem.kernel, problem.recurrent_kernel, problem.bias)
    with pytest.raises(ValueError, match="packed must be packed from these weights"):
        solve(problem, packed=packed)


@pytest.mark.parametrize("cell", ["lstm", "lstm_peephole"])
def test_projection_itself_is_not_rounded(cell: str) -> None:
    problem = random_problem(cell, np.random.default_rng(4), 6, 1, 7, 20, projection=True)
    assert problem.projection is not None
    zero = replace(
        problem,
        kernel=np.zeros_like(problem.kernel),
        recurrent_kernel=np.zeros_like(problem.recurrent_kernel),
        recurrent_dropout_mask=None,
    )
    exact, found = solve_by_kernel(zero), solve(zero)
    assert_output(found.y, exact.y)
    assert_gradient(found.gradients["projection"], exact.gradients["projection"], "projection")
