"""Models and public functions through pickle, as joblib and multiprocessing send them."""

from __future__ import annotations

import pickle
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from gatework import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    regularizers,
)

X = np.random.default_rng(1).normal(size=(4, 5, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "module", [activations, constraints, initializers, losses, metrics, ops, regularizers]
)
def test_public_names_are_pickled_by_reference(module: ModuleType) -> None:
    for name in module.__all__:
        value = getattr(module, name)
        assert pickle.loads(pickle.dumps(value)) is value, name


def sequential() -> Any:
    return models.Sequential(
        [layers.Input((5, 3)), layers.LSTM(4), layers.Dense(2, activation="tanh")]
    )


def functional() -> Any:
    x = layers.Input((5, 3))
    y = layers.GRU(4, activation="relu", return_sequences=True)(x)
    return models.Model(x, layers.Dense(2)(ops.mean(ops.tanh(y), axis=1)))


@pytest.mark.parametrize("make", [sequential, functional])
def test_a_trained_model_goes_on_where_it_was(make: Any) -> None:
    """Weights and the optimizer's state come along: the next step gives the same bits."""
    model = make()
    model.compile("adam", "mse")
    target = np.ones((4, 2), np.float32)
    model.fit(X, target, verbose=0)
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))
    for one in (model, twin):
        one.train_on_batch(X, target)
    for mine, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
