"""The reference's cells and time loop, against numeric derivatives and scalar equations."""

import math
from typing import Any

import numpy as np
import pytest
from gatework import reference
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.cells import CELLS
from tests.kernels.problems import (
    CONTINUOUS,
    MASKS,
    Array,
    Problem,
    forward_by_reference,
    random_problem,
    solve_by_reference,
)
from tests.reference.numeric import assert_gradient

SIZES = {"batch": 2, "time": 3, "inputs": 2, "units": 2}


def assert_gradients(problem: Problem) -> None:
    """Every gradient of the problem agrees with central differences of one scalar."""
    p = problem.astype(np.float64)

    def loss() -> float:
        y, states, _ = forward_by_reference(p)
        pairs = zip((y, *states), (p.dy, *p.d_states), strict=True)
        return sum(float(np.vdot(value, gradient)) for value, gradient in pairs)

    arguments: dict[str, Any] = {
        "x": p.x,
        "kernel": p.kernel,
        "recurrent_kernel": p.recurrent_kernel,
        "bias": p.bias,
        "peepholes": p.peepholes,
        "projection": p.projection,
        "gamma": p.gamma,
        "beta": p.beta,
    }
    for i, state in enumerate(p.initial_state or ()):
        arguments[f"initial_state[{i}]"] = state
    for name, gradient in solve_by_reference(p).gradients.items():
        if name in arguments:
            assert_gradient(gradient, loss, arguments[name])


def test_every_cell_of_the_table_has_a_reference() -> None:
    assert set(reference.CELLS) == set(CELLS)
    for name, row in CELLS.items():
        cell = reference.CELLS[name]
        assert (cell.gates, cell.states, cell.bias_rows, cell.peepholes) == row[1:5]
        assert (cell.gammas, cell.betas) == (row.gammas, row.betas)
        assert cell.bias_shape(5) == row.bias_shape(5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("backwards", [False, True])
def test_gradients_under_masks(cell: str, mask: str, backwards: bool) -> None:
    rng = np.random.default_rng(1)
    for flag in (False, True):
        flags = {"dropout": flag, "recurrent_dropout": flag, "zero_output_for_mask": flag}
        assert_gradients(
            random_problem(cell, rng, **SIZES, mask=mask, go_backwards=backwards, **flags)
        )


@given(
    cell=st.sampled_from(sorted(CELLS)),
    seed=st.integers(0, 2**32),
    batch=st.integers(1, 3),
    time=st.integers(1, 4),
    inputs=st.integers(1, 3),
    units=st.integers(1, 3),
    mask=st.sampled_from(sorted(MASKS)),
    activation=st.sampled_from(CONTINUOUS),
    recurrent_activation=st.sampled_from(CONTINUOUS),
    activation_clip=st.sampled_from((None, 0.5)),
    cell_clip=st.sampled_from((None, 0.7)),
    projection=st.booleans(),
    zoneout=st.sampled_from(("none", "drawn", "expected")),
    flags=st.fixed_dictionaries(
        {
            name: st.booleans()
            for name in (
                "dropout",
                "recurrent_dropout",
                "bias",
                "initial_state",
                "go_backwards",
                "zero_output_for_mask",
                "return_sequences",
            )
        }
    ),
)
def test_gradients_of_any_problem(
    cell: str, seed: int, flags: dict[str, bool], **arguments: Any
) -> None:
    assert_gradients(random_problem(cell, np.random.default_rng(seed), **arguments, **flags))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def lstm(x: float, w: Array, u: Array, b: Array, h: float, c: float) -> tuple[float, float]:
    i, f, o = (sigmoid(x * w[k] + h * u[k] + b[k]) for k in (0, 1, 3))
    c = f * c + i * math.tanh(x * w[2] + h * u[2] + b[2])
    return o * math.tanh(c), c


def lstm_peephole(
    x: float, w: Array, u: Array, b: Array, h: float, c: float, p: Array
) -> tuple[float, float]:
    s = [x * w[k] + h * u[k] + b[k] for k in range(4)]
    i, f = sigmoid(s[0] + p[0] * c), sigmoid(s[1] + p[1] * c)
    c = min(max(f * c + i * math.tanh(s[2]), -0.2), 0.2)
    return sigmoid(s[3] + p[2] * c) * math.tanh(c), c


def gru(x: float, w: Array, u: Array, b: Array, h: float) -> tuple[float]:
    z = sigmoid(x * w[0] + b[0, 0] + h * u[0] + b[1, 0])
    r = sigmoid(x * w[1] + b[0, 1] + h * u[1] + b[1, 1])
    n = math.tanh(x * w[2] + b[0, 2] + r * (h * u[2] + b[1, 2]))
    return (z * h + (1 - z) * n,)


def gru_v1(x: float, w: Array, u: Array, b: Array, h: float) -> tuple[float]:
    z, r = (sigmoid(x * w[k] + b[k] + h * u[k]) for k in (0, 1))
    n = math.tanh(x * w[2] + b[2] + r * h * u[2])
    return (z * h + (1 - z) * n,)


def simple_rnn(x: float, w: Array, u: Array, b: Array, h: float) -> tuple[float]:
    return (math.tanh(x * w[0] + h * u[0] + b[0]),)


@pytest.mark.parametrize("cell", [lstm, lstm_peephole, gru, gru_v1, simple_rnn])
def test_one_unit_follows_the_scalar_equations(cell: Any) -> None:
    rng = np.random.default_rng(2)
    p = random_problem(cell.__name__, rng, 1, 5, 1, 1, cell_clip=0.2).astype(np.float64)
    more = () if p.peepholes is None else (p.peepholes[:, 0],)
    outputs, states, _ = forward_by_reference(p)
    assert p.initial_state is not None
    expected = tuple(float(s[0, 0]) for s in p.initial_state)
    for t in range(5):
        expected = cell(p.x[0, t, 0], p.kernel[0], p.recurrent_kernel[0], p.bias, *expected, *more)
        np.testing.assert_allclose(outputs[0, t, 0], expected[0], rtol=1e-13)
    np.testing.assert_allclose([float(s[0, 0]) for s in states], expected, rtol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
class TestMasks:
    """Metamorphic: what masks and directions must not change."""

    def problem(self, cell: str, **changes: Any) -> Problem:
        p = random_problem(cell, np.random.default_rng(3), **SIZES, **changes)
        return p.astype(np.float64)

    def test_a_masked_step_repeats_the_output_before(self, cell: str) -> None:
        p = self.problem(cell, mask="holes")
        y, states, _ = forward_by_reference(p)
        assert p.mask is not None
        assert p.initial_state is not None
        before = p.initial_state[0]
        for t in range(SIZES["time"]):
            masked = ~p.mask[:, t]
            np.testing.assert_array_equal(y[masked, t], before[masked])
            before = y[:, t]
        np.testing.assert_array_equal(states[0], y[:, -1])

    def test_masked_steps_may_put_out_zeros(self, cell: str) -> None:
        zeros = forward_by_reference(self.problem(cell, mask="holes", zero_output_for_mask=True))
        repeats = forward_by_reference(self.problem(cell, mask="holes"))
        mask = self.problem(cell, mask="holes").mask
        assert mask is not None
        np.testing.assert_array_equal(zeros[0], repeats[0] * mask[:, :, None])
        np.testing.assert_array_equal(zeros[1], repeats[1])

    def test_a_fully_masked_row_keeps_its_states(self, cell: str) -> None:
        p = self.problem(cell, mask="all masked")
        y, states, _ = forward_by_reference(p)
        assert p.initial_state is not None
        np.testing.assert_array_equal(states, p.initial_state)
        np.testing.assert_array_equal(
            y, np.repeat(p.initial_state[0][:, None], SIZES["time"], axis=1)
        )

    def test_backwards_is_the_reversed_sequence(self, cell: str) -> None:
        backwards = self.problem(cell, mask="holes", go_backwards=True)
        forwards = self.problem(cell, mask="holes")
        assert forwards.mask is not None
        forwards.x[:] = forwards.x[:, ::-1].copy()
        forwards.mask[:] = forwards.mask[:, ::-1].copy()
        y, states, _ = forward_by_reference(forwards)
        y_back, states_back, _ = forward_by_reference(backwards)
        np.testing.assert_array_equal(y, y_back)
        np.testing.assert_array_equal(states, states_back)

    def test_nan_under_the_mask_is_never_seen(self, cell: str) -> None:
        clean = self.problem(cell, mask="holes", dropout=True)
        dirty = self.problem(cell, mask="holes", dropout=True)
        assert dirty.mask is not None
        dirty.x[~dirty.mask] = np.nan
        expected, actual = solve_by_reference(clean), solve_by_reference(dirty)
        np.testing.assert_array_equal(actual.y, expected.y)
        for name, gradient in expected.gradients.items():
            np.testing.assert_array_equal(actual.gradients[name], gradient)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("cell", CELLS)
def test_any_float_type_is_kept(cell: str, dtype: type) -> None:
    p = random_problem(cell, np.random.default_rng(4), **SIZES, mask="holes", dropout=True)
    y, states, gradients = solve_by_reference(p.astype(dtype))
    assert {a.dtype for a in (y, *states, *gradients.values())} == {np.dtype(dtype)}


def test_names_are_checked() -> None:
    p = random_problem("lstm", np.random.default_rng(5), **SIZES)
    weights = (p.kernel, p.recurrent_kernel, p.bias)
    with pytest.raises(ValueError, match=r"^cell must be one of lstm, .*, not 'elman'$"):
        reference.recurrent("elman", p.x, weights)
    with pytest.raises(ValueError, match=r"^activation must be one of linear, .*, not 'tan'$"):
        reference.recurrent("lstm", p.x, weights, activation="tan")
