"""CTC: the loss as an operation and as a loss with masks, and decoding."""

import itertools

import numpy as np
import pytest
from gatework import losses, ops, reference
from gatework.autograd import GradientTape, Tensor

RNG = np.random.default_rng(9)
LOGITS = RNG.normal(size=(3, 6, 5)).astype(np.float32)
LABELS = np.array([[1, 2, 0], [3, 3, 4], [4, 0, 0]])
COUNTS = np.array([2, 3, 1])


def test_loss_and_gradient():
    logits, weights = Tensor(LOGITS), np.array([1.0, 2.0, 0.5], np.float32)
    frames = np.array([6, 5, 2])
    with GradientTape() as tape:
        tape.watch(logits)
        loss = ops.ctc_loss(LABELS, logits, COUNTS, frames)
        total = ops.sum(loss * weights)
    expected, gradient = reference.ctc(LOGITS, LABELS, COUNTS, frames)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    found = tape.gradient(total, logits)
    np.testing.assert_allclose(found, gradient * weights[:, None, None], rtol=1e-4, atol=1e-6)


def test_zeros_fill_the_labels_of_the_loss():
    expected, _ = reference.ctc(LOGITS, LABELS, COUNTS, np.full(3, 6))
    for y in (LABELS, LABELS.astype(np.float32)):
        np.testing.assert_allclose(losses.ctc(y, LOGITS), expected, rtol=1e-5)
    assert losses.CTC()(LABELS, LOGITS).item() == pytest.approx(expected.mean(), rel=1e-5)
    weighted = losses.CTC()(LABELS, LOGITS, sample_weight=[1.0, 0.0, 2.0]).item()
    assert weighted == pytest.approx((expected[0] + 2 * expected[2]) / 3, rel=1e-5)


@pytest.mark.parametrize("loss", [losses.CTC(), losses.LossFunctionWrapper(losses.get("ctc"))])
def test_masked_steps_do_not_count_wherever_they_are(loss):
    mask = np.array([[1, 1, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1], [1, 0, 1, 0, 1, 0]], bool)
    packed = np.zeros_like(LOGITS)
    for row, kept in enumerate(mask):
        packed[row, : kept.sum()] = LOGITS[row, kept]
    expected, _ = reference.ctc(packed, LABELS, COUNTS, mask.sum(axis=1))
    pred = Tensor(LOGITS)
    pred._keras_mask = mask
    with GradientTape() as tape:
        tape.watch(pred)
        found = loss(LABELS, pred)
    assert found.item() == pytest.approx(expected.mean(), rel=1e-5)
    gradient = tape.gradient(found, pred).numpy()
    assert (gradient[~mask] == 0).all()
    assert (gradient[mask] != 0).any()


def test_bad_arguments():
    with pytest.raises(ValueError, match="frames must be at least 4 for the 3 labels of row 1"):
        losses.ctc(LABELS, LOGITS[:, :3])
    with pytest.raises(ValueError, match=r"y_true must have shape \(batch, labels\)"):
        losses.ctc(LABELS[0], LOGITS)
    with pytest.raises(ValueError, match="not the blank 0"):
        losses.ctc(LABELS[:, ::-1], LOGITS)
    with pytest.raises(ValueError, match="target_length must hold whole numbers"):
        ops.ctc_loss(LABELS, LOGITS, COUNTS + 0.5, 6)
    with pytest.raises(ValueError, match="strategy must be 'greedy' or 'beam_search', not 'best'"):
        ops.ctc_decode(LOGITS, 6, strategy="best")
    with pytest.raises(ValueError, match=r"top_paths must be in \[1, beam_width = 2\], not 3"):
        ops.ctc_decode(LOGITS, 6, strategy="beam_search", beam_width=2, top_paths=3)


def test_greedy_decoding():
    steps = np.array([[0, 1, 1, 0, 1, 2], [3, 3, 0, 0, 4, 4]])
    logits = np.eye(5, dtype=np.float32)[steps] * 3
    labels, scores = ops.ctc_decode(logits, [6, 5])
    np.testing.assert_array_equal(labels[0], [[1, 1, 2, -1, -1, -1], [3, 4, -1, -1, -1, -1]])
    np.testing.assert_allclose(scores, [[-18], [-15]])
    labels, _ = ops.ctc_decode(logits, [6, 5], merge_repeated=False)
    np.testing.assert_array_equal(labels[0], [[1, 1, 1, 2, -1, -1], [3, 3, 4, -1, -1, -1]])


def test_beam_search_finds_the_likeliest_labellings():
    logits = RNG.normal(size=(2, 4, 3)).astype(np.float32) * 2
    lengths = [4, 3]
    labels, scores = ops.ctc_decode(logits, lengths, "beam_search", beam_width=200, top_paths=3)
    assert labels.shape == (3, 2, 4)
    for row, length in enumerate(lengths):
        x = logits[row, :length]
        p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        chances = {}
        for steps in itertools.product(range(3), repeat=length):
            read = tuple(c for c, _ in itertools.groupby(steps) if c != 0)
            chances[read] = chances.get(read, 0.0) + np.prod(p[range(length), steps])
        best = sorted(chances, key=chances.get, reverse=True)[:3]
        for place, expected in enumerate(best):
            found = [c for c in labels.numpy()[place, row] if c >= 0]
            assert tuple(found) == expected
            assert scores.numpy()[row, place] == pytest.approx(np.log(chances[expected]), abs=1e-4)
