"""pad_sequences of the reference."""

import numpy as np
import pytest
from gatework import reference

RAGGED = [[1, 2, 3], [4, 5], [], [6]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[1, 2, 3], [0, 4, 5], [0, 0, 0], [0, 0, 6]]),
        ({"padding": "post"}, [[1, 2, 3], [4, 5, 0], [0, 0, 0], [6, 0, 0]]),
        ({"maxlen": 2}, [[2, 3], [4, 5], [0, 0], [0, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[1, 2], [4, 5], [0, 0], [0, 6]]),
        ({"maxlen": 4, "value": -1}, [[-1, 1, 2, 3], [-1, -1, 4, 5], [-1] * 4, [-1, -1, -1, 6]]),
    ],
)
def test_sides(options: dict[str, object], expected: list[list[int]]) -> None:
    padded = reference.pad_sequences(RAGGED, **options)  # type: ignore[arg-type]
    assert padded.dtype == np.int32
    np.testing.assert_array_equal(padded, expected)


def test_sequences_of_vectors() -> None:
    padded = reference.pad_sequences([[[1.0, 2.0]], [], [[3.0, 4.0], [5.0, 6.0]]], dtype="float32")
    expected = [[[0, 0], [1, 2]], [[0, 0], [0, 0]], [[3, 4], [5, 6]]]
    np.testing.assert_array_equal(padded, expected)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"^padding must be 'pre' or 'post', not 'left'$"):
        reference.pad_sequences(RAGGED, padding="left")
    with pytest.raises(ValueError, match=r"^truncating must be 'pre' or 'post', not 'left'$"):
        reference.pad_sequences(RAGGED, truncating="left")
    with pytest.raises(ValueError, match=r"^sequences must be of \(2,\) samples, not \(3,\)$"):
        reference.pad_sequences([[[1, 2]], [[1, 2, 3]]])
