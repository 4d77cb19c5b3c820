"""Dice, Tversky, circle and the generalized cross-entropy against their formulas."""

import numpy as np
import pytest
from gatework import losses, ops
from gatework.autograd import GradientTape, Tensor

RNG = np.random.default_rng(6)
TRUE = RNG.integers(0, 2, (3, 5)).astype(np.float32)
PRED = RNG.uniform(0.05, 0.95, (3, 5)).astype(np.float32)
LABELS = np.array([0, 1, 0, 2, 1, 3])
POINTS = RNG.normal(size=(6, 4))
POINTS /= np.linalg.norm(POINTS, axis=1, keepdims=True)
CHANCES = RNG.dirichlet(np.ones(4), 6)


def dice(true, pred, axis=None):
    both = (true * pred).sum(axis)
    return 1 - 2 * both / (true.sum(axis) + pred.sum(axis) + 1e-7)


def tversky(true, pred, alpha=0.5, beta=0.5, axis=None):
    both = (true * pred).sum(axis)
    missed, wrong = (true * (1 - pred)).sum(axis), ((1 - true) * pred).sum(axis)
    return 1 - both / (both + alpha * missed + beta * wrong + 1e-7)


def circle(labels, points, gamma=80.0, margin=0.4):
    found = []
    for i, label in enumerate(labels):
        d = np.maximum(1 - points @ points[i], 0)
        alike = [j for j, other in enumerate(labels) if other == label and j != i]
        unlike = [j for j, other in enumerate(labels) if other != label]
        near = gamma * (margin + d) * (d - margin)
        far = gamma * np.maximum(1 + margin - d, 0) * (1 - margin - d)
        if not alike or not unlike:
            found.append(0.0)
            continue
        both = np.logaddexp.reduce(near[alike]) + np.logaddexp.reduce(far[unlike])
        found.append(np.logaddexp(0, both))
    return np.array(found)


def generalized(labels, chances, q=0.5):
    return (1 - chances[np.arange(len(labels)), labels] ** q) / q


CASES = [
    (losses.dice, dice, TRUE, PRED, {}),
    (losses.dice, dice, TRUE, PRED, {"axis": 1}),
    (losses.tversky, tversky, TRUE, PRED, {"alpha": 0.3, "beta": 0.9}),
    (losses.tversky, tversky, TRUE, PRED, {"axis": -1}),
    (losses.circle, circle, LABELS, POINTS, {"gamma": 5.0, "margin": 0.3}),
    (losses.categorical_generalized_cross_entropy, generalized, LABELS, CHANCES, {"q": 0.7}),
]


@pytest.mark.parametrize(("function", "formula", "true", "pred", "options"), CASES)
def test_formula_and_gradient(function, formula, true, pred, options):
    y_pred = Tensor(pred.astype(np.float32))
    with GradientTape() as tape:
        tape.watch(y_pred)
        found = function(true, y_pred, **options)
        total = ops.sum(found)
    wide = pred.astype(np.float64)
    np.testing.assert_allclose(found.numpy(), formula(true, wide, **options), rtol=2e-4, atol=1e-5)
    expected, step = np.zeros_like(wide), 1e-6
    for i in np.ndindex(pred.shape):
        up, down = wide.copy(), wide.copy()
        up[i] += step
        down[i] -= step
        rise = formula(true, up, **options).sum() - formula(true, down, **options).sum()
        expected[i] = rise / (2 * step)
    np.testing.assert_allclose(tape.gradient(total, y_pred), expected, rtol=3e-3, atol=1e-3)


def test_embeddings_without_a_pair_do_not_count_in_the_mean():
    each = circle(LABELS, POINTS)
    found = losses.Circle()(LABELS[:, None], POINTS).item()
    assert found == pytest.approx(each[each > 0].mean(), rel=1e-4)
    assert np.count_nonzero(each == 0) == 2


def test_references_of_a_circle_loss():
    own = losses.circle(LABELS, POINTS, remove_diagonal=False).numpy()
    same = losses.circle(
        LABELS, POINTS, ref_labels=LABELS, ref_embeddings=POINTS, remove_diagonal=False
    )
    np.testing.assert_allclose(same.numpy(), own)
    assert (own > 0).all()


@pytest.mark.parametrize("q", [0.0, 1.0])
def test_noise_parameter_out_of_range_is_refused(q):
    with pytest.raises(ValueError, match=r"q must be in \(0, 1\)"):
        losses.CategoricalGeneralizedCrossEntropy(q)


def test_label_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"y_true must be in \[0, 4\), not 4"):
        losses.categorical_generalized_cross_entropy([4], CHANCES[:1])
