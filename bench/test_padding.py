"""pad_sequences over lists and over arrays."""

import numpy as np
import pytest
from gatework import reference
from gatework.preprocessing.sequence import pad_sequences

from bench.conftest import Measure
from bench.workloads import PADDING

RIVALS = {"gatework": pad_sequences, "NumPy": reference.pad_sequences}


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("kind", ["lists", "arrays"])
@pytest.mark.parametrize(("count", "longest", "maxlen"), PADDING)
def test_pad_sequences(
    count: int, longest: int, maxlen: int, kind: str, rival: str, measure: Measure
) -> None:
    rng = np.random.default_rng(0)
    sequences = [
        rng.integers(1, 20_000, n).astype(np.int32) for n in rng.integers(1, longest, count)
    ]
    given = [s.tolist() for s in sequences] if kind == "lists" else sequences
    group = f"pad_sequences {count} {kind} to {maxlen}"
    padded = measure(group, rival, lambda: RIVALS[rival](given, maxlen=maxlen))
    np.testing.assert_array_equal(padded, reference.pad_sequences(sequences, maxlen=maxlen))
