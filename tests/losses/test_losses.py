"""Every loss against its formula written in NumPy."""

import numpy as np
import pytest
from gatework import losses, ops
from gatework.autograd import GradientTape, Tensor

RNG = np.random.default_rng(3)
REAL_TRUE = RNG.normal(size=(4, 3)).astype(np.float32)
REAL_PRED = RNG.normal(size=(4, 3)).astype(np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[[0, 2, 1, 2]]
PROBS = RNG.dirichlet(np.ones(3), size=4).astype(np.float32)
BITS = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 1], [0, 0, 1]], np.float32)
CHANCES = RNG.uniform(0.05, 0.95, (4, 3)).astype(np.float32)
EPS = 1e-7


def _bce(t, p):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def _shares(p):
    return p / p.sum(axis=-1, keepdims=True)


def _unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _huber(t, p, d):
    e = np.abs(t - p)
    return np.where(e <= d, e * e / 2, d * e - d * d / 2).mean(-1)


CASES = {
    "mean_squared_error": (REAL_TRUE, REAL_PRED, {}, lambda t, p: ((t - p) ** 2).mean(-1)),
    "mean_absolute_error": (REAL_TRUE, REAL_PRED, {}, lambda t, p: np.abs(t - p).mean(-1)),
    "mean_absolute_percentage_error": (
        REAL_TRUE,
        REAL_PRED,
        {},
        lambda t, p: 100 * np.abs((t - p) / t).mean(-1),
    ),
    "mean_squared_logarithmic_error": (
        CHANCES,
        PROBS,
        {},
        lambda t, p: ((np.log1p(t) - np.log1p(p)) ** 2).mean(-1),
    ),
    "huber": (REAL_TRUE, REAL_PRED, {"delta": 0.7}, lambda t, p: _huber(t, p, 0.7)),
    "log_cosh": (REAL_TRUE, REAL_PRED, {}, lambda t, p: np.log(np.cosh(p - t)).mean(-1)),
    "cosine_similarity": (
        REAL_TRUE,
        REAL_PRED,
        {},
        lambda t, p: -(_unit(t) * _unit(p)).sum(-1),
    ),
    "hinge": (
        BITS,
        REAL_PRED,
        {},
        lambda t, p: np.maximum(1 - (2 * t - 1) * p, 0).mean(-1),
    ),
    "squared_hinge": (
        BITS,
        REAL_PRED,
        {},
        lambda t, p: (np.maximum(1 - (2 * t - 1) * p, 0) ** 2).mean(-1),
    ),
    "categorical_hinge": (
        ONE_HOT,
        REAL_PRED,
        {},
        lambda t, p: np.maximum(((1 - t) * p).max(-1) - (t * p).sum(-1) + 1, 0),
    ),
    "kl_divergence": (PROBS[::-1], PROBS, {}, lambda t, p: (t * np.log(t / p)).sum(-1)),
    "poisson": (CHANCES, PROBS, {}, lambda t, p: (p - t * np.log(p + EPS)).mean(-1)),
    "binary_crossentropy": (BITS, CHANCES, {}, lambda t, p: _bce(t, p).mean(-1)),
    "categorical_crossentropy": (
        ONE_HOT,
        PROBS,
        {},
        lambda t, p: -(t * np.log(_shares(p))).sum(-1),
    ),
    "binary_focal_crossentropy": (
        BITS,
        CHANCES,
        {"gamma": 1.5, "apply_class_balancing": True, "alpha": 0.3},
        lambda t, p: (
            (t * 0.3 + (1 - t) * 0.7) * (1 - (t * p + (1 - t) * (1 - p))) ** 1.5 * _bce(t, p)
        ).mean(-1),
    ),
    "categorical_focal_crossentropy": (
        ONE_HOT,
        PROBS,
        {},
        lambda t, p: -(0.25 * (1 - _shares(p)) ** 2 * t * np.log(_shares(p))).sum(-1),
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_function_equals_its_formula(name):
    true, pred, options, formula = CASES[name]
    found = getattr(losses, name)(true, pred, **options).numpy()
    expected = formula(true.astype(np.float64), pred.astype(np.float64))
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(CASES))
def test_gradient_equals_a_difference_quotient(name):
    true, pred, options, formula = CASES[name]
    y_pred = Tensor(pred)
    with GradientTape() as tape:
        tape.watch(y_pred)
        loss = ops.sum(getattr(losses, name)(true, y_pred, **options))
    found = tape.gradient(loss, y_pred).numpy()
    wide, step = pred.astype(np.float64), 1e-6
    expected = np.zeros_like(wide)
    for i in np.ndindex(pred.shape):
        up, down = wide.copy(), wide.copy()
        up[i] += step
        down[i] -= step
        expected[i] = (formula(true, up).sum() - formula(true, down).sum()) / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-4)


def test_sparse_labels_give_the_loss_of_one_hot_labels():
    labels = ONE_HOT.argmax(-1)
    expected = losses.categorical_crossentropy(ONE_HOT, PROBS).numpy()
    for y in (labels, labels[:, None], labels.astype(np.float32), labels.astype(np.uint8)):
        found = losses.SparseCategoricalCrossentropy(reduction=None)(y, PROBS).numpy()
        np.testing.assert_allclose(found.reshape(-1), expected, rtol=1e-5)


def test_logits_give_the_loss_of_their_probabilities():
    logits = np.log(PROBS)
    np.testing.assert_allclose(
        losses.categorical_crossentropy(ONE_HOT, logits, from_logits=True).numpy(),
        losses.categorical_crossentropy(ONE_HOT, PROBS).numpy(),
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        losses.binary_crossentropy(BITS, np.log(CHANCES / (1 - CHANCES)), from_logits=True).numpy(),
        losses.binary_crossentropy(BITS, CHANCES).numpy(),
        rtol=1e-4,
    )


def test_label_smoothing():
    smooth = ONE_HOT * 0.9 + 0.1 / 3
    np.testing.assert_allclose(
        losses.categorical_crossentropy(ONE_HOT, PROBS, label_smoothing=0.1).numpy(),
        -(smooth * np.log(PROBS)).sum(-1),
        rtol=1e-5,
    )
    bits = BITS * 0.8 + 0.1
    np.testing.assert_allclose(
        losses.binary_crossentropy(BITS, CHANCES, label_smoothing=0.2).numpy(),
        _bce(bits, CHANCES).mean(-1),
        rtol=1e-5,
    )
    with pytest.raises(ValueError, match="label_smoothing must be in"):
        losses.binary_crossentropy(BITS, CHANCES, label_smoothing=2.0)


def test_ignored_class_counts_for_nothing():
    labels = np.array([0, -1, 1, -1])
    kept = [0, 2]
    found = losses.SparseCategoricalCrossentropy(ignore_class=-1)(labels, PROBS)
    expected = -np.log(PROBS[kept, labels[kept]]).mean()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_class_axis_in_the_middle():
    pred = np.moveaxis(RNG.dirichlet(np.ones(5), size=(2, 4)), -1, 1).astype(np.float32)
    labels = RNG.integers(0, 5, (2, 4))
    found = losses.sparse_categorical_crossentropy(labels, pred, axis=1).numpy()
    expected = -np.log(np.take_along_axis(pred, labels[:, None], axis=1)[:, 0])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0]])
def test_label_out_of_range_is_refused(labels):
    with pytest.raises(ValueError, match="label"):
        losses.sparse_categorical_crossentropy(np.array(labels), PROBS[:2])


@pytest.mark.parametrize("bad", [0.5, np.nan])
def test_label_that_is_no_whole_number_is_refused(bad):
    with pytest.raises(ValueError, match="y must hold whole class indices"):
        losses.sparse_categorical_crossentropy(np.array([0.0, bad]), PROBS[:2])


def test_extreme_logits_stay_finite():
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32)
    found = losses.sparse_categorical_crossentropy([0, 0], logits, from_logits=True).numpy()
    np.testing.assert_allclose(found, [0.0, 2e4])
    found = losses.binary_crossentropy([[1, 0], [1, 0]], logits, from_logits=True).numpy()
    np.testing.assert_allclose(found, [0.0, 1e4])
