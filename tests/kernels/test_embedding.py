"""Embedding kernels against the reference."""

import re
from typing import Any

import numpy as np
import pytest
from gatework import _core, reference
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.compare import assert_output

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")


@given(
    rows=st.integers(1, 50),
    columns=st.sampled_from([1, 3, 16, 17, 64, 70]),
    shape=st.lists(st.integers(0, 12), min_size=0, max_size=3).map(tuple),
    wide=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_forward_and_backward(
    rows: int, columns: int, shape: tuple[int, ...], wide: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((rows, columns)).astype(np.float32)
    ids = np.asarray(rng.integers(0, rows, shape), np.int64 if wide else np.int32)
    y = _core.embedding_forward(table, ids)
    assert y.shape == (*shape, columns)
    np.testing.assert_array_equal(y, reference.embedding_forward(table, ids))
    dy = rng.standard_normal(y.shape).astype(np.float32)
    expected = reference.embedding_backward(ids, dy.astype(np.float64), rows)
    assert_output(_core.embedding_backward(ids, dy, rows), expected, "dtable")


def test_same_bits_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 50, (40, 30))
    dy = rng.standard_normal((40, 30, 96)).astype(np.float32)
    _core.set_num_threads(1)
    expected = _core.embedding_backward(ids, dy, 50)
    for threads in (2, 3, 2):
        _core.set_num_threads(threads)
        assert _core.embedding_backward(ids, dy, 50).tobytes() == expected.tobytes()


def test_nan_stays_in_its_row() -> None:
    dy = np.ones((6, 17), np.float32)
    dy[3] = np.nan
    dtable = _core.embedding_backward(np.array([0, 1, 2, 3, 0, 1]), dy, 5)
    assert np.isnan(dtable).any(axis=1).tolist() == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("dtype", "wrong"),
    [(np.int32, wrong) for wrong in (5, -1, 2**31 - 1, -(2**31))]
    + [(np.int64, wrong) for wrong in (5, -1, 2**31, 2**32, 2**63 - 1, -(2**63))],
)
def test_ids_are_checked(dtype: type, wrong: int) -> None:
    table = np.ones((5, 3), np.float32)
    ids = np.array([[0, 4], [wrong, -7]], dtype)
    sentence = rf"^embedding ids must be in \[0, 5\), not {wrong} at position \(1, 0\)$"
    with pytest.raises(ValueError, match=sentence):
        _core.embedding_forward(table, ids)
    with pytest.raises(ValueError, match=sentence):
        _core.embedding_backward(ids, np.ones((2, 2, 3), np.float32), 5)


TABLE = np.ones((5, 3), np.float32)


@pytest.mark.parametrize(
    "ids", [np.array([1.0]), np.array([True]), np.array([1], object), np.array(["1"])]
)
def test_ids_must_be_integers(ids: Any) -> None:
    with pytest.raises(TypeError, match=r"^embedding ids must be an array of int64, not one of "):
        _core.embedding_forward(TABLE, ids)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: _core.embedding_forward(TABLE[0], np.array([0])),
            "table must be of shape (any, any), not (3,)",
        ),
        (
            lambda: _core.embedding_backward(np.array([0, 1]), TABLE, 5),
            "dy must be of shape (2, any), not (5, 3)",
        ),
    ],
)
def test_bad_arguments(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(sentence) + "$"):
        call()
