"""Every layer and optimizer in files, both ways with Keras 3.15: predictions, weights, training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest

from tests.peers.file_rows import (
    FLAT,
    IDS,
    LAYERS,
    NO_ROWS,
    OPTIMIZERS,
    model_of,
    two_ends,
)
from tests.peers.keras_side import as_array

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

DIRECTIONS = [
    pytest.param((gatework, keras), id="to_keras"),
    pytest.param((keras, gatework), id="from_keras"),
]
CLASSES = np.array([0, 2, 1, 2])


def here(table: dict[str, Any], names: Any) -> list[str]:
    """The rows whose class the package has; a row may have more to its name than the class."""
    known = set(names)
    return [row for row in table if row in known or row.rpartition("_")[0].split("_")[0] in known]


def classes(module: Any) -> list[str]:
    """The classes of a module, each under its own name."""
    named = ((name, getattr(module, name)) for name in module.__all__ if name[0].isupper())
    return [name for name, thing in named if getattr(thing, "__name__", "") == name]


def randomized(model: Any) -> Any:
    rng = np.random.default_rng(12)
    values = [w if w.dtype.kind != "f" else rng.uniform(0.1, 0.6, w.shape).astype(w.dtype)
              for w in model.get_weights()]  # fmt: skip
    model.set_weights(values)
    return model


def outputs(model: Any, x: Any) -> np.ndarray:
    return as_array(model(x, training=False))


@pytest.mark.parametrize("name", [n for n in classes(gatework.layers) if n not in NO_ROWS])
def test_there_is_a_row(name: str) -> None:
    assert not hasattr(keras.layers, name) or name in LAYERS


@pytest.mark.parametrize("name", [n for n in classes(gatework.optimizers) if n != "Optimizer"])
def test_there_is_a_row_of_the_optimizer(name: str) -> None:
    assert not hasattr(keras.optimizers, name) or name in OPTIMIZERS


@pytest.mark.parametrize("libraries", DIRECTIONS)
@pytest.mark.parametrize("name", here(LAYERS, classes(gatework.layers)))
def test_layer(tmp_path: Path, libraries: Any, name: str) -> None:
    writer, reader = libraries
    model, x = model_of(writer, name)
    expected = outputs(randomized(model), x)
    for ending in ("keras", "h5"):
        model.save(tmp_path / f"m.{ending}")
        loaded = reader.models.load_model(tmp_path / f"m.{ending}", compile=False)
        np.testing.assert_allclose(outputs(loaded, x), expected, rtol=1e-5, atol=1e-5)
        assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    model.save_weights(tmp_path / "m.weights.h5")
    other, _ = model_of(reader, name)
    other.load_weights(tmp_path / "m.weights.h5")
    for own, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(own, theirs)


def classifier(K: Any) -> Any:
    return K.Sequential(
        [
            K.layers.Input((5,)),
            K.layers.Embedding(10, 4, mask_zero=True),
            K.layers.SimpleRNN(3),
            K.layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("libraries", DIRECTIONS)
@pytest.mark.parametrize("name", here(OPTIMIZERS, classes(gatework.optimizers)))
def test_optimizer(tmp_path: Path, libraries: Any, name: str) -> None:
    """Three steps, a file, two more steps on either side: the same weights."""
    writer, reader = libraries
    model = randomized(classifier(writer))
    model.compile(OPTIMIZERS[name](writer), "sparse_categorical_crossentropy")
    for _ in range(3):
        model.train_on_batch(IDS, CLASSES)
    model.save(tmp_path / "m.keras")
    loaded = reader.models.load_model(tmp_path / "m.keras")
    assert type(loaded.optimizer).__name__ == type(model.optimizer).__name__
    for _ in range(2):
        model.train_on_batch(IDS, CLASSES)
        loaded.train_on_batch(IDS, CLASSES)
    for own, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-5, atol=1e-5)
    states = zip(loaded.optimizer.variables, model.optimizer.variables, strict=True)
    for own, theirs in states:
        np.testing.assert_allclose(as_array(own), as_array(theirs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("libraries", DIRECTIONS)
def test_a_functional_model_goes_on(tmp_path: Path, libraries: Any) -> None:
    """Structures of inputs, outputs, losses and metrics are those of the writer."""
    writer, reader = libraries
    model = randomized(two_ends(writer))
    x = {"words": IDS, "numbers": FLAT}
    y = {"kind": CLASSES, "size": FLAT[:, :2]}
    for _ in range(2):
        model.train_on_batch(x, y)
    model.save(tmp_path / "m.keras")
    loaded = reader.models.load_model(tmp_path / "m.keras")
    model.reset_metrics()
    expected = model.train_on_batch(x, y, return_dict=True)
    found = loaded.train_on_batch(x, y, return_dict=True)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)
    theirs = model.predict(x, verbose=0)
    for name, value in loaded.predict(x, verbose=0).items():
        np.testing.assert_allclose(value, theirs[name], rtol=1e-5, atol=1e-5)
