"""LSTM and GRU with layer normalization: the reference's numbers, files, streams, training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import models, reference, utils
from gatework.inference import compile
from gatework.layers import GRU, LSTM, Bidirectional, Dense, Input

X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 1, 1, 1], [0, 0, 0, 1, 1]], bool)
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "lstm": (LSTM, {}),
    "lstm with all": (LSTM, {"projection": 3, "cell_clip": 0.4, "zoneout": 0.1, "num_layers": 2}),
    "gru": (GRU, {}),
    "gru with all": (GRU, {"activation_clip": 0.7, "zoneout": 0.1, "num_layers": 2}),
}
every_kind = pytest.mark.parametrize("name", KINDS)


def built(name: str, **options: Any) -> Any:
    kind, more = KINDS[name]
    layer = kind(
        6, layer_normalization=True, return_sequences=True, return_state=True, **more, **options
    )
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0, 0.7, w.shape) for w in layer.weights])
    return layer


def close(own: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(own), np.asarray(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_like_the_reference(name: str) -> None:
    layer = built(name, go_backwards=True, norm_epsilon=0.1)
    by_name = {w.name: w.numpy().astype(np.float64) for w in layer.weights}
    y, states, _ = reference.recurrent(
        f"{name}_layer_norm",
        X.astype(np.float64),
        (by_name["kernel"], by_name["recurrent_kernel"], by_name["bias"]),
        mask=MASK,
        go_backwards=True,
        gamma=by_name["norm_gamma"],
        beta=by_name.get("norm_beta"),
        epsilon=0.1,
    )
    for a, b in zip(layer(X, mask=MASK), (y, *states), strict=True):
        close(a, b)


def test_weights() -> None:
    shapes = {w.name: w.shape for w in built("lstm").weights}
    assert shapes["norm_gamma"] == (9, 6)
    assert shapes["norm_beta"] == (6,)
    fresh = GRU(6, layer_normalization=True)
    fresh.build(X.shape)
    assert {w.name for w in fresh.weights} == {"kernel", "recurrent_kernel", "bias", "norm_gamma"}
    np.testing.assert_array_equal(fresh.cell.norm_gamma.numpy(), np.ones((6, 6)))


@every_kind
def test_the_scale_of_the_inputs_does_not_matter(name: str) -> None:
    """What layer normalization is for: with no ε to speak of, nor does that of the weights."""
    layer = built(name, norm_epsilon=1e-12)
    cells = getattr(layer.cell, "cells", [layer.cell])
    y = layer(X)[0].numpy()
    close(layer(8 * X)[0], y)
    for cell in cells:
        cell.recurrent_kernel.assign(4 * cell.recurrent_kernel.numpy())
    np.testing.assert_allclose(layer(X)[0].numpy(), y, atol=1e-4)


@every_kind
class TestWithEverythingElse:
    def test_files(self, name: str, tmp_path: Path) -> None:
        kind, more = KINDS[name]
        layer = kind(6, layer_normalization=True, norm_epsilon=0.01, **more, name="deep")
        model = models.Sequential([Input((5, 4)), Bidirectional(layer), Dense(2)])
        expected = model.predict(X, verbose=0)
        model.save(tmp_path / "model.keras")
        again = models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(again.predict(X, verbose=0), expected)
        assert again.layers[0].get_config() == model.layers[0].get_config()
        assert again.layers[0].forward_layer.norm_epsilon == 0.01

    def test_a_stream_is_the_sequence(self, name: str) -> None:
        layer = built(name, norm_epsilon=0.1)
        expected, *final = layer(X)
        stream = layer.stream(batch_size=3)
        for t in range(5):
            close(stream.step(X[:, t]), expected.numpy()[:, t])
        for a, b in zip(stream.states, final, strict=True):
            close(a, b)

    def test_new_gains_are_used_at_once(self, name: str) -> None:
        """Also where packed weights are kept."""
        layer = built(name)
        before = layer(X)[0].numpy()
        cell = getattr(layer.cell, "cells", [layer.cell])[0]
        cell.norm_gamma.assign(0.5 * cell.norm_gamma.numpy())
        assert (layer(X)[0].numpy() != before).any()

    def test_learns(self, name: str) -> None:
        """The sign of the first feature one step before the end."""
        kind, more = KINDS[name]
        utils.set_random_seed(1)
        rng = np.random.default_rng(2)
        x = rng.normal(size=(64, 5, 4)).astype(np.float32)
        y = np.sign(x[:, -2, :1])
        layer = kind(6, layer_normalization=True, **more)
        model = models.Sequential([Input((5, 4)), layer, Dense(1)])
        model.compile(optimizer="adam", loss="mse")
        model.optimizer.learning_rate = 0.03
        before = model.evaluate(x, y, verbose=0)
        model.fit(x, y, epochs=30, batch_size=16, verbose=0)
        assert model.evaluate(x, y, verbose=0) < 0.5 * before


def test_not_in_the_configuration_unless_set() -> None:
    for kind in (LSTM, GRU):
        assert not kind(3).get_config().keys() & {"layer_normalization", "norm_epsilon"}


@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_programs_run_it(kind: Any) -> None:
    model = models.Sequential([Input((5, 4)), kind(6, layer_normalization=True)])
    close(compile(model)(X), model(X))
    close(model.predict(X, verbose=0), model(X))


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (LSTM, {"peepholes": True}, "peepholes must be False with layer_normalization, not True"),
        (GRU, {"reset_after": False}, "reset_after must be True with layer_normalization, not"),
        (LSTM, {"norm_epsilon": 0.0}, "norm_epsilon must be .*, not 0.0"),
        (GRU, {"norm_epsilon": None}, "norm_epsilon must be .*, not None"),
    ],
)
def test_refused(kind: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        kind(3, layer_normalization=True, **options)
