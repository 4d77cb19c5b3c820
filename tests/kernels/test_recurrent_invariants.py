"""What must not change a recurrent kernel's result, and what must not spread in it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gatework import _core
from hypothesis import given

from tests.kernels.cells import CELLS
from tests.kernels.compare import assert_output, assert_same_bits
from tests.kernels.problems import (
    Problem,
    Solution,
    forward_arguments,
    random_problem,
    solve_by_kernel,
    solve_by_reference,
)
from tests.kernels.strategies import problems

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")


def solve_with_threads(problem: Problem, threads: int) -> Solution:
    _core.set_num_threads(threads)
    return solve_by_kernel(problem)


def forward(problem: Problem) -> tuple[Any, tuple[Any, ...]]:
    y, states, _ = _core.recurrent_forward(**forward_arguments(problem), keep=False)
    return y, states


@given(problem=problems())
def test_same_bits_for_any_number_of_threads(problem: Problem) -> None:
    expected = solve_with_threads(problem, 1)
    for threads in (2, 3, 2):
        assert_same_bits(solve_with_threads(problem, threads), expected)


@pytest.mark.parametrize("cell", CELLS)
def test_same_bits_for_any_number_of_threads_when_large(cell: str) -> None:
    """Large enough for every product to be split."""
    rng = np.random.default_rng(1)
    problem = random_problem(cell, rng, 40, 20, 70, 130, mask="post", zoneout="drawn")
    expected = solve_with_threads(problem, 1)
    for threads in (2, 4, 2):
        assert_same_bits(solve_with_threads(problem, threads), expected)


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("mask", ["none", "holes"])
@pytest.mark.parametrize(("batch", "units"), [(1, 136), (3, 150), (8, 264)])
@pytest.mark.parametrize("cell", CELLS)
def test_same_bits_where_threads_share_the_rows(
    cell: str, batch: int, units: int, mask: str, dropout: bool
) -> None:
    """Few rows and large weights: each thread computes its part of the units of all rows."""
    rng = np.random.default_rng(4)
    flags = {"mask": mask, "recurrent_dropout": dropout, "zoneout": "drawn" if dropout else "none"}
    problem = random_problem(cell, rng, batch, 21, 30, units, **flags)
    expected = solve_with_threads(problem, 1)
    for threads in (2, 3):
        assert_same_bits(solve_with_threads(problem, threads), expected)
        assert forward(problem)[0].tobytes() == expected.y.tobytes()  # nothing kept


@pytest.mark.parametrize("cell", CELLS)
class TestMetamorphic:
    """Two ways to the same result."""

    def problem(self, cell: str, **flags: Any) -> Problem:
        return random_problem(cell, np.random.default_rng(2), 7, 8, 5, 19, **flags)

    def test_order_of_rows(self, cell: str) -> None:
        problem = self.problem(cell, mask="holes")
        assert problem.mask is not None
        assert problem.initial_state is not None
        order = np.random.default_rng(3).permutation(7)
        shuffled = replace(
            problem,
            x=problem.x[order],
            mask=problem.mask[order],
            initial_state=tuple(s[order] for s in problem.initial_state),
        )
        assert_output(forward(shuffled)[0], forward(problem)[0][order])

    def test_masked_steps_added_at_the_end(self, cell: str) -> None:
        problem = self.problem(cell)
        longer = replace(
            problem,
            x=np.concatenate([problem.x, problem.x], axis=1),
            mask=np.broadcast_to(np.arange(16) < 8, (7, 16)).copy(),
        )
        y, states = forward(longer)
        expected, expected_states = forward(problem)
        assert_output(y[:, :8], expected)
        assert_output(y[:, 8:], np.repeat(expected[:, -1:], 8, axis=1))
        for pair in zip(states, expected_states, strict=True):
            assert_output(*pair)

    def test_a_sequence_in_two_halves(self, cell: str) -> None:
        problem = self.problem(cell, mask="holes")
        assert problem.mask is not None
        first = replace(problem, x=problem.x[:, :3].copy(), mask=problem.mask[:, :3].copy())
        head, states = forward(first)
        second = replace(
            problem,
            x=problem.x[:, 3:].copy(),
            mask=problem.mask[:, 3:].copy(),
            initial_state=states,
        )
        tail, states = forward(second)
        expected, expected_states = forward(problem)
        assert_output(np.concatenate([head, tail], axis=1), expected)
        for pair in zip(states, expected_states, strict=True):
            assert_output(*pair)

    def test_backwards_is_the_reversed_sequence(self, cell: str) -> None:
        problem = self.problem(cell, mask="holes")
        assert problem.mask is not None
        reversed_ = replace(
            problem,
            x=problem.x[:, ::-1].copy(),
            mask=problem.mask[:, ::-1].copy(),
            go_backwards=True,
        )
        assert_output(forward(reversed_)[0], forward(problem)[0])

    def test_what_is_under_the_mask_does_not_matter(self, cell: str) -> None:
        problem = self.problem(cell, mask="holes", dropout=True)
        dirty = self.problem(cell, mask="holes", dropout=True)
        assert dirty.mask is not None
        dirty.x[~dirty.mask] = np.nan
        assert_same_bits(solve_by_kernel(dirty), solve_by_kernel(problem))

    def test_arguments_are_not_written(self, cell: str) -> None:
        problem = self.problem(cell, mask="holes", dropout=True, recurrent_dropout=True)
        expected = solve_by_kernel(problem)
        for name in ("x", "kernel", "recurrent_kernel", "bias", "mask", "dy"):
            getattr(problem, name).flags.writeable = False
        for state in (*problem.d_states, *(problem.initial_state or ())):
            state.flags.writeable = False
        assert_same_bits(solve_by_kernel(problem), expected)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
class TestNotFinite:
    """A NaN or an infinity shows where mathematics puts it, and nowhere else."""

    def problem(self, cell: str, value: float) -> Problem:
        problem = random_problem(cell, np.random.default_rng(4), 9, 5, 3, 19)
        problem.x[4, 2, 1] = value
        return problem

    def test_other_rows_and_earlier_steps_stay_as_they_are(self, cell: str, value: float) -> None:
        y, _ = forward(self.problem(cell, value))
        clean, _ = forward(self.problem(cell, 0.0))
        others = np.arange(9) != 4
        np.testing.assert_array_equal(y[others], clean[others])
        np.testing.assert_array_equal(y[4, :2], clean[4, :2])

    def test_the_row_is_as_in_the_reference(self, cell: str, value: float) -> None:
        problem = self.problem(cell, value)
        y, states = forward(problem)
        with np.errstate(invalid="ignore"):
            expected = solve_by_reference(problem.astype(np.float64))
        assert_output(y, expected.y)
        for pair in zip(states, expected.states, strict=True):
            assert_output(*pair)
        if np.isnan(value):
            assert np.isnan(y[4, 2:]).all()

    def test_gradients_of_other_rows_stay_finite(self, cell: str, value: float) -> None:
        gradients = solve_by_kernel(self.problem(cell, value)).gradients
        others = np.arange(9) != 4
        assert np.isfinite(gradients["x"][others]).all()
        assert np.isfinite(gradients["initial_state[0]"][others]).all()


@pytest.mark.parametrize("cell", CELLS)
def test_far_inputs_saturate(cell: str) -> None:
    problem = random_problem(cell, np.random.default_rng(5), 3, 4, 2, 17)
    far = replace(problem, x=1e4 * problem.x)
    solution = solve_by_kernel(far)
    assert_output(solution.y, solve_by_reference(far.astype(np.float64)).y)
    assert all(np.isfinite(g).all() for g in solution.gradients.values())
