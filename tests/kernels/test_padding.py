"""The pad_sequences kernel against the reference."""

from typing import Any

import numpy as np
import pytest
from gatework import _core, reference
from hypothesis import given
from hypothesis import strategies as st


def as_lists(values: list[int]) -> Any:
    return values


def as_tuples(values: list[int]) -> Any:
    return tuple(values)


def as_narrow(values: list[int]) -> Any:
    return np.array(values, np.int16)


def as_floats(values: list[int]) -> Any:
    return np.array(values, np.float64)


def as_strided(values: list[int]) -> Any:
    return np.repeat(np.array(values, np.int64), 2)[::2]


@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.integers(-1000, 1000), max_size=9),
            st.sampled_from([as_lists, as_tuples, as_narrow, as_floats, as_strided]),
        ),
        min_size=1,
        max_size=8,
    ),
    maxlen=st.one_of(st.none(), st.integers(0, 12)),
    dtype=st.sampled_from(["int32", "int64", "float32", "float64"]),
    padding=st.sampled_from(["pre", "post"]),
    truncating=st.sampled_from(["pre", "post"]),
    value=st.sampled_from([0, 0.0, -1, 7]),
)
def test_ragged_rows_of_any_kind(rows: Any, maxlen: int | None, **options: Any) -> None:
    sequences = [kind(values) for values, kind in rows]
    arguments = tuple(options[k] for k in ("dtype", "padding", "truncating", "value"))
    actual = _core.pad_sequences(sequences, maxlen, *arguments)
    expected = reference.pad_sequences(sequences, maxlen, *arguments)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    np.testing.assert_array_equal(actual, expected)


def test_the_example_of_the_tutorial() -> None:
    padded = _core.pad_sequences([[1, 2, 3], [4, 5], [6]], 3, "int32", "pre", "pre", 0)
    assert padded.tolist() == [[1, 2, 3], [0, 4, 5], [0, 0, 6]]
    assert padded.dtype == np.int32


@pytest.mark.parametrize(("padding", "truncating"), [("left", "pre"), ("pre", "left")])
def test_sides_are_checked(padding: str, truncating: str) -> None:
    with pytest.raises(
        ValueError, match=r"^(padding|truncating) must be 'pre' or 'post', not 'left'$"
    ):
        _core.pad_sequences([[1]], None, "int32", padding, truncating, 0)


@pytest.mark.parametrize("sequences", [[1, 2], [[1], None], [["a"]], [[[1]], [[1, 2]]], 3])
def test_what_is_no_sequence_is_refused(sequences: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        _core.pad_sequences(sequences, None, "int32", "pre", "pre", 0)


def test_integers_beyond_the_type_are_refused() -> None:
    with pytest.raises((ValueError, OverflowError)):
        _core.pad_sequences([[1, 2**40]], None, "int32", "pre", "pre", 0)
