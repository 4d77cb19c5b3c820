"""Metrics against counts made by hand."""

import re

import numpy as np
import pytest
from gatework import metrics
from gatework.autograd import Tensor

TRUE = np.array([0, 1, 1, 0])
PRED = np.array([0.2, 0.8, 0.3, 0.9], np.float32)
PROBS = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], np.float32)


def value(metric):
    return float(metric.result())


def test_mean_weighs_batches_by_their_size():
    mean = metrics.Mean()
    assert value(mean) == 0.0
    mean.update_state([1.0, 3.0, 5.0])
    mean.update_state([7.0])
    assert value(mean) == pytest.approx(4.0)
    mean.reset_state()
    mean.update_state(2.0, sample_weight=3)
    mean.update_state(6.0, sample_weight=1)
    assert value(mean) == pytest.approx(3.0)


def test_mean_with_weights_per_sample_and_per_step():
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    mean = metrics.Mean()
    mean.update_state(values, sample_weight=[1.0, 3.0])
    assert value(mean) == pytest.approx((1.5 + 3 * 3.5) / 4)
    mean.reset_state()
    mean.update_state(values, sample_weight=[[1.0, 0.0], [0.0, 3.0]])
    assert value(mean) == pytest.approx((1 + 12) / 4)


def test_sum():
    total = metrics.Sum()
    total.update_state([1.0, 2.0])
    total.update_state([[3.0]], sample_weight=[2.0])
    assert value(total) == 9.0


def test_wrapper_uses_the_mask_of_the_predictions():
    pred = Tensor(np.array([[0.9, 0.9], [0.9, 0.1]], np.float32))
    pred._keras_mask = np.array([[True, False], [True, True]])
    metric = metrics.BinaryAccuracy()
    metric.update_state([[1, 0], [0, 0]], pred)
    assert value(metric) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("name", "true", "pred", "expected"),
    [
        ("Accuracy", [1, 2, 3], [1, 2, 4], 2 / 3),
        ("BinaryAccuracy", TRUE, PRED, 0.5),
        ("BinaryAccuracy", TRUE[:, None], PRED[:, None], 0.5),
        ("BinaryAccuracy", TRUE, PRED[:, None], 0.5),
        ("CategoricalAccuracy", np.eye(3)[[0, 2, 2]], PROBS, 2 / 3),
        ("SparseCategoricalAccuracy", [0, 2, 2], PROBS, 2 / 3),
        ("SparseCategoricalAccuracy", [[0], [2], [2]], PROBS, 2 / 3),
        ("SparseCategoricalAccuracy", [[0, 1, 2]], PROBS[None], 1 / 3),
        ("Precision", TRUE, PRED, 0.5),
        ("Recall", TRUE, PRED, 0.5),
        ("TruePositives", TRUE, PRED, 1),
        ("FalsePositives", TRUE, PRED, 1),
        ("TrueNegatives", TRUE, PRED, 1),
        ("FalseNegatives", TRUE, PRED, 1),
        ("MeanSquaredError", [1.0, 2.0], [2.0, 4.0], 2.5),
        ("RootMeanSquaredError", [1.0, 2.0], [2.0, 4.0], 2.5**0.5),
        ("MeanAbsoluteError", [1.0, 2.0], [2.0, 4.0], 1.5),
        ("MeanAbsolutePercentageError", [1.0, 2.0], [2.0, 4.0], 100.0),
        ("CosineSimilarity", [[3.0, 4.0]], [[4.0, 3.0]], 0.96),
        ("SparseCategoricalCrossentropy", [0, 2, 1], PROBS, -np.log([0.7, 0.7, 0.4]).mean()),
        ("Perplexity", [0, 2, 1], PROBS, np.exp(-np.log([0.7, 0.7, 0.4]).mean())),
    ],
)
def test_value(name, true, pred, expected):
    metric = metrics.CLASSES[name]()
    metric.update_state(np.asarray(true), np.asarray(pred, np.float32))
    assert value(metric) == pytest.approx(expected, rel=1e-5)


def test_top_k():
    for k, expected in ((1, 1 / 3), (2, 2 / 3), (3, 1.0)):
        sparse = metrics.SparseTopKCategoricalAccuracy(k=k)
        sparse.update_state([0, 1, 0], PROBS[[0, 1, 1]])
        assert value(sparse) == pytest.approx(expected)
        dense = metrics.TopKCategoricalAccuracy(k=k)
        dense.update_state(np.eye(3)[[0, 1, 0]], PROBS[[0, 1, 1]])
        assert value(dense) == pytest.approx(expected)


def test_several_thresholds_weights_and_classes():
    precision = metrics.Precision(thresholds=[0.25, 0.5, 0.85])
    precision.update_state(TRUE, PRED)
    np.testing.assert_allclose(precision.result().numpy(), [2 / 3, 1 / 2, 0.0])
    recall = metrics.Recall()
    recall.update_state(TRUE, PRED, sample_weight=[1.0, 3.0, 1.0, 1.0])
    assert value(recall) == pytest.approx(3 / 4)
    of_class = metrics.Recall(class_id=2)
    of_class.update_state(np.eye(3)[[2, 2, 0]], PROBS)
    assert value(of_class) == pytest.approx(1 / 2)
    top = metrics.Precision(top_k=1)
    top.update_state(np.eye(3)[[0, 1, 1]], PROBS)
    assert value(top) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match=r"thresholds must be in \[0, 1\], not 2"):
        metrics.Precision(thresholds=2)


def test_nothing_seen_gives_zero_not_nan():
    assert value(metrics.Precision()) == 0.0
    assert value(metrics.Recall()) == 0.0


def test_perplexity_ignores_padding():
    metric = metrics.Perplexity(mask_token_id=0)
    metric.update_state(np.array([[1, 0, 2]]), PROBS[None])
    assert value(metric) == pytest.approx(np.exp(-np.log([0.2, 0.3]).mean()), rel=1e-5)
    metric.reset_state()
    metric.update_state(np.array([[0, 0, 2]]), PROBS[None])
    assert value(metric) == pytest.approx(1 / 0.3, rel=1e-5)


def test_user_metric():
    class Largest(metrics.Metric):
        def __init__(self, name="largest"):
            super().__init__(name=name)
            self.seen = self.add_weight(shape=(), initializer="zeros", name="seen")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen.assign(max(float(self.seen), float(np.max(np.asarray(y_pred)))))

        def result(self):
            return self.seen

    metric = Largest()
    assert float(metric([0], [0.25])) == 0.25
    assert len(metric.variables) == 1
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_get():
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("root_mean_squared_error"), metrics.RootMeanSquaredError)
    assert isinstance(metrics.get(metrics.Recall), metrics.Recall)
    with pytest.raises(ValueError, match=r"nearest: .*'precision'"):
        metrics.get("precison")


@pytest.mark.parametrize("name", sorted(set(metrics.CLASSES) - {"Metric", "MeanMetricWrapper"}))
def test_config_round_trip(name):
    needs_a_rate = re.fullmatch(r"\w+At\w+", name)
    metric = metrics.CLASSES[name](*[0.5] if needs_a_rate else [])
    again = metrics.CLASSES[name].from_config(metric.get_config())
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize("name", ["MeanSquaredError", "RootMeanSquaredError", "Precision"])
def test_what_is_masked_counts_for_nothing(name):
    true, kept = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[True, True], [True, False]])
    values = np.array([[0.9, 0.6], [0.2, 0.7]], np.float32)
    pred = Tensor(values[..., None])
    pred._keras_mask = kept
    masked, plain = metrics.CLASSES[name](), metrics.CLASSES[name]()
    masked.update_state(true[..., None], pred)
    plain.update_state(true[kept], values[kept])
    assert value(masked) == pytest.approx(value(plain), rel=1e-6)
