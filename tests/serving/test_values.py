"""JSON values become arrays of the shapes that a program reads, or a sentence says why not."""

from typing import Any

import numpy as np
import pytest
from gatework.serving.errors import BadRequest
from gatework.serving.settings import Settings
from gatework.serving.values import Reader, joined

from tests.serving.models import by_ids, of_two, signal

BOUNDS = Settings(max_rows=4, max_length=5)
SIGNAL, IDS, TWO = (Reader(make().inputs, BOUNDS) for make in (signal, by_ids, of_two))
NAME = "input_layer"


def test_rows_of_equal_length_are_one_group() -> None:
    (group,) = SIGNAL.batch([[[1, 2, 3]], [[4, 5, 6.5]]])
    assert group.rows == [0, 1]
    assert group.arrays[0].dtype == np.float32
    np.testing.assert_array_equal(group.arrays[0], [[[1, 2, 3]], [[4, 5, 6.5]]])


def test_rows_of_unequal_length_are_grouped_by_it() -> None:
    groups = IDS.batch([[1, 2], [3], [4, 5]])
    assert [group.rows for group in groups] == [[0, 2], [1]]
    np.testing.assert_array_equal(groups[0].arrays[0], [[1, 2], [4, 5]])
    structure = {"y": 0}
    results = [[np.array([[1.0], [3.0]])], [np.array([[2.0]])]]
    assert joined(groups, results, 3, structure)["y"] == [[1.0], [2.0], [3.0]]


def test_several_inputs_by_name() -> None:
    groups = TWO.batch({"facts": [[1, 2], [3, 4], [5, 6]], "words": [[1], [1, 2], [9]]})
    assert [group.rows for group in groups] == [[0, 2], [1]]
    facts, words = groups[0].arrays
    np.testing.assert_array_equal(facts, [[1, 2], [5, 6]])
    np.testing.assert_array_equal(words, [[1], [9]])


@pytest.mark.parametrize(
    ("reader", "given", "sentence"),
    [
        (SIGNAL, 1, "inputs must be a list of 1 to 4 rows, not 1"),
        (SIGNAL, [], "inputs must be a list of 1 to 4 rows, not a list of 0"),
        (SIGNAL, [[[0, 0, 0]]] * 5, "not a list of 5"),
        (SIGNAL, {"x": []}, "must be an object of 'input_layer.*', not an object of 'x'"),
        (SIGNAL, [[[1, 2]]], r"inputs must have shape \(any, any, 3\), not \(1, 1, 2\)"),
        (SIGNAL, [[1, 2, 3]], r"must have shape \(any, any, 3\), not \(1, 3\)"),
        (SIGNAL, [[[1, 2, 3], [1, 2]]], r"must hold numbers, of shape \(any, any, 3\)"),
        (SIGNAL, [[[1, 2, 3]], [[1, 2, 3], [1, 2]]], r"inputs\[1\] must hold numbers"),
        (SIGNAL, [[[1, 2, 3]], []], r"inputs\[1\] must have shape \(any, 3\), not \(0,\)"),
        (SIGNAL, [[[1, 2, "3"]]], "must hold numbers"),
        (SIGNAL, [[[1, 2, None]]], "must hold numbers"),
        (SIGNAL, [[[True, True, False]]], "must hold numbers"),
        (SIGNAL, [[[1, 2, {}]]], "must hold numbers"),
        (SIGNAL, [[[1, 2, 1e39]]], "must hold finite float32 numbers"),
        (SIGNAL, [[[1, 2, 10**400]]], "must hold numbers"),
        (SIGNAL, [[[0, 0, 0]] * 6], "sequences of 1 to 5 steps"),
        (IDS, [[1, 20]], r"inputs must hold ids in \[0, 20\), not 20"),
        (IDS, [[1, -1]], r"inputs must hold ids in \[0, 20\), not -1"),
        (IDS, [[1.0]], "must hold ids, whole numbers"),
        (IDS, [[2**63]], "must hold ids"),
        (IDS, [[1], 2], r"inputs\[1\] must have shape"),
        (TWO, [[1]], "inputs must be an object of 'facts', 'words', not a list of 1"),
        (TWO, {"facts": [[1, 2]]}, "not an object of 'facts'"),
        (TWO, {"facts": [[1, 2]], "words": [[1], [2]]}, r"inputs\['words'\] must have 1 rows"),
        (TWO, {"facts": [[1]], "words": [[1]]}, r"inputs\['facts'\] must have shape \(any, 2\)"),
    ],
)
def test_what_is_refused(reader: Reader, given: Any, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        reader.batch(given)


def test_steps_and_blocks() -> None:
    np.testing.assert_array_equal(SIGNAL.step([[1, 2, 3]], 1)[0], [[1, 2, 3]])
    assert SIGNAL.block([[[1, 2, 3]] * 4] * 2, 2)[0].shape == (2, 4, 3)
    assert IDS.step([7, 8], 2)[0].shape == (2,)
    with pytest.raises(BadRequest, match=r"step must hold the 2 row\(s\) of the stream, not 1"):
        SIGNAL.step([[1, 2, 3]], 2)
    with pytest.raises(BadRequest, match=r"step must have shape \(any, 3\)"):
        SIGNAL.step([[[1, 2, 3]]], 1)
    with pytest.raises(BadRequest, match="run must have sequences of 1 to 5 steps"):
        SIGNAL.block([[[1, 2, 3]] * 6], 1)
