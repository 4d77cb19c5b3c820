"""Whole trainings against Keras, live: random data, then the same epochs on both sides."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")


def language_model(K: Any) -> Any:
    return K.models.Sequential(
        [
            K.layers.Input((8,)),
            K.layers.Embedding(20, 6, mask_zero=True),
            K.layers.LSTM(9, return_sequences=True),
            K.layers.Dense(20, activation="softmax"),
        ]
    )


def classifier(K: Any) -> Any:
    return K.models.Sequential(
        [
            K.layers.Input((8,)),
            K.layers.Embedding(20, 6, mask_zero=True),
            K.layers.Bidirectional(K.layers.GRU(5)),
            K.layers.Dense(1, activation="sigmoid"),
        ]
    )


@pytest.mark.parametrize(
    ("maker", "loss", "optimizer"),
    [
        (language_model, "sparse_categorical_crossentropy", ("Adam", {"clipnorm": 0.5})),
        (classifier, "binary_crossentropy", ("RMSprop", {"momentum": 0.5})),
    ],
)
def test_three_epochs(maker: Any, loss: str, optimizer: tuple[str, dict]) -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(1, 20, (45, 8))
    x[np.arange(8) >= rng.integers(1, 9, (45, 1))] = 0
    y = np.roll(x, -1, 1) if maker is language_model else rng.integers(0, 2, (45, 1))
    # One weight per loss: Keras cannot spread a row's weight over its masked steps.
    weight = rng.uniform(0.2, 2, (45, 8) if maker is language_model else 45).astype(np.float32)
    start: list[np.ndarray] = []
    histories, ends = [], []
    for K in (keras, gatework):
        model = maker(K)
        start = start or [rng.normal(0, 0.3, w.shape).astype("f4") for w in model.get_weights()]
        model.set_weights(start)
        made = getattr(K.optimizers, optimizer[0])(learning_rate=0.01, **optimizer[1])
        model.compile(loss=loss, optimizer=made, metrics=["accuracy"], weighted_metrics=[loss])
        history = model.fit(
            x, y, sample_weight=weight, epochs=3, batch_size=16, shuffle=False, verbose=0,
            validation_data=(x[:20], y[:20]),
        )  # fmt: skip
        histories.append(history.history)
        ends.append(model.get_weights())
    assert set(histories[1]) == set(histories[0])
    for key, expected in histories[0].items():
        # On PyTorch, Keras' loss multiplies the given weights by the mask in place, and scales them
        # anew in every batch, before a weighted metric reads them.
        if maker is language_model and key == loss:
            continue
        np.testing.assert_allclose(histories[1][key], expected, rtol=1e-4, atol=1e-4, err_msg=key)
    for own, theirs in zip(ends[1], ends[0], strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-4, atol=1e-4)
