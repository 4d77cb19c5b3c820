"""Recurrent kernels against the reference in float64, on every instruction set."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gatework import _core, reference
from hypothesis import given, settings

from tests.kernels.cells import CELLS
from tests.kernels.compare import assert_gradient, assert_output, assert_solution
from tests.kernels.problems import (
    CONTINUOUS,
    MASKS,
    Problem,
    forward_arguments,
    forward_by_reference,
    random_problem,
    solve_by_kernel,
    solve_by_reference,
)
from tests.kernels.strategies import UNITS, problems
from tests.reference.numeric import numeric_gradient

pytestmark = pytest.mark.usefixtures("isa")


def test_the_table_lists_every_cell() -> None:
    assert set(_core.CELLS) == set(CELLS)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("units", UNITS)
def test_shapes(cell: str, units: int) -> None:
    rng = np.random.default_rng(units)
    for batch, time, inputs in ((1, 1, 1), (1, 12, units), (2, 1, 5), (5, 3, 33), (9, 12, 7)):
        problem = random_problem(cell, rng, batch, time, inputs, units)
        assert_solution(problem, solve_by_kernel(problem))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("mask", MASKS)
def test_masks(cell: str, mask: str) -> None:
    rng = np.random.default_rng(len(mask))
    for flags in range(8):
        problem = random_problem(
            cell,
            rng,
            batch=7,
            time=6,
            inputs=5,
            units=19,
            mask=mask,
            go_backwards=bool(flags & 1),
            zero_output_for_mask=bool(flags & 2),
            return_sequences=bool(flags & 4),
            recurrent_dropout=flags >= 5,
            cell_clip=0.5 if flags % 3 == 0 else None,
            projection=flags in (1, 2, 6, 7),
            zoneout=("none", "drawn", "expected")[flags % 3],
        )
        assert_solution(problem, solve_by_kernel(problem))


@given(problem=problems())
@settings(max_examples=2 * settings.default.max_examples)
def test_any_problem(problem: Problem) -> None:
    assert_solution(problem, solve_by_kernel(problem))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_activations(cell: str, name: str) -> None:
    """Each in both roles. What is not continuous, or grows too fast, takes one step only."""
    rng = np.random.default_rng(11)
    for role in ("activation", "recurrent_activation"):
        steps = 2 if name in CONTINUOUS else 1
        problem = random_problem(cell, rng, 4, steps, 5, 19, **{role: name})
        assert_solution(problem, solve_by_kernel(problem))


@pytest.mark.parametrize("cell", CELLS)
def test_large_batch_and_long_sequence(cell: str) -> None:
    """More rows than any tile, and more steps than any block."""
    rng = np.random.default_rng(12)
    for batch, time, inputs, units in ((67, 3, 10, 40), (2, 150, 4, 9), (33, 5, 260, 20)):
        problem = random_problem(cell, rng, batch, time, inputs, units, mask="post")
        assert_solution(problem, solve_by_kernel(problem))


@pytest.mark.parametrize("zoneout", ["drawn", "expected"])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_numeric_derivatives(cell: str, zoneout: Any) -> None:
    """Without the reference's backward pass in between."""
    rng = np.random.default_rng(13)
    flags = {"dropout": True, "recurrent_dropout": True, "projection": True}
    problem = random_problem(cell, rng, 3, 4, 2, 3, mask="holes", zoneout=zoneout, **flags)
    p = problem.astype(np.float64)

    def loss() -> float:
        y, states, _ = forward_by_reference(p)
        pairs = zip((y, *states), (p.dy, *p.d_states), strict=True)
        return sum(float(np.vdot(value, gradient)) for value, gradient in pairs)

    gradients = solve_by_kernel(problem).gradients
    weights = ("x", "kernel", "recurrent_kernel", "bias")
    for name in (*weights, "peepholes", "projection", "gamma", "beta"):
        if name in gradients:
            assert_gradient(gradients[name], numeric_gradient(loss, getattr(p, name)), name)
    for i, state in enumerate(p.initial_state or ()):
        name = f"initial_state[{i}]"
        assert_gradient(gradients[name], numeric_gradient(loss, state), name)


@pytest.mark.parametrize("cell", CELLS)
class TestWhatIsAsked:
    """Results that are not asked for, and gradients that are not given."""

    def problem(self, cell: str, **flags: Any) -> Problem:
        rng = np.random.default_rng(14)
        return random_problem(cell, rng, 3, 4, 5, 17, mask="holes", **flags)

    def test_inference_gives_the_same_outputs(self, cell: str) -> None:
        problem = self.problem(cell, recurrent_dropout=True)
        y, states, saved = _core.recurrent_forward(**forward_arguments(problem), keep=False)
        assert saved is None
        expected = solve_by_reference(problem.astype(np.float64))
        assert_output(y, expected.y)
        for i, pair in enumerate(zip(states, expected.states, strict=True)):
            assert_output(*pair, f"states[{i}]")

    def test_dx_is_not_computed_unless_wanted(self, cell: str) -> None:
        problem = self.problem(cell)
        saved = _core.recurrent_forward(**forward_arguments(problem), keep=True)[2]
        dx, dkernel, *_ = _core.recurrent_backward(saved, problem.dy, problem.d_states, False)
        assert dx is None
        assert dkernel.tobytes() == solve_by_kernel(problem).gradients["kernel"].tobytes()

    @pytest.mark.parametrize("return_sequences", [False, True])
    def test_gradients_left_out_are_zero(self, cell: str, return_sequences: bool) -> None:
        problem = self.problem(cell, return_sequences=return_sequences)
        zero_dy = replace(problem, dy=np.zeros_like(problem.dy))
        no_states = tuple(np.zeros_like(d) for d in problem.d_states)
        for dy, d_states, same in (
            (None, problem.d_states, zero_dy),
            (problem.dy, (None,) * len(no_states), replace(problem, d_states=no_states)),
            (
                None,
                (None, *problem.d_states[1:]),
                replace(zero_dy, d_states=(no_states[0], *problem.d_states[1:])),
            ),
        ):
            saved = _core.recurrent_forward(**forward_arguments(problem), keep=True)[2]
            gradients = _core.recurrent_backward(saved, dy, d_states, True)
            expected = solve_by_reference(same.astype(np.float64)).gradients
            for name, gradient in zip(("x", "kernel", "recurrent_kernel"), gradients, strict=False):
                assert_gradient(gradient, expected[name], name)

    def test_empty_batch(self, cell: str) -> None:
        problem = random_problem(cell, np.random.default_rng(15), 0, 3, 2, 5)
        y, states, gradients = solve_by_kernel(problem)
        assert y.shape == (0, 3, 5)
        assert {s.shape for s in states} == {(0, 5)}
        assert gradients["x"].shape == (0, 3, 2)
        for name in ("kernel", "recurrent_kernel", "bias"):
            assert not gradients[name].any()
