"""Which jobs share a batch, and that each gets its own rows and steps back."""

from typing import Any

import numpy as np
import pytest
from gatework.serving.joining import Concatenated, Padded, joining_of

from tests.serving.models import by_ids, of_two, signal


@pytest.mark.parametrize("program", [signal(), by_ids()], ids=["signal", "ids"])
def test_jobs_of_unequal_length_share_a_batch(program: Any) -> None:
    joining = joining_of(program)
    assert isinstance(joining, Padded)
    rng = np.random.default_rng(0)
    jobs: list[Any] = []
    for rows, length in ((1, 9), (3, 8), (1, 15), (2, 12)):
        shape = (rows, length) if len(program.inputs[0].shape) == 2 else (rows, length, 3)
        floats = program.inputs[0].kind == "floats"
        one = rng.normal(size=shape) if floats else rng.integers(0, 20, shape)
        jobs.append([one.astype("float32" if floats else "int64")])
    assert len({joining.key(job) for job in jobs}) == 1
    for [found], [x] in zip(joining.run(jobs), jobs, strict=True):
        np.testing.assert_array_equal(found, program(x))
    equal = [jobs[0], jobs[0]]
    for [found], [x] in zip(joining.run(equal), equal, strict=True):
        np.testing.assert_array_equal(found, program(x))


def test_much_longer_ones_have_a_batch_of_their_own() -> None:
    joining = joining_of(signal())
    keys = [joining.key([np.zeros((1, n, 3), "float32")]) for n in (7, 8, 15, 16)]
    assert keys[0] != keys[1] == keys[2] != keys[3]


@pytest.mark.parametrize("program", [signal(bidirectional=True), of_two()], ids=["both", "two"])
def test_where_padding_would_tell_lengths_are_equal(program: Any) -> None:
    joining = joining_of(program)
    assert isinstance(joining, Concatenated)
    keys = {
        joining.key([np.zeros((1, n, 3), "float32"), np.zeros((1, 2), "float32")]) for n in (8, 9)
    }
    assert len(keys) == 2
