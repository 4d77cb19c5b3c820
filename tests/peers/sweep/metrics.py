"""Metrics: their result after every batch, weighted and not, and after a reset."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.sweep import labels, losses
from tests.peers.sweep.case import Case, worst
from tests.peers.sweep.losses import labels_of, of
from tests.peers.sweep.names import module

THRESHOLDS = [None, 0.3, [0.2, 0.5, 0.8]]
COUNTS = of(labels.binary, thresholds=THRESHOLDS)
POINT = {"num_thresholds": [200, 50]}
IOU = {"num_classes": [4, 5]}

CLASSES: dict[str, Case] = {
    "Mean": of(labels.numbers),
    "Sum": of(labels.numbers),
    "Accuracy": of(labels.classes),
    "BinaryAccuracy": of(labels.binary, threshold=[0.5, 0.3]),
    "CategoricalAccuracy": of(labels.one_hot),
    "SparseCategoricalAccuracy": of(labels.sparse),
    "TopKCategoricalAccuracy": of(labels.flat_one_hot, k=[5, 2]),
    "SparseTopKCategoricalAccuracy": of(labels.flat_sparse, k=[5, 2]),
    "MeanSquaredError": of(labels.numbers),
    "RootMeanSquaredError": of(labels.numbers),
    "MeanAbsoluteError": of(labels.numbers),
    "MeanAbsolutePercentageError": of(labels.numbers),
    "MeanSquaredLogarithmicError": of(labels.positive),
    "LogCoshError": of(labels.numbers),
    "CosineSimilarity": of(labels.numbers, axis=[-1, 1]),
    "R2Score": of(
        labels.flat_numbers,
        class_aggregation=["uniform_average", "variance_weighted_average", None],
        num_regressors=[0, 2],
    ),
    "PearsonCorrelation": of(labels.flat_numbers),
    "ConcordanceCorrelation": of(labels.flat_numbers),
    "Poisson": of(labels.positive),
    "KLDivergence": of(labels.distributions),
    "Hinge": of(labels.signs),
    "SquaredHinge": of(labels.signs),
    "CategoricalHinge": of(labels.one_hot),
    "BinaryCrossentropy": of(labels.binary, labels.binary_logits, label_smoothing=[0.0, 0.2]),
    "CategoricalCrossentropy": of(
        labels.one_hot, labels.one_hot_logits, label_smoothing=[0.0, 0.2]
    ),
    "SparseCategoricalCrossentropy": of(
        labels.sparse, labels.sparse_logits, ignore_class=[None, 2]
    ),
    "TruePositives": COUNTS,
    "TrueNegatives": COUNTS,
    "FalsePositives": COUNTS,
    "FalseNegatives": COUNTS,
    "Precision": of(
        labels.flat_one_hot, thresholds=[None, 0.3], top_k=[None, 2], class_id=[None, 1]
    ),
    "Recall": of(labels.flat_one_hot, thresholds=[None, 0.3], top_k=[None, 2], class_id=[None, 1]),
    "F1Score": of(
        labels.flat_one_hot, average=[None, "micro", "macro", "weighted"], threshold=[None, 0.3]
    ),
    "FBetaScore": of(
        labels.flat_one_hot,
        average=[None, "micro", "macro", "weighted"],
        beta=[1.0, 2.0],
        threshold=[None, 0.3],
    ),
    "AUC": of(
        labels.binary,
        labels.binary_logits,
        curve=["ROC", "PR"],
        summation_method=["interpolation", "minoring", "majoring"],
        num_thresholds=[200, 20],
    ),
    "PrecisionAtRecall": of(labels.binary, recall=[0.5, 0.8], **POINT),
    "RecallAtPrecision": of(labels.binary, precision=[0.5, 0.6], **POINT),
    "SensitivityAtSpecificity": of(labels.binary, specificity=[0.5, 0.8], **POINT),
    "SpecificityAtSensitivity": of(labels.binary, sensitivity=[0.5, 0.8], **POINT),
    "IoU": of(labels.classes, **IOU, target_class_ids=[[0, 1], [2]]),
    "MeanIoU": of(labels.classes, **IOU),
    "OneHotIoU": of(labels.flat_one_hot, num_classes=[5], target_class_ids=[[0, 2]]),
    "OneHotMeanIoU": of(labels.flat_one_hot, num_classes=[5]),
    "BinaryIoU": of(labels.binary, target_class_ids=[[0, 1], [1]], threshold=[0.5, 0.3]),
}
FUNCTIONS: dict[str, Case] = {
    "binary_accuracy": of(labels.binary, threshold=[0.5, 0.3]),
    "categorical_accuracy": of(labels.one_hot),
    "sparse_categorical_accuracy": of(labels.sparse),
    "top_k_categorical_accuracy": of(labels.flat_one_hot, k=[5, 2]),
    "sparse_top_k_categorical_accuracy": of(labels.flat_sparse, k=[5, 2]),
    "pearson_correlation": of(labels.flat_numbers),
    "concordance_correlation": of(labels.flat_numbers),
    **losses.FUNCTIONS,
}
# Metrics have no reduction.
CASES = {
    name: Case(
        {k: v for k, v in case.choices.items() if k != "reduction"}, case.options, case.draws
    )
    for name, case in {**CLASSES, **FUNCTIONS}.items()
}


def largest_difference(name: str, case: Case) -> float:
    theirs, ours = module("keras", "metrics"), module("gatework", "metrics")
    found = 0.0
    for arguments, rng in case.arguments(name):
        pairs = [labels_of(case, arguments, rng) for _ in range(3)]
        if name[0].islower():
            values = [
                [getattr(library, name)(*pair, **arguments) for pair in pairs]
                for library in (theirs, ours)
            ]
            found = max(found, worst(values[1], values[0]))
            continue
        weights = [None, None, None]
        if rng.random() < 0.5:
            weights = [weights_of(name, case, y, rng) for y, _ in pairs]
        results = [
            results_of(getattr(library, name)(**arguments), pairs, weights, name)
            for library in (theirs, ours)
        ]
        found = max(found, worst(results[1], results[0]))
    return found


def weights_of(name: str, case: Case, y_true: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One weight per sample and step, or per entry where each entry is counted."""
    counts = case.options["kind"] is labels.binary and name != "BinaryCrossentropy"
    whole = y_true.dtype != np.float32 or counts
    return rng.uniform(0, 2, y_true.shape[: None if whole else -1]).astype("float32")


def results_of(metric: Any, pairs: Any, weights: Any, name: str) -> list[np.ndarray]:
    """What the metric says after each batch, and after a reset and the last batch again."""
    results = []
    for place, ((y_true, y_pred), weight) in enumerate(zip(pairs, weights, strict=True)):
        given = (y_true,) if name in ("Mean", "Sum") else (y_true, y_pred)
        if place == 2:
            results.append(np.asarray(metric.result()).copy())
            metric.reset_state()
        metric.update_state(*given, sample_weight=weight)
        results.append(np.asarray(metric.result()).copy())
    return results


__all__ = ["CASES", "largest_difference"]
