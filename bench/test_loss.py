"""Softmax cross-entropy of whole-number labels, forward and backward."""

from typing import Any

import numpy as np
import pytest
from gatework import _core, reference

from bench.conftest import Measure
from bench.workloads import LOSS

RIVALS = {"gatework": _core, "NumPy": reference}


def loss_and_gradient(rival: str, logits: Any, labels: Any, dloss: Any) -> tuple[Any, Any]:
    functions = RIVALS[rival]
    loss, lse = functions.softmax_cross_entropy_forward(logits, labels)
    return loss, functions.softmax_cross_entropy_backward(logits, labels, lse, dloss)


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize(("samples", "classes"), LOSS)
def test_softmax_cross_entropy(samples: int, classes: int, rival: str, measure: Measure) -> None:
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal((samples, classes), np.float32)
    labels = rng.integers(0, classes, samples).astype(np.int32)
    dloss = np.full(samples, 1 / samples, np.float32)
    found = measure(
        f"softmax cross-entropy {samples}x{classes}",
        rival,
        lambda: loss_and_gradient(rival, logits, labels, dloss),
        bytes_moved=12.0 * samples * classes,
    )
    wanted = loss_and_gradient("NumPy", logits.astype(np.float64), labels, dloss)
    for actual, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(actual, right, rtol=1e-4, atol=1e-6)
