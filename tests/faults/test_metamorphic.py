"""Two ways to one result, on whole models: no oracle is needed to see that one of them is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers, models
from gatework.autograd import GradientTape
from gatework.saving import load_model

RECURRENT = [layers.LSTM, layers.GRU, layers.SimpleRNN]
RNG = np.random.default_rng(86)
X = RNG.normal(size=(6, 7, 4)).astype(np.float32)
Y = RNG.normal(size=(6, 2)).astype(np.float32)


def model(make: Any) -> Any:
    gatework.utils.set_random_seed(86)
    made = models.Sequential(
        [
            layers.Input((None, 4)),
            layers.Masking(),
            make(9, return_sequences=True),
            layers.Bidirectional(make(5)),
            layers.Dense(2),
        ]
    )
    made.compile("sgd", "mse")
    return made


@pytest.mark.parametrize("make", RECURRENT)
def test_the_order_of_a_batch(make: Any) -> None:
    made, order = model(make), RNG.permutation(6)
    np.testing.assert_allclose(
        made.predict(X[order], verbose=0), made.predict(X, verbose=0)[order], atol=1e-6
    )


@pytest.mark.parametrize("make", RECURRENT)
@pytest.mark.parametrize("side", ["post", "pre"])
def test_masked_steps_added(make: Any, side: str) -> None:
    made = model(make)
    zeros = np.zeros((6, 3, 4), np.float32)
    longer = np.concatenate([X, zeros] if side == "post" else [zeros, X], axis=1)
    np.testing.assert_allclose(
        made.predict(longer, verbose=0), made.predict(X, verbose=0), atol=1e-6
    )


@pytest.mark.parametrize("make", RECURRENT)
def test_a_stateful_sequence_in_parts(make: Any) -> None:
    whole = make(5, return_sequences=True)
    expected = np.asarray(whole(X))
    parts = make(5, return_sequences=True, stateful=True)
    parts.build(X.shape)
    parts.set_weights(whole.get_weights())
    for cut in ((3,), (1, 2, 6)):
        parts.reset_states()
        found = np.concatenate([parts(part) for part in np.split(X, cut, axis=1)], axis=1)
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("make", RECURRENT)
def test_both_directions_of_a_reversed_sequence(make: Any) -> None:
    """With the weights of the two halves exchanged, the outputs are exchanged and reversed."""
    first = layers.Bidirectional(make(5, return_sequences=True))
    second = layers.Bidirectional(make(5, return_sequences=True))
    y = np.asarray(first(X))
    second.build(X.shape)
    weights = first.get_weights()
    half = len(weights) // 2
    second.set_weights(weights[half:] + weights[:half])
    reversed_ = np.asarray(second(X[:, ::-1]))
    expected = np.concatenate([y[..., 5:], y[..., :5]], axis=-1)[:, ::-1]
    np.testing.assert_allclose(reversed_, expected, atol=1e-6)


@pytest.mark.parametrize("make", RECURRENT)
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_saved_and_loaded(make: Any, ending: str, tmp_path: Path) -> None:
    """The same predictions to the bit, and after one more step of training too."""
    made = model(make)
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / f"m.{ending}")
    again = load_model(tmp_path / f"m.{ending}")
    np.testing.assert_array_equal(again.predict(X, verbose=0), made.predict(X, verbose=0))
    for one in (made, again):
        one.fit(X, Y, shuffle=False, verbose=0)
    np.testing.assert_array_equal(again.predict(X, verbose=0), made.predict(X, verbose=0))


@pytest.mark.parametrize("make", RECURRENT)
def test_the_loss_of_a_batch_is_the_mean_of_singles(make: Any) -> None:
    made = model(make)
    singles = [made.evaluate(X[i : i + 1], Y[i : i + 1], verbose=0) for i in range(6)]
    assert made.evaluate(X, Y, batch_size=6, verbose=0) == pytest.approx(np.mean(singles), rel=1e-5)
    assert made.evaluate(X, Y, batch_size=2, verbose=0) == pytest.approx(np.mean(singles), rel=1e-5)


@pytest.mark.parametrize("make", RECURRENT)
def test_the_gradient_of_a_batch_is_the_mean_of_singles(make: Any) -> None:
    made = model(make)

    def gradients(x: Any, y: Any) -> list[Any]:
        with GradientTape() as tape:
            loss = made.compute_loss(x, y, made(x, training=True))
        return [np.asarray(g) for g in tape.gradient(loss, made.trainable_variables)]

    singles = [gradients(X[i : i + 1], Y[i : i + 1]) for i in range(6)]
    for whole, parts in zip(gradients(X, Y), zip(*singles, strict=True), strict=True):
        size = max(np.abs(part).max() for part in parts)
        np.testing.assert_allclose(whole, np.mean(parts, axis=0), atol=1e-5 * size + 1e-7)
