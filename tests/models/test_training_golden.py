"""Optimizers and whole trainings against Keras 3.15, from the same weights and data.

One optimizer step to 1e-5; losses and metrics of ten epochs to 1e-4.
"""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers, models, optimizers

from tests.golden.store import read

GOLDEN = read("training.npz")


def make(module: Any, spec: list[Any]) -> Any:
    """The object that a class name and its arguments stand for."""
    name, arguments = spec[0], dict(spec[1])
    if "layer" in arguments:
        arguments["layer"] = make(module, arguments["layer"])
    if isinstance(arguments.get("learning_rate"), list):
        arguments["learning_rate"] = make(optimizers.schedules, arguments["learning_rate"])
    return getattr(module, name)(**arguments)


@pytest.mark.parametrize("name", GOLDEN["optimizers"])
def test_optimizer_steps(name: str) -> None:
    case = GOLDEN["optimizers"][name]
    optimizer = make(optimizers, case["optimizer"])
    variables = [gatework.Variable(start) for start in case["start"]]
    for gradients, after in zip(case["gradients"], case["after"], strict=True):
        optimizer.apply([gatework.Tensor(g) for g in gradients], variables)
        for variable, expected in zip(variables, after, strict=True):
            np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", GOLDEN["schedules"])
def test_schedule(name: str) -> None:
    case = GOLDEN["schedules"][name]
    schedule = make(optimizers.schedules, case["schedule"])
    values = [float(schedule(step)) for step in range(len(case["values"]))]
    np.testing.assert_allclose(values, case["values"], rtol=1e-6, atol=1e-9)


def compiled(case: dict[str, Any]) -> Any:
    """The case's model with Keras' initial weights, ready to train."""
    model = models.Sequential([make(layers, spec) for spec in case["layers"]])
    model.build(case["x"].shape if isinstance(case["x"], np.ndarray) else (None, len(case["x"][0])))
    model.set_weights(case["start"])
    model.compile(optimizer=make(optimizers, case["optimizer"]), **case["compile"])
    return model


def pair(case: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets as arrays: ids stay integers."""
    return np.asarray(case["x"]), np.asarray(case["y"])


@pytest.mark.parametrize("name", GOLDEN["models"])
def test_ten_epochs(name: str) -> None:
    case = GOLDEN["models"][name]
    model = compiled(case)
    x, y = pair(case)
    history = model.fit(
        x,
        y,
        epochs=10,
        batch_size=case["batch_size"],
        shuffle=False,
        verbose=0,
        validation_split=case["validation_split"],
        class_weight=dict(case["class_weight"]) if case["class_weight"] else None,
        sample_weight=case["sample_weight"],
    ).history
    assert set(history) == set(case["history"])
    for key, expected in case["history"].items():
        np.testing.assert_allclose(history[key], expected, rtol=1e-4, atol=1e-4, err_msg=key)
    for own, theirs in zip(model.get_weights(), case["end"], strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(model.predict(x, verbose=0), case["predict"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", GOLDEN["models"])
def test_evaluate_and_train_on_batch(name: str) -> None:
    case = GOLDEN["models"][name]
    model = compiled(case)
    model.set_weights(case["end"])
    x, y = pair(case)
    result = model.evaluate(x, y, batch_size=case["batch_size"], verbose=0, return_dict=True)
    assert set(result) == set(case["evaluate"])
    for key, expected in case["evaluate"].items():
        np.testing.assert_allclose(result[key], expected, rtol=1e-4, atol=1e-4, err_msg=key)
    assert model.metrics_names == case["metrics_names"]
    values = model.train_on_batch(x[:4], y[:4])
    np.testing.assert_allclose(values, case["train_on_batch"], rtol=1e-4, atol=1e-4)
