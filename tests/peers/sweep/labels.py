"""Labels and predictions of the kinds that losses and metrics take."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]
SHAPE = (4, 3, 5)


def numbers(rng: np.random.Generator) -> Pair:
    y_true, y_pred = rng.normal(0, 2, (2, *SHAPE)).astype("float32")
    return y_true, y_pred


def flat_numbers(rng: np.random.Generator) -> Pair:
    y_true = rng.normal(0, 2, (12, 3)).astype("float32")
    return y_true, (y_true + rng.normal(0, 1, y_true.shape)).astype("float32")


def positive(rng: np.random.Generator) -> Pair:
    y_true, y_pred = rng.uniform(0.1, 3, (2, *SHAPE)).astype("float32")
    return y_true, y_pred


def distributions(rng: np.random.Generator) -> Pair:
    y_true, y_pred = (softmax(rng.normal(0, 1.5, SHAPE)) for _ in range(2))
    return y_true, y_pred


def signs(rng: np.random.Generator) -> Pair:
    y_true = rng.choice([-1.0, 1.0], SHAPE).astype("float32")
    return y_true, rng.normal(size=SHAPE).astype("float32")


def binary(rng: np.random.Generator) -> Pair:
    y_true = rng.integers(0, 2, SHAPE).astype("float32")
    return y_true, rng.uniform(0.01, 0.99, SHAPE).astype("float32")


def binary_logits(rng: np.random.Generator) -> Pair:
    return binary(rng)[0], rng.normal(0, 2, SHAPE).astype("float32")


def one_hot(rng: np.random.Generator) -> Pair:
    return np.eye(5, dtype="float32")[rng.integers(0, 5, SHAPE[:-1])], distributions(rng)[1]


def one_hot_logits(rng: np.random.Generator) -> Pair:
    return one_hot(rng)[0], rng.normal(0, 2, SHAPE).astype("float32")


def flat_one_hot(rng: np.random.Generator) -> Pair:
    y_true, y_pred = one_hot(rng)
    return y_true.reshape(12, 5), y_pred.reshape(12, 5)


def sparse(rng: np.random.Generator) -> Pair:
    return rng.integers(0, 5, SHAPE[:-1]).astype("int32"), distributions(rng)[1]


def sparse_logits(rng: np.random.Generator) -> Pair:
    return sparse(rng)[0], one_hot_logits(rng)[1]


def flat_sparse(rng: np.random.Generator) -> Pair:
    y_true, y_pred = sparse(rng)
    return y_true.reshape(-1), y_pred.reshape(12, 5)


def classes(rng: np.random.Generator) -> Pair:
    y_true, y_pred = rng.integers(0, 4, (2, 4, 6)).astype("int32")
    return y_true, y_pred


def ranked(rng: np.random.Generator) -> Pair:
    """Class numbers, and for each the classes from the likeliest on."""
    order = np.argsort(rng.normal(size=(12, 5)), -1)[:, ::-1]
    return rng.integers(0, 5, 12).astype("int32"), np.ascontiguousarray(order).astype("int32")


def embeddings(rng: np.random.Generator) -> Pair:
    vectors = rng.normal(size=(8, 4))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return rng.integers(0, 3, 8).astype("int32"), vectors.astype("float32")


def label_sequences(rng: np.random.Generator) -> Pair:
    """Labels padded with zeros, and logits of more steps."""
    y_true = rng.integers(1, 5, (4, 3)).astype("int32")
    y_true[rng.random(4) < 0.5, -1] = 0
    return y_true, rng.normal(size=(4, 9, 5)).astype("float32")


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype("float32")


Kind = Callable[[np.random.Generator], Pair]
