"""Losses: values under every reduction, with and without weights, and gradients."""

from __future__ import annotations

import re
from typing import Any

import gatework
import numpy as np

from tests.peers.keras_side import as_array, tensor, torch_gradients
from tests.peers.sweep import labels
from tests.peers.sweep.case import OMITTED, Arguments, Case, made, worst
from tests.peers.sweep.names import module

REDUCTION = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", None]
SMOOTHING = [0.0, 0.2]


def of(kind: labels.Kind, logits: labels.Kind | None = None, **choices: Any) -> Case:
    """A case of one kind of labels; `logits` where `from_logits` may be asked for."""
    if logits is not None:
        choices["from_logits"] = [False, True]
    return Case({**choices, "reduction": REDUCTION}, {"kind": kind, "logits": logits}, draws=6)


CLASSES: dict[str, Case] = {
    "MeanSquaredError": of(labels.numbers),
    "MeanAbsoluteError": of(labels.numbers),
    "MeanAbsolutePercentageError": of(labels.numbers),
    "MeanSquaredLogarithmicError": of(labels.positive),
    "Huber": of(labels.numbers, delta=[1.0, 0.5]),
    "LogCosh": of(labels.numbers),
    "CosineSimilarity": of(labels.numbers, axis=[-1, 1]),
    "KLDivergence": of(labels.distributions),
    "Poisson": of(labels.positive),
    "Hinge": of(labels.signs),
    "SquaredHinge": of(labels.signs),
    "CategoricalHinge": of(labels.one_hot),
    "BinaryCrossentropy": of(labels.binary, labels.binary_logits, label_smoothing=SMOOTHING),
    "BinaryFocalCrossentropy": of(
        labels.binary,
        labels.binary_logits,
        apply_class_balancing=[False, True],
        alpha=[0.25, 0.6],
        gamma=[2.0, 1.0],
        label_smoothing=SMOOTHING,
    ),
    "CategoricalCrossentropy": of(labels.one_hot, labels.one_hot_logits, label_smoothing=SMOOTHING),
    "CategoricalFocalCrossentropy": of(
        labels.one_hot, labels.one_hot_logits, gamma=[2.0, 1.0], label_smoothing=SMOOTHING
    ),
    "SparseCategoricalCrossentropy": of(
        labels.sparse, labels.sparse_logits, ignore_class=[None, 2]
    ),
    "CategoricalGeneralizedCrossEntropy": of(labels.flat_sparse, q=[0.5, 0.9]),
    "Dice": of(labels.binary, axis=[None, (1, 2)]),
    "Tversky": of(labels.binary, alpha=[0.5, 0.3], beta=[0.5, 0.7], axis=[None, (1, 2)]),
    "Circle": of(labels.embeddings, gamma=[80.0, 16.0], margin=[0.4, 0.2]),
    "CTC": of(labels.label_sequences),
}


def function_name(class_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower().replace("kldiv", "kl_div")


# A function takes what its class takes, without the reduction.
FUNCTIONS = {
    function_name(name): Case(
        {k: v for k, v in case.choices.items() if k != "reduction"}, case.options, case.draws
    )
    for name, case in CLASSES.items()
}
CASES = {**CLASSES, **FUNCTIONS}


def labels_of(case: Case, arguments: Arguments, rng: np.random.Generator) -> labels.Pair:
    logits = case.options.get("logits") if arguments.get("from_logits") else None
    return (logits or case.options["kind"])(rng)


def largest_difference(name: str, case: Case, topic: str = "losses") -> float:
    found = 0.0
    for arguments, rng in case.arguments(name):
        y_true, y_pred = labels_of(case, arguments, rng)
        up_seed = int(rng.integers(2**31))
        extra = ()
        if "reduction" in case.choices and rng.random() < 0.6:
            each = {**arguments, "reduction": None}
            values = callable_of(module("gatework", topic), name, each)(y_true, y_pred)
            extra = (rng.uniform(0, 2, values.shape).astype("float32"),)
        theirs, ours = (
            callable_of(module(library, topic), name, arguments)
            for library in ("keras", "gatework")
        )
        expected = both_sides_keras(theirs, y_true, y_pred, extra, up_seed)
        found = max(found, worst(both_sides(ours, y_true, y_pred, extra, up_seed), expected))
    return found


def callable_of(library: Any, name: str, arguments: Arguments) -> Any:
    """The loss object, or the function with its arguments."""
    thing = getattr(library, name)
    if name[0].isupper():
        return thing(**made(arguments, library))
    return lambda y_true, y_pred: thing(y_true, y_pred, **arguments)


def both_sides_keras(
    loss: Any, y_true: np.ndarray, y_pred: np.ndarray, extra: tuple, seed: int
) -> list:
    """Value and gradient with respect to the predictions."""
    source = tensor(y_pred)
    value = loss(y_true, source, *extra)
    up = np.random.default_rng(seed).normal(size=tuple(value.shape)).astype("float32")
    return [as_array(value), *torch_gradients([value], [source], [up])]


def both_sides(loss: Any, y_true: np.ndarray, y_pred: np.ndarray, extra: tuple, seed: int) -> list:
    source = gatework.Tensor(y_pred)
    with gatework.GradientTape() as tape:
        tape.watch(source)
        value = loss(y_true, source, *extra)
    up = np.random.default_rng(seed).normal(size=value.shape).astype("float32")
    gradient = tape.gradient(value, source, output_gradients=gatework.Tensor(up))
    return [value, gradient]


__all__ = ["CASES", "OMITTED", "largest_difference"]
