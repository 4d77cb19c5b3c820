"""Losses and metrics against Keras 3.15: every class, masked, weighted, every reduction."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import losses, metrics

from tests.golden.store import read

GOLDEN = read("values.npz")


def ids(cases: list[dict[str, Any]]) -> list[str]:
    return [case["name"] for case in cases]


def predictions(case: dict[str, Any]) -> Any:
    """The case's predictions as a tensor that carries the mask a layer would leave on it."""
    tensor = gatework.Tensor(case["y_pred"])
    if case["mask"] is not None:
        tensor._keras_mask = gatework.Tensor(np.array(case["mask"], bool))
    return tensor


@pytest.mark.parametrize("case", GOLDEN["losses"], ids=ids(GOLDEN["losses"]))
def test_loss(case: dict[str, Any]) -> None:
    for reduction, expected in case["values"].items():
        loss = getattr(losses, case["class_name"])(**case["arguments"], reduction=reduction)
        value = loss(np.asarray(case["y_true"]), predictions(case), case["sample_weight"])
        np.testing.assert_allclose(
            np.asarray(value), expected, rtol=1e-5, atol=1e-6, err_msg=reduction
        )


# Keras honours the mask in MeanSquaredError and forgets it in its root; here both honour it.
METRICS = [
    case
    for case in GOLDEN["metrics"]
    if case["class_name"] != "RootMeanSquaredError" or case["mask"] is None
]


@pytest.mark.parametrize("case", METRICS, ids=ids(METRICS))
def test_metric(case: dict[str, Any]) -> None:
    metric = getattr(metrics, case["class_name"])(**case["arguments"])
    true, pred = np.asarray(case["y_true"]), predictions(case)
    weight = case["sample_weight"]
    reverse = None if weight is None else weight[::-1]

    def updated(y_true: np.ndarray, sample_weight: np.ndarray | None) -> np.ndarray:
        metric.update_state(y_true, pred, sample_weight=sample_weight)
        return np.asarray(metric.result())

    results = [updated(true, weight), updated(true[::-1], reverse)]
    metric.reset_state()
    results.append(updated(true[::-1], reverse))
    for own, theirs in zip(results, case["results"], strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-5, atol=1e-6)
