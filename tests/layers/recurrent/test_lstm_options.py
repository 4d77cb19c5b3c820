"""What LSTM, GRU and SimpleRNN take beyond Keras, each with everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import Input, models, reference
from gatework.layers import GRU, LSTM, RNN, Bidirectional, Dense, LSTMCell, SimpleRNN

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype(np.float32)
MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 1, 1, 1], [0, 0, 0, 1, 1]], bool)
OPTIONS: dict[str, dict[str, Any]] = {
    "peepholes": {"peepholes": True, "peephole_initializer": "ones"},
    "cell_clip": {"cell_clip": 0.1},
    "projection": {"projection": 2},
    "activation_clip": {"activation_clip": 0.2},
    "zoneout": {"zoneout": 0.2, "cell_zoneout": 0.1},
    "layers": {"num_layers": 2, "layer_dropout": 0.2},
    "all": {
        "peepholes": True,
        "peephole_initializer": "ones",
        "cell_clip": 0.2,
        "projection": 4,
        "activation_clip": 0.5,
        "zoneout": 0.1,
        "cell_zoneout": 0.1,
        "num_layers": 2,
    },
}
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def built(**options: Any) -> Any:
    layer = LSTM(6, return_sequences=True, return_state=True, **options)
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0, 0.7, w.shape) for w in layer.weights])
    return layer


def close(own: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(own), np.asarray(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["peepholes", "cell_clip", "projection", "activation_clip"])
def test_like_the_reference(name: str) -> None:
    layer = built(**OPTIONS[name], go_backwards=True)
    by_name = {w.name: w.numpy().astype(np.float64) for w in layer.weights}
    y, states, _ = reference.recurrent(
        "lstm_peephole",
        X.astype(np.float64),
        (by_name["kernel"], by_name["recurrent_kernel"], by_name["bias"]),
        mask=MASK,
        go_backwards=True,
        peepholes=by_name.get("peephole_kernel"),
        projection=by_name.get("projection_kernel"),
        cell_clip=layer.cell_clip or np.inf,
        activation_clip=layer.activation_clip or np.inf,
    )
    for a, b in zip(layer(X, mask=MASK), (y, *states), strict=True):
        close(a, b)
    plain = LSTM(6, return_sequences=True, go_backwards=True)
    plain.build(X.shape)
    if name != "projection":
        plain.set_weights([by_name[k] for k in ("kernel", "recurrent_kernel", "bias")])
        assert np.abs(plain(X, mask=MASK).numpy() - y).max() > 1e-2


@every_option
class TestWithEverythingElse:
    def test_files(self, options: dict[str, Any], tmp_path: Path) -> None:
        model = models.Sequential(
            [Input((5, 4)), Bidirectional(LSTM(6, **options, name="deep")), Dense(2)]
        )
        expected = model.predict(X, verbose=0)
        model.save(tmp_path / "model.keras")
        again = models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(again.predict(X, verbose=0), expected)
        assert again.layers[0].get_config() == model.layers[0].get_config()

    def test_a_stream_is_the_sequence(self, options: dict[str, Any]) -> None:
        layer = built(**options)
        expected, *final = layer(X)
        stream = layer.stream(batch_size=3)
        for t in range(5):
            close(stream.step(X[:, t]), expected.numpy()[:, t])
        for a, b in zip(stream.states, final, strict=True):
            close(a, b)
            assert a.shape == b.shape

    def test_states_carry_over(self, options: dict[str, Any]) -> None:
        layer = built(**options)
        whole, *final = layer(X)
        _, *between = layer(X[:, :2])
        rest, *again = layer(X[:, 2:], initial_state=between)
        close(rest, whole.numpy()[:, 2:])
        for a, b in zip(again, final, strict=True):
            close(a, b)
        assert [s.shape[1] for s in final] == layer.state_size
        assert layer.compute_output_shape(X.shape) == [whole.shape] + [s.shape for s in final]

    def test_both_dropouts_in_training(self, options: dict[str, Any]) -> None:
        layer = built(**options, dropout=0.5, recurrent_dropout=0.5, seed=1)
        still = layer(X)[0].numpy()
        assert (layer(X, training=True)[0].numpy() != still).any()
        np.testing.assert_array_equal(layer(X)[0].numpy(), still)

    def test_learns(self, options: dict[str, Any]) -> None:
        """The sum of a sequence's first feature, to a fraction of its variance."""
        rng = np.random.default_rng(2)
        x = rng.normal(0, 0.3, size=(64, 5, 4)).astype(np.float32)
        y = x[:, :, :1].sum(1)
        model = models.Sequential([Input((5, 4)), LSTM(6, **options), Dense(1)])
        model.compile(optimizer="adam", loss="mse")
        model.optimizer.learning_rate = 0.03
        losses = model.fit(x, y, epochs=30, batch_size=16, verbose=0).history["loss"]
        assert losses[-1] < 0.5 * losses[0]


def test_weights_and_sizes() -> None:
    layer = built(peepholes=True, projection=2)
    shapes = {w.name: w.shape for w in layer.weights}
    assert shapes == {
        "kernel": (4, 24),
        "recurrent_kernel": (2, 24),
        "bias": (24,),
        "peephole_kernel": (3, 6),
        "projection_kernel": (6, 2),
    }
    assert layer.state_size == [2, 6]
    cell = LSTMCell(6, projection=2)
    output, states = cell(X[:, 0], cell.get_initial_state(3))
    assert [output.shape, *(s.shape for s in states)] == [(3, 2), (3, 2), (3, 6)]
    assert RNN(cell, return_sequences=True)(X).shape == (3, 5, 2)


def test_peepholes_start_as_a_plain_lstm() -> None:
    plain, own = LSTM(6), LSTM(6, peepholes=True)
    plain.build(X.shape)
    own.build(X.shape)
    own.set_weights([*plain.get_weights(), np.zeros((3, 6))])
    close(own(X), plain(X))
    assert not LSTM(6).get_config().keys() & {"peepholes", "cell_clip", "projection"}


@pytest.mark.parametrize("kind", [GRU, SimpleRNN])
def test_bounded_sums_of_the_other_cells(kind: Any) -> None:
    free, own = kind(6), kind(6, activation_clip=0.1)
    free.build(X.shape)
    own.build(X.shape)
    own.set_weights(free.get_weights())
    assert np.abs(own(X).numpy()).max() <= np.tanh(0.1) + 1e-6
    assert kind.from_config(own.get_config()).activation_clip == 0.1
    stream = own.stream(3)
    for t in range(5):
        y = stream.step(X[:, t])
    close(y, own(X))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"projection": 6}, "projection must be smaller than units, 6, not 6"),
        ({"projection": 0}, "projection must be a positive integer, not 0"),
        ({"cell_clip": 0.0}, "cell_clip must be a positive number or None, not 0.0"),
        ({"cell_clip": True}, "cell_clip must be a positive number or None, not True"),
        ({"activation_clip": -1}, "activation_clip must be a positive number or None, not -1"),
    ],
)
def test_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        LSTM(6, **options)
