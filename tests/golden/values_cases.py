"""Which losses, metrics and padded batches are compared with Keras."""

from __future__ import annotations

from typing import Any

# name of the kind of data -> losses, each a Keras class and its arguments
LOSSES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "numbers": [
        ("MeanSquaredError", {}),
        ("MeanAbsoluteError", {}),
        ("MeanAbsolutePercentageError", {}),
        ("MeanSquaredLogarithmicError", {}),
        ("Huber", {"delta": 0.4}),
        ("LogCosh", {}),
        ("CosineSimilarity", {"axis": -1}),
    ],
    "signs": [("Hinge", {}), ("SquaredHinge", {}), ("CategoricalHinge", {})],
    "binary": [
        ("BinaryCrossentropy", {}),
        ("BinaryCrossentropy", {"label_smoothing": 0.2}),
        ("BinaryFocalCrossentropy", {}),
        ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5}),
        ("Poisson", {}),
    ],
    "binary_logits": [
        ("BinaryCrossentropy", {"from_logits": True}),
        ("BinaryFocalCrossentropy", {"from_logits": True}),
    ],
    "one_hot": [
        ("CategoricalCrossentropy", {}),
        ("CategoricalCrossentropy", {"label_smoothing": 0.1}),
        ("CategoricalFocalCrossentropy", {}),
        ("KLDivergence", {}),
    ],
    "one_hot_logits": [
        ("CategoricalCrossentropy", {"from_logits": True}),
        ("CategoricalFocalCrossentropy", {"from_logits": True}),
    ],
    "classes": [("SparseCategoricalCrossentropy", {})],
    "classes_logits": [
        ("SparseCategoricalCrossentropy", {"from_logits": True}),
        ("SparseCategoricalCrossentropy", {"from_logits": True, "ignore_class": 2}),
    ],
}
REDUCTIONS = ("sum_over_batch_size", "sum", "none", "mean_with_sample_weight")

METRICS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "numbers": [
        ("MeanSquaredError", {}),
        ("RootMeanSquaredError", {}),
        ("MeanAbsoluteError", {}),
        ("MeanAbsolutePercentageError", {}),
        ("MeanSquaredLogarithmicError", {}),
        ("CosineSimilarity", {}),
        ("LogCoshError", {}),
    ],
    "signs": [("Hinge", {}), ("SquaredHinge", {}), ("CategoricalHinge", {})],
    "binary": [
        ("BinaryAccuracy", {}),
        ("BinaryAccuracy", {"threshold": 0.3}),
        ("BinaryCrossentropy", {"label_smoothing": 0.1}),
        ("Precision", {}),
        ("Precision", {"thresholds": [0.2, 0.7]}),
        ("Recall", {}),
        ("TruePositives", {}),
        ("FalsePositives", {"thresholds": 0.3}),
        ("TrueNegatives", {}),
        ("FalseNegatives", {}),
        ("Poisson", {}),
    ],
    "binary_logits": [("BinaryCrossentropy", {"from_logits": True})],
    "one_hot": [
        ("CategoricalAccuracy", {}),
        ("TopKCategoricalAccuracy", {"k": 2}),
        ("CategoricalCrossentropy", {}),
        ("KLDivergence", {}),
        ("Precision", {"class_id": 1, "top_k": 2}),
    ],
    "one_hot_logits": [("CategoricalCrossentropy", {"from_logits": True})],
    "classes": [
        ("SparseCategoricalAccuracy", {}),
        ("SparseTopKCategoricalAccuracy", {"k": 2}),
        ("SparseCategoricalCrossentropy", {}),
    ],
    "classes_logits": [("SparseCategoricalCrossentropy", {"from_logits": True})],
}

SEQUENCES: list[list[list[Any]]] = [
    [[1, 2, 3], [4, 5], [6]],
    [[1], [], [2, 3]],
    [[]],
    [[[1, 2], [3, 4]], [[5, 6]]],
    [[0.5, 1.75], [2.25]],
    [[1, 2, 3, 4, 5, 6, 7]],
]
PADDING: list[dict[str, Any]] = [
    {},
    {"maxlen": 2},
    {"maxlen": 4, "padding": "post"},
    {"maxlen": 2, "truncating": "post"},
    {"maxlen": 2, "padding": "post", "truncating": "post", "value": 9},
    {"dtype": "float32", "value": -1.5, "maxlen": 3},
    {"dtype": "int64", "maxlen": 1},
    {"dtype": "uint8", "value": 7, "maxlen": 5},
    {"dtype": "float64", "padding": "post"},
]
