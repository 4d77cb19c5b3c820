"""Zoneout in the recurrent layers: what is drawn, what is expected, and everything beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, models, ops, random, reference
from gatework.layers import GRU, LSTM, RNN, Bidirectional, Dense, Input, LSTMCell, SimpleRNN

X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 1, 1, 1], [0, 0, 0, 1, 1]], bool)
KINDS: dict[str, tuple[Any, dict[str, float]]] = {
    "lstm": (LSTM, {"zoneout": 0.3, "cell_zoneout": 0.2}),
    "gru": (GRU, {"zoneout": 0.3}),
    "simple_rnn": (SimpleRNN, {"zoneout": 0.3}),
}
every_kind = pytest.mark.parametrize("name", KINDS)


def layer_of(name: str, **options: Any) -> Any:
    kind, rates = KINDS[name]
    return kind(6, return_sequences=True, return_state=True, seed=1, **rates, **options)


def close(own: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(own), np.asarray(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("training", [False, True])
@every_kind
def test_like_the_reference(name: str, training: bool, go_backwards: bool) -> None:
    """The masks of a call come from the next seed of the layer."""
    layer = layer_of(name, go_backwards=go_backwards)
    outputs = layer(X, mask=MASK, training=training)
    rates = tuple(KINDS[name][1].values())
    factors: Any = [np.full((3, 5, 6), rate) for rate in rates]
    if training:
        factors = reference.zoneout_masks((3, 5, 6), rates, random.SeedGenerator(1).next())
    y, states, _ = reference.recurrent(
        name,
        X.astype(np.float64),
        tuple(w.numpy().astype(np.float64) for w in layer.weights),
        mask=MASK,
        go_backwards=go_backwards,
        zoneout=[z.astype(np.float64) for z in factors],
    )
    for a, b in zip(outputs, (y, *states), strict=True):
        close(a, b)


@every_kind
def test_the_share_of_units_that_keep_their_value(name: str) -> None:
    """Of 40,000 draws: five standard deviations are 0.011. Other calls draw anew."""
    kind, rates = KINDS[name]
    layer = kind(20, return_sequences=True, **rates)
    x = np.random.default_rng(1).normal(size=(20, 101, 4)).astype(np.float32)
    y = layer(x, training=True).numpy()
    kept = y[:, 1:] == y[:, :-1]
    assert abs(kept.mean() - 0.3) < 0.012
    assert (layer(x, training=True).numpy() != y).any()
    assert not (np.diff(layer(x).numpy(), axis=1) == 0).any()


@every_kind
def test_the_gradient_in_prediction_is_that_of_the_expectation(name: str) -> None:
    layer = layer_of(name)
    layer(X)
    kernel = layer.cell.kernel
    with GradientTape() as tape:
        y = layer(X)[0]
        loss = ops.sum(y * y)
    found = tape.gradient(loss, kernel).numpy()
    before, step = kernel.numpy(), np.zeros_like(found)
    step[1, 2] = 1e-2
    losses = []
    for sign in (1, -1):
        kernel.assign(before + sign * step)
        losses.append(float((layer(X)[0].numpy().astype(np.float64) ** 2).sum()))
    assert abs((losses[0] - losses[1]) / 2e-2 - found[1, 2]) < 1e-3 * np.abs(found).max()


def test_a_cell_step_by_step_draws_at_every_step() -> None:
    cell = LSTMCell(50, zoneout=0.5, cell_zoneout=0.5, seed=3)
    states = cell.get_initial_state(2)
    x = np.ones((2, 4), np.float32)
    _, states = cell(x, states)
    kept = []
    for _ in range(2):
        output, _ = cell(x, states, training=True)
        kept.append(output.numpy() == states[0].numpy())
    assert 0.3 < np.mean(kept) < 0.7
    assert (kept[0] != kept[1]).any()
    assert RNN(cell)(X, training=True).shape == (3, 50)


@pytest.mark.parametrize("levels", [1, 2])
@every_kind
def test_both_directions_layers_and_batches_that_follow_each_other(name: str, levels: int) -> None:
    kind, rates = KINDS[name]
    one = kind(6, stateful=True, num_layers=levels, seed=2, **rates)
    model = models.Sequential([Input((5, 4), batch_size=3), Bidirectional(one), Dense(1)])
    model.compile("sgd", "mse")
    first = model.predict(X, verbose=0)
    assert (model.predict(X, verbose=0) != first).any()
    model.reset_states()
    np.testing.assert_array_equal(model.predict(X, verbose=0), first)
    model.fit(X, first, batch_size=3, epochs=2, verbose=0)
    again = models.model_from_json(model.to_json())
    assert again.get_config() == model.get_config()
    assert again.layers[0].forward_layer.zoneout == 0.3


def test_not_in_the_configuration_unless_set() -> None:
    for kind in (LSTM, GRU, SimpleRNN):
        assert not kind(3).get_config().keys() & {"zoneout", "cell_zoneout"}


@pytest.mark.parametrize("rate", [1.0, -0.1, True, "0.1", float("nan")])
def test_refused(rate: Any) -> None:
    for kind in (LSTM, GRU, SimpleRNN):
        with pytest.raises(ValueError, match=r"^zoneout must be in \[0, 1\), not"):
            kind(3, zoneout=rate)
    with pytest.raises(ValueError, match=r"^cell_zoneout must be in \[0, 1\), not"):
        LSTM(3, cell_zoneout=rate)
