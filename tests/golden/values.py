"""Values of losses, metrics, padding and fixed initial weights as Keras gives them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tests.golden.precision import use_float64
from tests.golden.values_cases import LOSSES, METRICS, PADDING, REDUCTIONS, SEQUENCES

ROWS, STEPS, CLASSES = 4, 3, 5


def softmax(x: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def data(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """(y_true, y_pred) of shape (rows, steps, ...), values that float32 holds exactly."""
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 2, (ROWS, STEPS, CLASSES))
    classes = rng.integers(0, CLASSES, (ROWS, STEPS))
    base = kind.removesuffix("_logits")
    true: np.ndarray
    if base == "numbers":
        true, pred = rng.normal(size=logits.shape), logits
    elif base == "signs":
        true, pred = np.sign(rng.normal(size=logits.shape)), logits
    elif base == "binary":
        true = (rng.random(logits.shape) < 0.4).astype(float)
        pred = logits if kind.endswith("logits") else 1 / (1 + np.exp(-logits))
    else:
        true = np.eye(CLASSES)[classes] if base == "one_hot" else classes
        pred = logits if kind.endswith("logits") else softmax(logits)
    return (true.astype(np.float32) if true.dtype.kind == "f" else true), pred.astype(np.float32)


def masked(pred: np.ndarray, mask: np.ndarray | None) -> Any:
    """Predictions as Keras' tensor, carrying the mask a recurrent layer would leave on them."""
    tensor = keras.ops.convert_to_tensor(pred, dtype="float64")
    if mask is not None:
        keras.src.backend.set_keras_mask(tensor, keras.ops.convert_to_tensor(mask))
    return tensor


def situations() -> list[tuple[str, np.ndarray | None, np.ndarray | None]]:
    """Name, mask and sample weight: each absent or present, the weight per step or per row."""
    rng = np.random.default_rng(6)
    mask = np.array([[1, 1, 1], [1, 0, 0], [0, 0, 0], [0, 1, 1]], bool)
    steps = rng.uniform(0, 2, (ROWS, STEPS)).astype(np.float32)
    return [
        ("plain", None, None),
        ("mask", mask, None),
        ("weights", None, steps),
        ("mask_weights", mask, steps),
        ("nothing_left", np.zeros_like(mask), None),
    ]


def losses() -> list[dict[str, Any]]:
    """Every loss with every reduction, and with masks and weights where that is new."""
    record = []
    for kind, specs in LOSSES.items():
        true, pred = data(kind)
        for name, arguments in specs:
            for situation, mask, weight in situations():
                values = {}
                for reduction in REDUCTIONS:
                    loss = getattr(keras.losses, name)(**arguments, reduction=reduction)
                    values[reduction] = np.asarray(loss(true, masked(pred, mask), weight))
                record.append(
                    {
                        "name": f"{name}-{kind}-{len(record)}-{situation}",
                        "class_name": name,
                        "arguments": arguments,
                        "y_true": true,
                        "y_pred": pred,
                        "mask": None if mask is None else mask.astype(int),
                        "sample_weight": weight,
                        "values": values,
                    }
                )
    return record


def metrics() -> list[dict[str, Any]]:
    """Every metric over two updates, then after a reset and one update."""
    record = []
    for kind, specs in METRICS.items():
        true, pred = data(kind)
        for name, arguments in specs:
            for situation, mask, weight in situations():
                counting = name in ("Precision", "Recall") or name.endswith("tives")
                if mask is not None and counting:
                    continue  # these compare element by element and know no mask
                metric = getattr(keras.metrics, name)(**arguments)
                results = []
                shifted = None if weight is None else weight[::-1].copy()
                for t, p, w in ((true, pred, weight), (true[::-1], pred, shifted)):
                    metric.update_state(t, masked(p, mask), sample_weight=w)
                    results.append(np.asarray(metric.result(), np.float64))
                metric.reset_state()
                metric.update_state(true[::-1], masked(pred, mask), sample_weight=shifted)
                results.append(np.asarray(metric.result(), np.float64))
                record.append(
                    {
                        "name": f"{name}-{kind}-{len(record)}-{situation}",
                        "class_name": name,
                        "arguments": arguments,
                        "y_true": true,
                        "y_pred": pred,
                        "mask": None if mask is None else mask.astype(int),
                        "sample_weight": weight,
                        "results": results,
                    }
                )
    return record


def padding() -> list[dict[str, Any]]:
    """pad_sequences of every batch under every set of options; the dtype and exact values."""
    record = []
    for sequences in SEQUENCES:
        for options in PADDING:
            result = keras.utils.pad_sequences(sequences, **options)
            record.append(
                {
                    "sequences": sequences,
                    "options": options,
                    "dtype": str(result.dtype),
                    "shape": list(result.shape),
                    "result": result.tolist(),
                }
            )
    return record


def initial_biases() -> list[dict[str, Any]]:
    """Biases before training: the forget gate's ones, and what replaces them."""
    record = []
    for class_name, arguments in (
        ("LSTM", {}),
        ("LSTM", {"unit_forget_bias": False}),
        ("LSTM", {"bias_initializer": "ones"}),
        ("LSTM", {"unit_forget_bias": False, "bias_initializer": "ones"}),
        ("GRU", {}),
        ("GRU", {"reset_after": False}),
        ("GRU", {"bias_initializer": "ones"}),
        ("SimpleRNN", {}),
    ):
        layer = getattr(keras.layers, class_name)(3, **arguments)
        layer.build((None, None, 2))
        bias = np.asarray(layer.cell.bias.value)
        record.append({"class_name": class_name, "arguments": arguments, "bias": bias})
    return record


def generate() -> dict[str, Any]:
    """Everything above, by topic."""
    use_float64()
    return {
        "losses": losses(),
        "metrics": metrics(),
        "padding": padding(),
        "initial_biases": initial_biases(),
    }
