"""Padding and cutting sequences of unequal length."""

import numpy as np
import pytest
from gatework.preprocessing.sequence import pad_sequences

SEQUENCES = [[1, 2, 3], [4, 5], [6]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[1, 2, 3], [0, 4, 5], [0, 0, 6]]),
        ({"maxlen": 2}, [[2, 3], [4, 5], [0, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[1, 2], [4, 5], [0, 6]]),
        ({"maxlen": 4, "padding": "post"}, [[1, 2, 3, 0], [4, 5, 0, 0], [6, 0, 0, 0]]),
        ({"value": -1}, [[1, 2, 3], [-1, 4, 5], [-1, -1, 6]]),
        ({"dtype": "float32", "value": 0.5}, [[1, 2, 3], [0.5, 4, 5], [0.5, 0.5, 6]]),
        ({"dtype": "int8"}, [[1, 2, 3], [0, 4, 5], [0, 0, 6]]),
    ],
)
def test_numbers(options, expected):
    found = pad_sequences(SEQUENCES, **options)
    assert found.dtype == options.get("dtype", "int32")
    np.testing.assert_array_equal(found, expected)


def test_any_kind_of_sequence():
    mixed = [np.array([1, 2, 3]), (4, 5), np.array([6.0], np.float32)]
    np.testing.assert_array_equal(pad_sequences(mixed), pad_sequences(SEQUENCES))
    np.testing.assert_array_equal(pad_sequences(np.eye(2)), [[1, 0], [0, 1]])


@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_integers_of_any_number_of_digits(dtype):
    # CPython keeps them in digits of 30 bits; those of one digit are read without a call.
    class Own(int):
        pass

    edges = [x for bits in (30, 31, 60, 62) for x in (2**bits - 1, 2**bits, 2**bits + 1)]
    values = [0, 1, 255, 256, *edges, 2**63 - 1]
    values += [-x for x in values] + [-(2**63)]
    np.testing.assert_array_equal(pad_sequences([values], dtype=dtype), np.array([values], dtype))
    odd = [True, False, Own(5), Own(-(2**40)), np.int16(-3), np.uint64(7)]
    np.testing.assert_array_equal(pad_sequences([odd], dtype=dtype), [[1, 0, 5, -(2**40), -3, 7]])


def test_vectors():
    found = pad_sequences([np.ones((2, 3)), np.full((1, 3), 2.0)], dtype="float32")
    assert found.shape == (2, 2, 3)
    np.testing.assert_array_equal(found[1], [[0, 0, 0], [2, 2, 2]])
    with pytest.raises(ValueError, match="samples of one shape"):
        pad_sequences([np.ones((2, 3)), np.ones((1, 2))])


def test_strings():
    found = pad_sequences([["a"], ["b", "c"]], dtype=object, value="")
    assert found.tolist() == [["", "a"], ["b", "c"]]
    with pytest.raises(ValueError, match="value must be a number"):
        pad_sequences([[1]], value="x")


def test_edges():
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences([], maxlen=3).shape == (0, 3)
    assert pad_sequences([[1], []], maxlen=0).shape == (2, 0)
    np.testing.assert_array_equal(pad_sequences([[1, 2], []]), [[1, 2], [0, 0]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequences": 5}, "sequences must be a list of sequences"),
        ({"sequences": [[1], 2]}, "not 2 at position 1"),
        ({"sequences": [[1], None]}, "not None at position 1"),
        ({"sequences": ["ab"]}, "not 'ab' at position 0"),
        ({"sequences": [[1]], "maxlen": -1}, "maxlen must be an integer >= 0"),
        ({"sequences": [[1]], "maxlen": 1.5}, "maxlen must be an integer >= 0"),
        ({"sequences": [[1]], "padding": "front"}, "padding must be 'pre' or 'post'"),
        ({"sequences": [[1]], "truncating": None}, "truncating must be 'pre' or 'post'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(**arguments)


@pytest.mark.parametrize("sequences", [[["a"]], [[2**40]], [[1], [[2]]], [[None]]])
def test_what_does_not_fit_is_refused(sequences):
    with pytest.raises((ValueError, TypeError, OverflowError)):
        pad_sequences(sequences)
