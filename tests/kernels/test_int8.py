"""Products of int8: exact in whole numbers, for every instruction set, thread count and shape."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gatework import _core
from gatework.reference import int8_product, quantize_columns, quantize_rows
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.cells import CELLS
from tests.kernels.compare import assert_output
from tests.kernels.problems import (
    Problem,
    forward_arguments,
    forward_by_reference,
    random_problem,
)

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")

# A program of one instruction that reads value 0 and writes value 1.
ONE = {"inputs": [0], "outputs": [1], "input_time": [False], "output_time": [False]}


def dense(numbers: Any, scale: Any, bias: Any = None, activation: str = "linear") -> Any:
    """A program of one dense layer."""
    weights = {"kernel": numbers, "kernel_scale": scale, "bias": bias}
    step = ("dense", "d", (0,), (1,), {**weights, "bf16": False, "activation": activation})
    return _core.Program(["floats"] * 2, [], [step], **ONE)


def product(x: Any, numbers: Any, scale: Any, bias: Any = None) -> Any:
    return dense(numbers, scale, bias).run((x,))[0]


@given(
    m=st.integers(1, 130),
    n=st.integers(1, 150),
    k=st.integers(1, 70),
    seed=st.integers(0, 99),
)
def test_whole_numbers_are_exact(m: int, n: int, k: int, seed: int) -> None:
    """Rows and columns that hold 127 have scales of one: the sums themselves come out."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-127, 128, (m, k)).astype(np.float32)
    x[np.arange(m), rng.integers(0, k, m)] = 127 * rng.choice([-1, 1], m)
    w = rng.integers(-127, 128, (k, n)).astype(np.int8)
    found = product(x, w, np.ones(n, np.float32))
    np.testing.assert_array_equal(found, x.astype(np.int64) @ w.astype(np.int64))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("k", [4, 1021, 4096])
def test_no_sum_of_the_largest_numbers_saturates(k: int, sign: int) -> None:
    x = np.full((5, k), 127, np.float32) * np.float32([1, -1, 1, -1, 1])[:, None]
    w = np.full((k, 35), 127 * sign, np.int8)
    w[:, ::2] = -127 * sign
    found = product(x, w, np.full(35, 1 / 127, np.float32))
    exact = x.astype(np.float64) @ w.astype(np.float64)
    np.testing.assert_allclose(found, exact / 127, rtol=1e-6)


@given(
    m=st.sampled_from([1, 2, 3, 4, 5, 47, 97]),
    n=st.integers(1, 70),
    k=st.sampled_from([1, 2, 3, 5, 31, 200, 513]),
    seed=st.integers(0, 99),
)
def test_product_is_that_of_the_reference(m: int, n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((m, k)).astype(np.float32) * np.float32(10.0 ** rng.integers(-9, 9))
    w = quantize_columns(rng.standard_normal((k, n)))
    bias = rng.standard_normal(n).astype(np.float32)
    expected = int8_product(x, *w, bias)
    np.testing.assert_allclose(
        product(x, *w, bias), expected, rtol=3e-6, atol=1e-6 * np.abs(expected).max()
    )


def test_zero_rows_and_columns_give_the_bias() -> None:
    x = np.random.default_rng(0).standard_normal((6, 19)).astype(np.float32)
    x[[1, 4]] = 0
    x[2] = 1e-38
    numbers, scale = quantize_columns(np.zeros((19, 9)))
    bias = np.arange(9, dtype=np.float32)
    np.testing.assert_array_equal(product(x, numbers, scale, bias), np.tile(bias, (6, 1)))
    numbers, scale = quantize_columns(np.ones((19, 9)))
    found = product(x, numbers, scale, bias)
    np.testing.assert_array_equal(found[[1, 2, 4]], np.tile(bias, (3, 1)))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 8, 36])
def test_what_is_not_finite_makes_its_row_nan_and_no_other(value: float, place: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, 37)).astype(np.float32)
    w = quantize_columns(rng.standard_normal((37, 21)))
    expected = product(x, *w)
    x[3, place] = value
    found = product(x, *w)
    assert np.isnan(found[3]).all()
    np.testing.assert_array_equal(np.delete(found, 3, 0), np.delete(expected, 3, 0))


@pytest.mark.parametrize("dims", [(1, 300, 700), (200, 65, 130)])
def test_same_bits_for_any_number_of_threads_and_rows(dims: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    m, k, n = dims
    x = rng.standard_normal((m, k)).astype(np.float32)
    w = quantize_columns(rng.standard_normal((k, n)))
    _core.set_num_threads(1)
    expected = product(x, *w)
    for threads in (2, 3):
        _core.set_num_threads(threads)
        np.testing.assert_array_equal(product(x, *w), expected)
    for row in range(0, m, 37):
        np.testing.assert_array_equal(product(x[row : row + 1], *w)[0], expected[row])


def test_instruction_sets_agree_in_the_whole_numbers() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((11, 77)).astype(np.float32)
    w = quantize_columns(rng.standard_normal((77, 33)))
    chosen = _core.isa()
    found = []
    for level in _core.isa_available():
        _core.set_isa(level)
        found.append(product(x, *w))
    _core.set_isa(chosen)
    for one in found[1:]:  # but for how a product and the scales are rounded
        np.testing.assert_allclose(one, found[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"numbers": np.full((3, 2), -128, np.int8)}, r"kernel must be in \[-127, 127\], not -128"),
        ({"scale": np.float32([1, -1])}, "kernel_scale must be finite and not negative, not -1"),
        ({"scale": np.float32([1, np.nan])}, "kernel_scale must be finite and not negative"),
        ({"scale": np.float32([1, np.inf])}, "kernel_scale must be finite and not negative"),
        ({"scale": np.ones(3, np.float32)}, r"kernel_scale must be of shape \(2,\)"),
        ({"numbers": np.zeros((0, 2), np.int8)}, "kernel must be of rows and columns"),
        ({"numbers": np.zeros((70_000, 2), np.int8)}, "kernel must be of at most 65536 rows"),
        ({"numbers": np.zeros(2, np.int8)}, "kernel must be of 2 axes"),
    ],
)
def test_what_is_no_such_matrix_is_refused(change: dict[str, Any], sentence: str) -> None:
    given = {"numbers": np.zeros((3, 2), np.int8), "scale": np.ones(2, np.float32), **change}
    with pytest.raises(ValueError, match=sentence):
        dense(**given)


def test_floats_are_no_whole_numbers() -> None:
    with pytest.raises(TypeError, match="kernel must be an array of int8"):
        dense(np.zeros((3, 2), np.float32), np.ones(2, np.float32))
    with pytest.raises(TypeError, match="kernel must be an array of float32"):
        _core.PackedWeights("lstm", np.zeros((3, 8), np.int8), np.zeros((2, 8), np.int8), None)
    with pytest.raises(TypeError, match="recurrent_kernel_scale must be a NumPy array"):
        _core.PackedWeights(
            "lstm",
            np.zeros((3, 8), np.int8),
            np.zeros((2, 8), np.int8),
            None,
            kernel_scale=np.ones(8, np.float32),
        )


def test_rows_of_a_table() -> None:
    rng = np.random.default_rng(0)
    for columns in (1, 7, 8, 33):
        table = rng.integers(-127, 128, (9, columns)).astype(np.int8)
        scale = rng.random(9, np.float32)
        step = ("embedding", "e", (0,), (1,), {"table": table, "table_scale": scale})
        program = _core.Program(["ids", "floats"], [], [step], **ONE)
        ids = np.array([[0, 8], [3, 3]])
        found = program.run((ids,))[0]
        np.testing.assert_array_equal(found, (table * scale[:, None])[ids])


def recurrent(problem: Problem, numbers: bool = True) -> tuple[Any, ...]:
    """What a program makes of a problem, its kernels as int8 or as floats."""
    p = problem
    states = CELLS[p.cell].states
    weights = [p.kernel, p.recurrent_kernel]
    scales = {}
    if numbers:
        (w, w_scale), (u, u_scale) = map(quantize_columns, weights)
        weights, scales = [w, u], {"kernel_scale": w_scale, "recurrent_scale": u_scale}
    others = {"gamma": p.gamma, "beta": p.beta, **scales}
    packed = _core.PackedWeights(p.cell, *weights, p.bias, p.peepholes, p.projection, **others)
    args = {
        "weights": packed,
        "activation": p.activation,
        "recurrent_activation": p.recurrent_activation,
        "activation_clip": p.activation_clip,
        "cell_clip": p.cell_clip,
        "epsilon": p.epsilon,
        "zoneout": None,
        "go_backwards": p.go_backwards,
        "return_sequences": p.return_sequences,
        "zero_output_for_mask": p.zero_output_for_mask,
        "masked": p.mask is not None,
        "given_states": True,
    }
    kinds = ["floats", *(["mask"] if p.mask is not None else []), *["floats"] * states]
    inputs = [0, *([1] if p.mask is not None else []), *range(len(kinds) - states, len(kinds))]
    first = len(kinds)
    outputs = list(range(first, first + 1 + states))
    steps = [("recurrent", "r", tuple(inputs), tuple(outputs), args)]
    never = [False]
    if p.mask is not None:  # of ids that are not zero
        kinds[1] = "mask"
        kinds += ["floats"] * (1 + states) + ["ids"]
        steps.insert(0, ("nonzero", "n", (len(kinds) - 1,), (1,), {}))
        inputs[1] = len(kinds) - 1
    else:
        kinds += ["floats"] * (1 + states)
    program = _core.Program(
        kinds, [], steps, inputs, outputs, never * len(inputs), never * len(outputs)
    )
    mask = [] if p.mask is None else [p.mask.astype(np.int64)]
    assert p.initial_state is not None
    return tuple(program.run((p.x, *mask, *p.initial_state)))


def rounded(x: Any, axis: int = -1) -> Any:
    """The numbers that int8 can stand for, a scale for each row of the last axis."""
    rows = np.moveaxis(np.asarray(x), axis, -1)
    numbers, scale = quantize_rows(rows.reshape(-1, rows.shape[-1]))
    found = (numbers * scale[:, None]).reshape(rows.shape)
    return np.ascontiguousarray(np.moveaxis(found, -1, axis), np.float32)


@pytest.mark.parametrize("dims", [(1, 5, 3), (3, 8, 19), (9, 33, 40)])
@pytest.mark.parametrize(
    ("cell", "projection"),
    [(name, way) for name in CELLS for way in (False, True) if CELLS[name].projects or not way],
)
def test_a_step_of_rounded_operands_is_the_step_in_float32(
    cell: str, dims: tuple[int, int, int], projection: bool
) -> None:
    """Nothing but operands is rounded: of operands that are rounded already, nothing changes."""
    batch, inputs, units = dims
    problem = random_problem(cell, 1, batch, 1, inputs, units, projection=projection)
    assert problem.initial_state is not None
    given = replace(
        problem,
        x=rounded(problem.x),
        kernel=rounded(problem.kernel, 0),
        recurrent_kernel=rounded(problem.recurrent_kernel, 0),
        initial_state=(rounded(problem.initial_state[0]), *problem.initial_state[1:]),
    )
    expected = forward_by_reference(given.astype(np.float64))
    for found, wanted in zip(recurrent(given), (expected[0], *expected[1]), strict=True):
        if cell == "gru_v1":  # its second product reads r * h, which is rounded
            np.testing.assert_allclose(found, wanted, atol=0.02)
        else:
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("mask", ["none", "post", "holes"])
@pytest.mark.parametrize("dims", [(1, 7, 5, 3), (3, 9, 8, 19), (20, 6, 21, 40), (20, 3, 130, 70)])
@pytest.mark.parametrize("cell", CELLS)
def test_near_the_reference(cell: str, dims: tuple[int, int, int, int], mask: str) -> None:
    backwards = mask == "post"
    problem = random_problem(cell, 2, *dims, mask=mask, go_backwards=backwards)
    wanted = forward_by_reference(problem.astype(np.float64))[0]
    found = recurrent(problem)[0]
    assert np.linalg.norm(found - wanted) <= 0.03 * np.linalg.norm(wanted)
    assert_output(recurrent(problem, numbers=False)[0], wanted)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dims", [(1, 9, 30, 136), (33, 5, 70, 130), (7, 20, 270, 70)])
def test_same_bits_for_threads_and_step_by_step(cell: str, dims: tuple[int, int, int, int]) -> None:
    problem = random_problem(cell, 3, *dims)
    _core.set_num_threads(1)
    expected = recurrent(problem)
    for threads in (2, 3):
        _core.set_num_threads(threads)
        for one, two in zip(recurrent(problem), expected, strict=True):
            np.testing.assert_array_equal(one, two)
    states = problem.initial_state
    for t in range(dims[1]):
        x = np.ascontiguousarray(problem.x[:, t : t + 1])
        y, *states = recurrent(replace(problem, x=x, initial_state=tuple(states or ())))
        np.testing.assert_array_equal(y[:, 0], expected[0][:, t])


def test_a_nan_stays_in_its_row() -> None:
    problem = random_problem("gru", 4, 6, 5, 9, 20)
    expected = recurrent(problem)[0]
    x = problem.x.copy()
    x[2, 1, 3] = np.nan
    found = recurrent(replace(problem, x=x))[0]
    assert np.isnan(found[2, 1:]).all()
    np.testing.assert_array_equal(found[2, 0], expected[2, 0])
    np.testing.assert_array_equal(np.delete(found, 2, 0), np.delete(expected, 2, 0))


def test_weights_are_not_of_bfloat16_too() -> None:
    w, u, one = np.zeros((3, 12), np.int8), np.zeros((4, 12), np.int8), np.ones(12, np.float32)
    scales = {"kernel_scale": one, "recurrent_scale": one}
    with pytest.raises(ValueError, match="bf16 must be False of weights that have scales"):
        _core.PackedWeights("gru", w, u, None, bf16=True, **scales)


def test_training_does_not_take_weights_of_int8() -> None:
    problem = random_problem("lstm", 0, 2, 3, 4, 5)
    (w, w_scale), (u, u_scale) = map(quantize_columns, (problem.kernel, problem.recurrent_kernel))
    packed = _core.PackedWeights(
        "lstm", w, u, problem.bias, kernel_scale=w_scale, recurrent_scale=u_scale
    )
    with pytest.raises(ValueError, match="packed must be packed from these weights"):
        _core.recurrent_forward(**forward_arguments(problem), keep=False, packed=packed)
