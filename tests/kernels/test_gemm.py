"""The one matrix product, over shapes and transposes."""

import re
from typing import Any

import numpy as np
import pytest
from gatework import _core, reference
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")

SIZES = (1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100, 129)
EPSILON = float(np.finfo(np.float32).eps)


def random(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def operands(rng: np.random.Generator, m: int, n: int, k: int, ta: bool, tb: bool) -> Any:
    return random(rng, *((k, m) if ta else (m, k))), random(rng, *((n, k) if tb else (k, n)))


def assert_product(c: Any, a: Any, b: Any, ta: bool, tb: bool, added: Any = 0.0) -> None:
    """Each element within the rounding error of a chain of k additions."""
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    expected = reference.gemm(a64, b64, ta, tb) + added
    magnitude = reference.gemm(abs(a64), abs(b64), ta, tb) + abs(added)
    k = a.shape[0 if ta else 1]
    assert c.dtype == np.float32
    assert c.shape == expected.shape
    assert (abs(c - expected) <= (k + 2) * EPSILON * magnitude).all()


@pytest.mark.parametrize("ta", [False, True])
def test_every_tile(ta: bool) -> None:
    # All heights of a tile, and inner loops of four steps with none to three left over: small whole
    # numbers, so that the answer is exact.
    rng = np.random.default_rng(0)
    for m in range(1, 14):
        for k in range(13):
            a = rng.integers(-9, 10, (k, m) if ta else (m, k)).astype(np.float32)
            b = rng.integers(-9, 10, (k, 41)).astype(np.float32)
            c = _core.gemm(a, b, ta, False)
            np.testing.assert_array_equal(c, reference.gemm(a, b, ta, False))


@given(
    m=st.sampled_from(SIZES),
    n=st.sampled_from(SIZES),
    k=st.sampled_from(SIZES),
    ta=st.booleans(),
    tb=st.booleans(),
    bias=st.booleans(),
    accumulate=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_any_product(
    m: int, n: int, k: int, ta: bool, tb: bool, bias: bool, accumulate: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = operands(rng, m, n, k, ta, tb)
    row = random(rng, n) if bias and not accumulate else None
    out = random(rng, m, n) if accumulate else None
    added = np.zeros((m, n))
    if row is not None:
        added += row
    if out is not None:
        added += out
    assert_product(_core.gemm(a, b, ta, tb, row, out, accumulate), a, b, ta, tb, added)


@pytest.mark.parametrize(
    ("m", "n", "k"), [(300, 70, 513), (1, 1000, 300), (1000, 1, 64), (7, 5, 3000), (260, 260, 260)]
)
@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_large_products(m: int, n: int, k: int, ta: bool, tb: bool) -> None:
    a, b = operands(np.random.default_rng(0), m, n, k, ta, tb)
    _core.set_num_threads(1)
    c = _core.gemm(a, b, ta, tb)
    assert_product(c, a, b, ta, tb)
    for threads in (2, 3, 2):
        _core.set_num_threads(threads)
        assert _core.gemm(a, b, ta, tb).tobytes() == c.tobytes()


def test_operands_of_any_strides() -> None:
    rng = np.random.default_rng(5)
    a, b, c = random(rng, 40, 60), random(rng, 80, 90), random(rng, 40, 100)
    windows = np.lib.stride_tricks.as_strided(a, (20, 30), (2 * 4, 4))  # rows that overlap
    for left, right in (
        (a[::2, :30], b[3:33, ::3]),
        (a[::-2, 7:37], b[60:30:-1, ::-2]),
        (a.T[5:25, :30], b[:30]),
        (a[:, ::2][:, :1], b[:1]),
        (a.T[:20, :30], b.T[:30, :40]),
        (windows, b[::-1][:30]),
        (np.broadcast_to(a[:1, :30], (20, 30)), b[:30]),
    ):
        out = c[: len(left), 7 : 7 + right.shape[1]]
        before, around = out.copy(), c.copy()
        assert_product(_core.gemm(left, right), left, right, False, False)
        _core.gemm(left, right, out=out, accumulate=True)
        assert_product(out, left, right, False, False, before)
        around[: len(left), 7 : 7 + right.shape[1]] = out
        np.testing.assert_array_equal(c, around)  # nothing beside it was touched
    for wrong in (c[:30, ::2], np.broadcast_to(c[:1, :40], (30, 40)), c.T[:30, :30]):
        with pytest.raises(ValueError, match=r"^out must be (of rows that lie in one|writable)"):
            _core.gemm(a[:30, :30], b[:30, : wrong.shape[1]], out=wrong)
    with pytest.raises(ValueError, match=r"^a must be of rows or columns that lie in one piece"):
        _core.gemm(a[::2, ::2], b[:30])


def test_out_is_written_and_returned() -> None:
    a, b = operands(np.random.default_rng(1), 3, 4, 5, False, False)
    out = np.full((3, 4), np.nan, np.float32)
    assert np.shares_memory(_core.gemm(a, b, out=out), out)
    assert_product(out, a, b, False, False)


@pytest.mark.parametrize(("m", "n", "k"), [(0, 3, 2), (3, 0, 2), (3, 4, 0), (0, 0, 0)])
def test_empty_products(m: int, n: int, k: int) -> None:
    a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
    bias = np.arange(n, dtype=np.float32)
    np.testing.assert_array_equal(_core.gemm(a, b), a @ b)
    np.testing.assert_array_equal(_core.gemm(a, b, bias=bias), a @ b + bias)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_row_and_column(value: float) -> None:
    a, b = operands(np.random.default_rng(2), 20, 70, 33, False, False)
    clean = _core.gemm(a, b)
    a[7, 30] = value
    c = _core.gemm(a, b)
    assert not np.isfinite(c[7]).any()
    np.testing.assert_array_equal(np.delete(c, 7, axis=0), np.delete(clean, 7, axis=0))
    a[7, 30], b[32, 69] = 0.0, value
    c = _core.gemm(a, b)
    assert not np.isfinite(c[:, 69]).any()
    assert np.isfinite(c[:, :69]).all()


def test_column_sum() -> None:
    rng = np.random.default_rng(3)
    for shape in ((1, 1), (1, 40), (300, 1), (1000, 70), (0, 5), (3, 0)):
        x = random(rng, *shape)
        tolerance = max(shape[0], 1) * EPSILON * abs(x).sum(axis=0, dtype=np.float64)
        total = _core.column_sum(x)
        assert total.shape == (shape[1],)
        assert (abs(total - x.sum(axis=0, dtype=np.float64)) <= tolerance).all()
        for threads in (1, 2):
            _core.set_num_threads(threads)
            assert _core.column_sum(x).tobytes() == total.tobytes()


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("bias", [False, True])
def test_dense(activation: str, bias: bool) -> None:
    rng = np.random.default_rng(4)
    for rows, inputs, units in ((1, 1, 1), (5, 20, 33), (70, 7, 64), (0, 3, 4)):
        x, kernel = random(rng, rows, inputs), random(rng, inputs, units)
        row = random(rng, units) if bias else None
        y, pre = _core.dense_forward(x, kernel, row, activation, True)
        assert_product(
            pre, x, kernel, False, False, 0.0 if row is None else np.tile(row, (rows, 1))
        )
        assert y.tobytes() == _core.activation_forward(activation, pre).tobytes()
        y, none = _core.dense_forward(x, kernel, row, activation, False)
        assert none is None
        assert y.tobytes() == _core.activation_forward(activation, pre).tobytes()


A = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: _core.gemm(A, A), "b must be of a shape whose inner size is 3, not (2, 3)"),
        (lambda: _core.gemm(A[0], A), "a must be of shape (any, any), not (3,)"),
        (
            lambda: _core.gemm(A, A, trans_b=True, bias=A[0]),
            "bias must be of shape (2,), not (3,)",
        ),
        (
            lambda: _core.gemm(A, A, trans_b=True, out=A.copy()),
            "out must be of shape (2, 2), not (2, 3)",
        ),
        (
            lambda: _core.gemm(A, A, trans_b=True, accumulate=True),
            "out must be given when accumulate is true, not None",
        ),
        (
            lambda: _core.gemm(A, A.T.copy(), bias=A[0, :2], out=A[:, :2].copy(), accumulate=True),
            "bias must be None when accumulate is true, not an array",
        ),
        (
            lambda: _core.dense_forward(A, A, None, "linear", False),
            "kernel must be of shape (3, any), not (2, 3)",
        ),
    ],
)
def test_bad_arguments(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(sentence) + "$"):
        call()


def test_read_only_out_is_refused() -> None:
    out = np.zeros((2, 2), np.float32)
    out.flags.writeable = False
    with pytest.raises(ValueError, match=r"^out must be writable"):
        _core.gemm(A, A, trans_b=True, out=out)
    assert not out.any()
