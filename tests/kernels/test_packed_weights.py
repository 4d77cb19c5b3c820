"""Weights packed once, streams of single steps, and batches so small that steps are fed ahead."""

from typing import Any

import numpy as np
import pytest
from gatework import _core

from tests.kernels.cells import CELLS
from tests.kernels.compare import assert_output, assert_solution
from tests.kernels.problems import (
    MASKS,
    Problem,
    forward_arguments,
    random_problem,
    solve_by_kernel,
    solve_by_reference,
)

pytestmark = pytest.mark.usefixtures("isa")


def packed(problem: Problem) -> _core.PackedWeights:
    p = problem
    weights = (p.kernel, p.recurrent_kernel, p.bias, p.peepholes, p.projection)
    return _core.PackedWeights(p.cell, *weights, gamma=p.gamma, beta=p.beta)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("mask", MASKS)
def test_few_rows_over_many_steps(cell: str, mask: str) -> None:
    """Up to four rows take the inputs of several steps at once; lengths end inside such a block."""
    rng = np.random.default_rng(3)
    for batch in range(1, 6):
        dropped = batch > 2
        problem = random_problem(cell, rng, batch, 37, 5, 70, mask=mask, recurrent_dropout=dropped)
        assert_solution(problem, solve_by_kernel(problem))
        y, states, _ = _core.recurrent_forward(**forward_arguments(problem), keep=False)
        expected = solve_by_reference(problem.astype(np.float64))
        assert_output(y, expected.y)
        for i, pair in enumerate(zip(states, expected.states, strict=True)):
            assert_output(*pair, f"states[{i}]")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("batch", [1, 2, 3, 9])
def test_packed_once_gives_the_same_bits(cell: str, batch: int) -> None:
    problem = random_problem(cell, 5, batch, 20, 6, 37)
    weights = packed(problem)
    assert weights.isa == _core.isa()
    for keep in (False, True):
        y = _core.recurrent_forward(**forward_arguments(problem), keep=keep)[0]
        again = _core.recurrent_forward(**forward_arguments(problem), keep=keep, packed=weights)[0]
        assert y.tobytes() == again.tobytes()


def test_weights_of_another_shape_are_refused() -> None:
    problem = random_problem("lstm", 0, 2, 3, 4, 5)
    for other in (random_problem("lstm", 0, 2, 3, 4, 6), random_problem("gru", 0, 2, 3, 4, 5)):
        with pytest.raises(ValueError, match="packed must be packed from these weights"):
            _core.recurrent_forward(**forward_arguments(problem), keep=False, packed=packed(other))


@pytest.mark.parametrize("bad", ["kernel", "recurrent_kernel", "bias"])
def test_bad_weights_are_named(bad: str) -> None:
    p = random_problem("lstm", 0, 2, 3, 4, 5)
    given = {"kernel": p.kernel, "recurrent_kernel": p.recurrent_kernel, "bias": p.bias}
    given[bad] = np.zeros((3,) * given[bad].ndim, np.float32)
    with pytest.raises(ValueError, match="must be of shape"):
        _core.PackedWeights("lstm", **given)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("batch", "zoneout"), [(1, "none"), (3, "expected")])
def test_a_stream_steps_as_the_whole_sequence(cell: str, batch: int, zoneout: Any) -> None:
    problem = random_problem(cell, 7, batch, 9, 5, 21, zoneout=zoneout)
    expected = solve_by_reference(problem.astype(np.float64)).y
    options = {"zoneout": problem.zoneout, "epsilon": problem.epsilon}
    stream = _core.RecurrentStream(packed(problem), batch, "tanh", "sigmoid", **options)
    stream.states = problem.initial_state
    half = None
    for t in range(9):
        x = np.ascontiguousarray(problem.x[:, t])
        y = stream.step(x)
        assert_output(y, expected[:, t])
        if t == 3:
            half = stream.states
    stream.states = half  # back in time
    out = np.empty_like(y)
    for t in range(4, 9):
        stream.step_into(np.ascontiguousarray(problem.x[:, t]), out)
    assert out.tobytes() == y.tobytes()
    stream.reset()
    assert not any(state.any() for state in stream.states)


def test_bad_steps_are_refused() -> None:
    problem = random_problem("gru", 7, 2, 3, 5, 4)
    stream = _core.RecurrentStream(packed(problem), 2, "tanh", "sigmoid")
    x = np.zeros((2, 5), np.float32)
    with pytest.raises(ValueError, match=r"x must be of shape \(2, 5\), not \(1, 5\)"):
        stream.step(x[:1])
    with pytest.raises(TypeError, match="x must be an array of float32"):
        stream.step(x.astype(np.float64))
    with pytest.raises(ValueError, match="out must be of shape"):
        stream.step_into(x, np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="states must be 1 arrays, not 2"):
        stream.states = (x, x)
    with pytest.raises(ValueError, match="batch must be positive, not 0"):
        _core.RecurrentStream(packed(problem), 0, "tanh", "sigmoid")
