"""Metrics against Keras, live: random values, weights per sample, several batches, configs."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

Batch = tuple[np.ndarray, np.ndarray]


def real(rng: np.random.Generator) -> Batch:
    return rng.normal(size=(9, 4)), rng.normal(size=(9, 4))


def positive(rng: np.random.Generator) -> Batch:
    return rng.uniform(0.1, 3, (9, 4)), rng.uniform(0.1, 3, (9, 4))


def bits(rng: np.random.Generator) -> Batch:
    return rng.integers(0, 2, (9, 4)), rng.uniform(0, 1, (9, 4))


def one_bit(rng: np.random.Generator) -> Batch:
    return rng.integers(0, 2, 40), rng.uniform(0, 1, 40)


def logits(rng: np.random.Generator) -> Batch:
    return rng.integers(0, 2, (9, 4)), rng.normal(size=(9, 4))


def one_hot(rng: np.random.Generator) -> Batch:
    return np.eye(7)[rng.integers(0, 7, 9)], rng.dirichlet(np.ones(7), 9)


def sparse(rng: np.random.Generator) -> Batch:
    return rng.integers(0, 7, 9), rng.dirichlet(np.ones(7), 9)


def equal(rng: np.random.Generator) -> Batch:
    return rng.integers(0, 3, (9, 4)), rng.integers(0, 3, (9, 4)).astype(float)


CASES: list[tuple[str, Any, dict[str, Any]]] = [
    ("Accuracy", equal, {}),
    ("BinaryAccuracy", bits, {"threshold": 0.4}),
    ("CategoricalAccuracy", one_hot, {}),
    ("SparseCategoricalAccuracy", sparse, {}),
    ("TopKCategoricalAccuracy", one_hot, {"k": 3}),
    ("SparseTopKCategoricalAccuracy", sparse, {"k": 2}),
    *((name, bits, {"thresholds": [0.7, 0.2]}) for name in (
        "TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives",
    )),
    ("Precision", bits, {"thresholds": [0.3, 0.6]}),
    ("Recall", bits, {"thresholds": 0.4}),
    ("Precision", one_hot, {"top_k": 2}),
    ("Recall", one_hot, {"class_id": 3, "thresholds": 0.1}),
    ("AUC", one_bit, {}),
    ("AUC", one_bit, {"num_thresholds": 37, "curve": "PR"}),
    ("AUC", one_bit, {"curve": "PR", "summation_method": "minoring"}),
    ("AUC", one_bit, {"curve": "PRGAIN", "summation_method": "majoring"}),
    ("AUC", one_bit, {"thresholds": [0.2, 0.9, 0.5]}),
    ("AUC", bits, {"multi_label": True, "label_weights": [1.0, 2.0, 0.5, 1.0]}),
    ("AUC", bits, {"multi_label": True, "num_labels": 4, "curve": "PR"}),
    ("AUC", bits, {"label_weights": [1.0, 2.0, 0.5, 1.0]}),
    ("AUC", logits, {"from_logits": True}),
    ("SensitivityAtSpecificity", one_bit, {"specificity": 0.4}),
    ("SpecificityAtSensitivity", one_bit, {"sensitivity": 0.4, "num_thresholds": 13}),
    ("PrecisionAtRecall", one_bit, {"recall": 0.4}),
    ("RecallAtPrecision", one_bit, {"precision": 0.4, "num_thresholds": 1}),
    ("F1Score", one_hot, {}),
    ("F1Score", bits, {"average": "macro", "threshold": 0.4}),
    ("FBetaScore", bits, {"average": "weighted", "threshold": 0.4, "beta": 2.0}),
    ("FBetaScore", one_hot, {"average": "micro", "beta": 0.5}),
    ("R2Score", real, {}),
    ("R2Score", real, {"class_aggregation": None}),
    ("R2Score", real, {"class_aggregation": "variance_weighted_average", "num_regressors": 2}),
    ("PearsonCorrelation", real, {}),
    ("ConcordanceCorrelation", real, {}),
    ("MeanSquaredError", real, {}),
    ("RootMeanSquaredError", real, {}),
    ("MeanAbsoluteError", real, {}),
    ("MeanAbsolutePercentageError", real, {}),
    ("MeanSquaredLogarithmicError", positive, {}),
    ("CosineSimilarity", real, {}),
    ("LogCoshError", real, {}),
    ("Hinge", bits, {}),
    ("SquaredHinge", bits, {}),
    ("CategoricalHinge", one_hot, {}),
    ("KLDivergence", one_hot, {}),
    ("Poisson", positive, {}),
    ("BinaryCrossentropy", bits, {"label_smoothing": 0.1}),
    ("BinaryCrossentropy", logits, {"from_logits": True}),
    ("CategoricalCrossentropy", one_hot, {"label_smoothing": 0.1}),
    # Not with ignore_class: Keras' mean counts what is ignored, as zeros.
    ("SparseCategoricalCrossentropy", sparse, {}),
]  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "draw", "options"), CASES)
def test_three_batches(name: str, draw: Any, options: dict[str, Any], weighted: bool) -> None:
    rng = np.random.default_rng(11)
    own, theirs = (getattr(K.metrics, name)(**options) for K in (gatework, keras))
    for _ in range(3):
        true, pred = draw(rng)
        pred = pred.astype(np.float32)
        weight = rng.uniform(0.2, 2, len(true)).astype(np.float32) if weighted else None
        own.update_state(true, pred, sample_weight=weight)
        theirs.update_state(true, pred, sample_weight=weight)
        np.testing.assert_allclose(own.result(), theirs.result(), rtol=2e-4, atol=2e-5)
    assert [v.name for v in own.variables] == [v.name for v in theirs.variables]
    for a, b in zip(own.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-4, err_msg=a.name)
    own.reset_state()
    theirs.reset_state()
    first = draw(rng)
    own.update_state(*first)
    theirs.update_state(*first)
    np.testing.assert_allclose(own.result(), theirs.result(), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(("name", "draw", "options"), CASES)
def test_config_goes_both_ways(name: str, draw: Any, options: dict[str, Any]) -> None:
    own, theirs = (getattr(K.metrics, name)(name="m", **options) for K in (gatework, keras))
    assert own.name == theirs.name
    ours, other = own.get_config(), theirs.get_config()
    ignored = {"fn", "y_true", "y_pred"}
    assert set(other) - ignored <= set(ours)
    for key in set(other) - ignored:
        if isinstance(other[key], (list, tuple)):
            np.testing.assert_allclose(ours[key], other[key], rtol=1e-6, err_msg=key)
        elif not hasattr(other[key], "shape"):
            assert ours[key] == other[key], key
    again = gatework.metrics.deserialize(keras.metrics.serialize(theirs))
    assert type(again).__name__ == name
    assert type(keras.metrics.deserialize(gatework.metrics.serialize(own))).__name__ == name
