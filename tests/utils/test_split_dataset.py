"""Datasets in two parts."""

import numpy as np
import pytest
from gatework.utils import split_dataset

X, Y = np.arange(10), np.arange(10) * 2


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ({"left_size": 0.8}, (8, 2)),
        ({"right_size": 3}, (7, 3)),
        ({"left_size": 0.25}, (2, 8)),
        ({"left_size": 4, "right_size": 4}, (4, 4)),
    ],
)
def test_sizes(sizes, counts):
    left, right = split_dataset((X, Y), **sizes)
    assert (len(left[0]), len(right[1])) == counts
    np.testing.assert_array_equal(left[0], X[: counts[0]])
    np.testing.assert_array_equal(right[1], Y[10 - counts[1] :])


def test_shuffled_parts_hold_every_sample_once():
    left, right = split_dataset({"x": X, "y": Y}, 0.5, shuffle=True, seed=1)
    assert sorted([*left["x"], *right["x"]]) == list(range(10))
    np.testing.assert_array_equal(left["x"] * 2, left["y"])
    again, _ = split_dataset({"x": X, "y": Y}, 0.5, shuffle=True, seed=1)
    np.testing.assert_array_equal(again["x"], left["x"])


def test_an_object_with_items():
    class Items:
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return f"item {index}"

    assert split_dataset(Items(), right_size=1) == (["item 0", "item 1", "item 2"], ["item 3"])


@pytest.mark.parametrize(
    ("dataset", "arguments", "message"),
    [
        (X, {}, "left_size or right_size must be given"),
        (X, {"left_size": 1.5}, "left_size must be in"),
        (X, {"right_size": 10}, "right_size must be in"),
        (X, {"left_size": 8, "right_size": 8}, "at most 10 together, not 8 and 8"),
        ((X, Y[:4]), {"left_size": 1}, r"arrays of one length, not \[4, 10\]"),
        (iter([1]), {"left_size": 1}, "dataset must be arrays or an object with a length"),
        (X, {"left_size": 1, "preferred_backend": "torch"}, "preferred_backend must be None"),
    ],
)
def test_what_is_refused(dataset, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        split_dataset(dataset, **arguments)
