"""Fused losses against the reference in float64."""

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
    samples=st.integers(0, 40),
    classes=st.sampled_from([1, 2, 3, 16, 17, 33, 100, 1000]),
    wide=st.booleans(),
    scale=st.sampled_from([0.1, 1.0, 10.0, 1000.0]),
    seed=st.integers(0, 2**32),
)
def test_softmax_cross_entropy(
    samples: int, classes: int, wide: bool, scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    logits = (scale * rng.standard_normal((samples, classes))).astype(np.float32)
    labels = rng.integers(0, classes, samples).astype(np.int64 if wide else np.int32)
    dloss = rng.standard_normal(samples).astype(np.float32)
    loss, lse = _core.softmax_cross_entropy_forward(logits, labels)
    expected, expected_lse = reference.softmax_cross_entropy_forward(
        logits.astype(np.float64), labels
    )
    assert_output(lse, expected_lse, "lse")
    # lse - logit may cancel: its error is that of the terms.
    terms = abs(expected_lse) + abs(logits).max(axis=1, initial=0)
    assert (abs(loss - expected) <= 1e-6 * (1 + terms)).all()
    dlogits = _core.softmax_cross_entropy_backward(logits, labels, lse, dloss)
    expected_gradient = reference.softmax_cross_entropy_backward(
        logits.astype(np.float64), labels, expected_lse, dloss.astype(np.float64)
    )
    tolerance = 1e-6 * (1 + terms[:, None]) * abs(dloss)[:, None]
    assert (abs(dlogits - expected_gradient) <= tolerance).all()


def test_softmax_cross_entropy_of_far_logits() -> None:
    logits = np.array([[1e4, 0, -1e4], [3e38, -3e38, 0], [-1e4] * 3], np.float32)
    loss, lse = _core.softmax_cross_entropy_forward(logits, np.array([1, 0, 2]))
    np.testing.assert_allclose(loss, [1e4, 0, np.log(3)], atol=1e-3)
    dlogits = _core.softmax_cross_entropy_backward(
        logits, np.array([1, 0, 2]), lse, np.ones(3, np.float32)
    )
    assert np.isfinite(dlogits).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_softmax_cross_entropy_keeps_a_bad_row_to_itself(value: float) -> None:
    logits = np.random.default_rng(0).standard_normal((6, 19)).astype(np.float32)
    logits[3, 5] = value
    labels = np.arange(6)
    loss, lse = _core.softmax_cross_entropy_forward(logits, labels)
    dlogits = _core.softmax_cross_entropy_backward(logits, labels, lse, np.ones(6, np.float32))
    assert np.isfinite(loss).tolist() == [True, True, True, False, True, True]
    assert np.isfinite(np.delete(dlogits, 3, axis=0)).all()
    assert not np.isfinite(dlogits[3]).all()


@pytest.mark.parametrize("wrong", [3, -1, 2**31 - 1])
def test_labels_are_checked(wrong: int) -> None:
    logits = np.zeros((3, 3), np.float32)
    for dtype in (np.int32, np.int64):
        labels = np.array([2, wrong, wrong], dtype)
        sentence = rf"^labels must be in \[0, 3\), not {wrong} at position 1$"
        with pytest.raises(ValueError, match=sentence):
            _core.softmax_cross_entropy_forward(logits, labels)
        with pytest.raises(ValueError, match=sentence):
            _core.softmax_cross_entropy_backward(logits, labels, logits[0], logits[0])


@pytest.mark.parametrize("shape", [(0,), (1,), (5,), (3, 17), (2, 3, 4), (1003,)])
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_binary_cross_entropy(shape: tuple[int, ...], scale: float) -> None:
    rng = np.random.default_rng(1)
    logits = (scale * rng.standard_normal(shape)).astype(np.float32)
    targets = rng.random(shape).astype(np.float32)
    targets[targets > 0.6] = 1
    targets[targets < 0.4] = 0
    dloss = rng.standard_normal(shape).astype(np.float32)
    wide = (logits.astype(np.float64), targets.astype(np.float64))
    loss = _core.binary_cross_entropy_forward(logits, targets)
    expected = reference.binary_cross_entropy_forward(*wide)
    assert loss.shape == shape
    assert (abs(loss - expected) <= 1e-6 * np.maximum(1, abs(expected))).all()
    dlogits = _core.binary_cross_entropy_backward(logits, targets, dloss)
    expected = reference.binary_cross_entropy_backward(*wide, dloss)
    assert (abs(dlogits - expected) <= 1e-6 * abs(dloss)).all()


def test_binary_cross_entropy_of_what_is_not_finite() -> None:
    logits = np.array([np.nan, 0.0, np.inf, -np.inf, 1.0] * 5, np.float32)
    targets = np.array([0.0, np.nan, 1.0, 0.0, 1.0] * 5, np.float32)
    loss = _core.binary_cross_entropy_forward(logits, targets)
    assert np.isnan(loss[::5]).all()
    assert np.isnan(loss[1::5]).all()
    assert np.isfinite(loss[4::5]).all()


def test_same_bits_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(2)
    logits = rng.standard_normal((300, 500)).astype(np.float32)
    labels = rng.integers(0, 500, 300)
    dloss = np.ones(300, np.float32)

    def results() -> list[bytes]:
        loss, lse = _core.softmax_cross_entropy_forward(logits, labels)
        dlogits = _core.softmax_cross_entropy_backward(logits, labels, lse, dloss)
        return [loss.tobytes(), lse.tobytes(), dlogits.tobytes()]

    _core.set_num_threads(1)
    expected = results()
    for threads in (2, 3):
        _core.set_num_threads(threads)
        assert results() == expected


LOGITS = np.zeros((2, 3), np.float32)
LABELS = np.zeros(2, np.int64)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: _core.softmax_cross_entropy_forward(LOGITS[0], LABELS),
            "logits must be of shape (any, any), not (3,)",
        ),
        (
            lambda: _core.softmax_cross_entropy_forward(LOGITS, LABELS[:1]),
            "labels must be of shape (2,), not 1 labels",
        ),
        (
            lambda: _core.binary_cross_entropy_forward(LOGITS, LOGITS[0]),
            "targets must be of shape (2, 3), not (3,)",
        ),
    ],
)
def test_bad_shapes(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(sentence) + "$"):
        call()


def test_labels_must_be_integers() -> None:
    with pytest.raises(TypeError, match=r"^labels must be "):
        _core.softmax_cross_entropy_forward(LOGITS, np.zeros(2, np.float32))
