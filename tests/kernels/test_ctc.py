"""The CTC kernel against the reference in float64."""

from typing import Any

import numpy as np
import pytest
from gatework import _core, reference
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")


def problem(seed: int, batch: int, classes: int, scale: float) -> tuple[Any, ...]:
    """Rows with any number of labels, repeats among them, and enough frames for each."""
    rng = np.random.default_rng(seed)
    blank = int(rng.integers(0, classes))
    others = [c for c in range(classes) if c != blank]
    counts = rng.integers(0, 5, batch)
    labels = rng.choice(others, (batch, 4)) if others else np.zeros((batch, 4), np.int64)
    counts *= bool(others)
    again = (labels[:, 1:] == labels[:, :-1]) & (np.arange(1, 4) < counts[:, None])
    frames = counts + again.sum(axis=1) + rng.integers(0, 6, batch)
    time = int(frames.max(initial=1))
    logits = (scale * rng.standard_normal((batch, time, classes))).astype(np.float32)
    return logits, labels.astype(np.int64), counts.astype(np.int64), frames.astype(np.int64), blank


@given(
    seed=st.integers(0, 2**32),
    batch=st.integers(0, 5),
    classes=st.sampled_from([1, 2, 3, 17, 40]),
    scale=st.sampled_from([0.1, 1.0, 20.0]),
)
def test_loss_and_gradient(seed: int, batch: int, classes: int, scale: float) -> None:
    given_ = problem(seed, batch, classes, scale)
    loss, gradient = _core.ctc(*given_, True)
    expected, expected_gradient = reference.ctc(*given_)
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-5 * (1 + scale))
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-4, atol=2e-5)
    alone, none = _core.ctc(*given_, False)
    assert none is None
    np.testing.assert_array_equal(alone, loss)


def test_same_bits_for_any_number_of_threads() -> None:
    given_ = problem(3, 40, 17, 1.0)
    results = []
    for threads in (1, 2, 3):
        _core.set_num_threads(threads)
        loss, gradient = _core.ctc(*given_, True)
        results.append((loss.tobytes(), gradient.tobytes()))
    assert results[0] == results[1] == results[2]


def test_far_logits_and_nan_stay_in_their_row() -> None:
    logits = np.zeros((3, 4, 3), np.float32)
    logits[0, :, 1] = 1e4
    logits[1, 2, 0] = np.nan
    labels, counts, frames = np.full((3, 1), 2), np.ones(3, np.int64), np.full(3, 4)
    loss, gradient = _core.ctc(logits, labels, counts, frames, 0, True)
    np.testing.assert_allclose(loss[0], 4e4, rtol=1e-4)
    assert np.isnan(loss[1])
    assert np.isfinite(gradient[[0, 2]]).all()
    assert np.isfinite(loss[2])


LOGITS = np.zeros((2, 3, 4), np.float32)
LABELS = np.array([[1, 2], [3, 3]])
TWO, THREE = np.array([2, 2]), np.array([3, 3])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((LOGITS[0], LABELS, TWO, THREE, 0), "logits must be of shape"),
        ((LOGITS, LABELS[0], TWO, THREE, 0), "labels must be of shape"),
        ((LOGITS, LABELS, TWO, THREE, 4), r"blank must be in \[0, 4\), not 4"),
        ((LOGITS, LABELS, TWO, THREE, 3), r"not the blank 3, not 3 at position \(1, 0\)"),
        ((LOGITS, LABELS + 1, TWO, THREE, 0), r"labels must be in \[0, 4\)"),
        ((LOGITS, LABELS, TWO + 1, THREE, 0), r"label_counts must be in \[0, 3\)"),
        ((LOGITS, LABELS, TWO, THREE + 1, 0), r"frames must be in \[0, 4\)"),
        (
            (LOGITS, LABELS, TWO, THREE - 1, 0),
            "frames must be at least 3 for the 2 labels of",
        ),
    ],
)
def test_bad_arguments(arguments: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        _core.ctc(*arguments, True)
