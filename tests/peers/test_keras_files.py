"""Files both ways: Keras 3.15 opens what we save, we open what Keras saves; predictions agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

IDS = np.array([[1, 2, 3, 0, 0], [9, 8, 5, 6, 1], [4, 7, 3, 2, 0], [5, 0, 0, 0, 0]])
CLASSES = np.array([0, 2, 1, 2])
NUMBERS = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)


Libraries = tuple[Any, Any]
DIRECTIONS = [
    pytest.param((gatework, keras), id="to_keras"),
    pytest.param((keras, gatework), id="from_keras"),
]


def tutorial(K: Any) -> Any:
    """No input layer: the shapes come from the first batch."""
    return K.models.Sequential(
        [
            K.layers.Embedding(input_dim=10, output_dim=4),
            K.layers.SpatialDropout1D(0.2),
            K.layers.LSTM(6, dropout=0.2, recurrent_dropout=0.2),
            K.layers.Dense(3, activation="softmax"),
        ]
    )


def named(K: Any) -> Any:
    """Chosen names, a mask, wrapped layers, both kinds of GRU."""
    return K.models.Sequential(
        [
            K.layers.Input((None,), name="words"),
            K.layers.Embedding(10, 4, mask_zero=True, name="table"),
            K.layers.Bidirectional(
                K.layers.GRU(3, return_sequences=True, reset_after=False),
                name="both",
                merge_mode="sum",
            ),
            K.layers.GRU(5, return_sequences=True, name="second"),
            K.layers.TimeDistributed(K.layers.Dense(4, activation="relu"), name="each"),
            K.layers.Bidirectional(K.layers.LSTM(2, name="inner")),
            K.layers.Dense(3, activation="softmax", name="classes"),
        ],
        name="everything",
    )


def options(K: Any) -> Any:
    """Arguments that are objects: initializers, regularizers, constraints."""
    return K.models.Sequential(
        [
            K.layers.Input((5, 3)),
            K.layers.Masking(mask_value=9.0),
            K.layers.SimpleRNN(
                4,
                activation="relu",
                return_sequences=True,
                kernel_initializer=K.initializers.HeNormal(seed=3),
                recurrent_initializer="identity",
                kernel_regularizer=K.regularizers.L1L2(1e-3, 1e-2),
                recurrent_constraint=K.constraints.MaxNorm(2.0),
            ),
            K.layers.Dropout(0.3, seed=5),
            K.layers.LSTM(4, unit_forget_bias=False, use_bias=True, go_backwards=True),
            K.layers.Activation("gelu"),
            K.layers.Reshape((2, 2)),
            K.layers.Flatten(),
            K.layers.Dense(3, activation="softmax", use_bias=False),
        ]
    )


def stateful(K: Any) -> Any:
    """A fixed batch: state variables are part of the layer, not of the file's answers."""
    return K.models.Sequential(
        [
            K.layers.Input(batch_shape=(4, 5, 3)),
            K.layers.LSTM(4, stateful=True),
            K.layers.Dense(3, activation="softmax"),
        ]
    )


def trained(K: Any) -> Any:
    """Small and without dropout, so that both sides make the same step."""
    return K.models.Sequential(
        [
            K.layers.Input((5,)),
            K.layers.Embedding(10, 4, mask_zero=True),
            K.layers.GRU(3),
            K.layers.Dense(3, activation="softmax"),
        ]
    )


Maker = Callable[[Any], Any]
MAKERS = [(tutorial, IDS), (named, IDS), (options, NUMBERS), (stateful, NUMBERS)]
IDENTITIES = [maker.__name__ for maker, _ in MAKERS]


def fresh(K: Any, maker: Maker, x: np.ndarray) -> Any:
    """A compiled model with weights that are not the initial ones."""
    K.utils.set_random_seed(7)
    model = maker(K)
    if not model.built:
        model.build(x.shape)
    model.compile(
        loss="sparse_categorical_crossentropy",
        optimizer=K.optimizers.Adam(learning_rate=0.01),
        metrics=["accuracy"],
    )
    # Keras warns where a file's optimizer has no slots yet.
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(12)
    model.set_weights([rng.normal(0, 0.5, w.shape).astype(w.dtype) for w in model.get_weights()])
    if maker is stateful:
        for layer in model.layers:
            if hasattr(layer, "reset_states"):
                layer.reset_states()
    return model


@pytest.mark.parametrize("libraries", DIRECTIONS)
@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize(("maker", "x"), MAKERS, ids=IDENTITIES)
def test_whole_model(
    tmp_path: Path, libraries: Libraries, ending: str, maker: Maker, x: np.ndarray
) -> None:
    writer, reader = libraries
    model = fresh(writer, maker, x)
    model.save(tmp_path / f"model.{ending}")
    expected = model.predict(x, verbose=0)
    loaded = reader.models.load_model(tmp_path / f"model.{ending}")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("libraries", DIRECTIONS)
@pytest.mark.parametrize(("maker", "x"), MAKERS, ids=IDENTITIES)
def test_weights_file(tmp_path: Path, libraries: Libraries, maker: Maker, x: np.ndarray) -> None:
    writer, reader = libraries
    model = fresh(writer, maker, x)
    model.save_weights(tmp_path / "model.weights.h5")
    other = maker(reader)
    if not other.built:
        other.build(x.shape)
    other.load_weights(tmp_path / "model.weights.h5")
    for own, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(own, theirs, strict=True)


@pytest.mark.parametrize("libraries", DIRECTIONS)
@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("optimizer", ["rmsprop", "adamw"])
def test_training_goes_on(
    tmp_path: Path, libraries: Libraries, ending: str, optimizer: str
) -> None:
    """The optimizer's slots travel too: the next step is the one the writer would have made."""
    writer, reader = libraries
    if ending == "h5" and reader is keras:
        pytest.skip("Keras 3.15 builds the optimizer of an .h5, also its own, for no weights")
    model = fresh(writer, trained, IDS)
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    for _ in range(2):
        model.train_on_batch(IDS, CLASSES)
    model.save(tmp_path / f"model.{ending}")
    loaded = reader.models.load_model(tmp_path / f"model.{ending}")
    model.reset_metrics()
    expected = model.train_on_batch(IDS, CLASSES)
    np.testing.assert_allclose(loaded.train_on_batch(IDS, CLASSES), expected, rtol=1e-5)
    assert int(loaded.optimizer.iterations) == 3
    for own, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-5, atol=1e-5)
