"""Looking up rows of a table, and adding their gradients up."""

import numpy as np
import pytest
from gatework import _core, reference

from bench.conftest import Measure
from bench.workloads import EMBEDDING

RIVALS = {"gatework": _core, "NumPy": reference}


def word_ids(tokens: int, rows: int) -> np.ndarray:
    """Frequencies like those of words: a few ids fill half of a text."""
    ids = np.random.default_rng(0).zipf(1.2, tokens) % rows
    return ids.astype(np.int32)


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize(("tokens", "rows", "columns"), EMBEDDING)
def test_forward(tokens: int, rows: int, columns: int, rival: str, measure: Measure) -> None:
    table = np.random.default_rng(1).standard_normal((rows, columns), np.float32)
    ids = word_ids(tokens, rows)
    group = f"embedding forward {tokens} of {rows}x{columns}"
    call = RIVALS[rival].embedding_forward
    y = measure(group, rival, lambda: call(table, ids), bytes_moved=8.0 * tokens * columns)
    np.testing.assert_array_equal(y, table[ids])


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize(("tokens", "rows", "columns"), EMBEDDING)
def test_backward(tokens: int, rows: int, columns: int, rival: str, measure: Measure) -> None:
    dy = np.random.default_rng(1).standard_normal((tokens, columns), np.float32)
    ids = word_ids(tokens, rows)
    group = f"embedding backward {tokens} of {rows}x{columns}"
    call = RIVALS[rival].embedding_backward
    dtable = measure(group, rival, lambda: call(ids, dy, rows), bytes_moved=4.0 * rows * columns)
    wanted = reference.embedding_backward(ids, dy.astype(np.float64), rows)
    np.testing.assert_allclose(dtable, wanted, rtol=1e-4, atol=1e-4)
