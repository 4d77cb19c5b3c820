"""A misspelt argument or name gets an error that says what to write instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import callbacks, constraints, initializers, layers, losses, metrics, optimizers
from gatework._suggest import named_arguments, nearest, suggest
from gatework.models import Sequential
from gatework.optimizers import schedules

X = np.zeros((4, 5, 3), "float32")


def model(**compiled: Any) -> Any:
    made = Sequential([layers.Input((5, 3)), layers.LSTM(2)])
    made.compile(loss="mse", **compiled)
    return made


@pytest.mark.parametrize(
    ("call", "asked", "misspelt", "meant"),
    [
        (lambda: layers.LSTM(2, return_sequence=True), "LSTM", "return_sequence", "sequences"),
        (lambda: losses.Huber(detla=2.0), "Huber", "detla", "delta"),
        (lambda: metrics.BinaryAccuracy(treshold=0.1), "BinaryAccuracy", "treshold", "threshold"),
        (lambda: callbacks.EarlyStopping(patince=2), "EarlyStopping", "patince", "patience"),
        (lambda: initializers.RandomNormal(stdev=1.0), "RandomNormal", "stdev", "stddev"),
        (lambda: constraints.MaxNorm(maxvalue=1.0), "MaxNorm", "maxvalue", "max_value"),
        (lambda: optimizers.Adam(learnig_rate=1.0), "Adam", "learnig_rate", "learning_rate"),
        (
            lambda: schedules.ExponentialDecay(0.1, 3, decayrate=1.0),
            "ExponentialDecay",
            "decayrate",
            "decay_rate",
        ),
        (lambda: model(metric=["mae"]), "compile", "metric", "metrics"),
        (lambda: model().fit(X, X[:, 0, :2], epoch=2), "fit", "epoch", "epochs"),
        (lambda: model().evaluate(X, X[:, 0, :2], batchsize=2), "evaluate", "batchsize", "batch_"),
        (lambda: model().predict(X, batchsize=2), "predict", "batchsize", "batch_size"),
    ],
)
def test_misspelt_argument(call: Callable[[], Any], asked: str, misspelt: str, meant: str) -> None:
    with pytest.raises(
        (TypeError, ValueError), match=f"{asked} has no argument '{misspelt}'; nearest: .*{meant}"
    ):
        call()


def test_arguments_are_listed_where_none_is_near() -> None:
    with pytest.raises(ValueError, match=r"no argument 'lr'; known: .*'learning_rate'"):
        optimizers.Adam(lr=0.1)


@pytest.mark.parametrize(
    ("topic", "misspelt", "meant"),
    [
        ("layers", "Lstm", "LSTM"),
        ("losses", "MeanSquareError", "MeanSquaredError"),
        ("metrics", "BinaryAcuracy", "BinaryAccuracy"),
        ("optimizers", "Adamw", "AdamW"),
        ("callbacks", "EarlyStoping", "EarlyStopping"),
        ("utils", "to_categorial", "to_categorical"),
    ],
)
def test_misspelt_name_of_a_module(topic: str, misspelt: str, meant: str) -> None:
    with pytest.raises(AttributeError, match=f"attribute '{misspelt}'; nearest: .*'{meant}'"):
        getattr(getattr(gatework, topic), misspelt)


def test_misspelt_import() -> None:
    with pytest.raises(ImportError, match="'LTSM'; nearest: 'LSTM'"):
        from gatework.layers import LTSM  # noqa: F401


def test_forgotten_return_sequences() -> None:
    with pytest.raises(ValueError, match=r"axes, not 2: .*return_sequences=True"):
        Sequential([layers.Input((5, 3)), layers.LSTM(2), layers.LSTM(2)])


def test_callback_class_without_parentheses() -> None:
    with pytest.raises(TypeError, match=r"not the class EarlyStopping; write EarlyStopping\(\)"):
        model().fit(X, X[:, 0, :2], callbacks=[callbacks.EarlyStopping], verbose=0)


def test_named_arguments_keep_signature_and_values() -> None:
    def function(first: int, *, second: int = 2) -> tuple[int, int]:
        """Told."""
        return first, second

    checked = named_arguments(function)
    assert inspect.signature(checked) == inspect.signature(function)
    assert checked.__doc__ == "Told."
    assert checked(1, second=3) == (1, 3)
    with pytest.raises(TypeError, match="missing 1 required"):
        checked()  # type: ignore[call-arg]


def test_a_function_that_takes_any_argument_stays_as_it_is() -> None:
    def function(**anything: int) -> dict[str, int]:
        return anything

    assert named_arguments(function) is function


def test_nearest_is_silent_where_suggest_lists() -> None:
    assert nearest("xyz", ["alpha", "beta"]) == ""
    assert suggest("xyz", ["beta", "alpha"]) == "; known: 'alpha', 'beta'"
    assert nearest("alhpa", ["alpha", "beta"]) == "; nearest: 'alpha'"


def test_weights_of_an_unbuilt_model_are_not_saved(tmp_path: Path) -> None:
    unbuilt = Sequential([layers.LSTM(2)])
    with pytest.raises(ValueError, match=r"must have weights to be saved: build\(input_shape\)"):
        unbuilt.save_weights(tmp_path / "x.weights.h5")
    assert not list(tmp_path.iterdir())
