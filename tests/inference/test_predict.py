"""`model.predict` on programs: the same numbers, the same errors, always of the present model."""

import re
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.autograd import no_recording
from gatework.inference import predicting
from hypothesis import given

from tests.inference.models import batches, float_models, id_models, shaken


def by_layers(model: Any, x: Any) -> Any:
    with no_recording():
        return model(x, training=False).numpy()


def uses_program(model: Any, x: Any) -> bool:
    return predicting.predicted(model, (x,)) is not None


@given(model=float_models(), x=batches(ids=False))
def test_predict_of_floats_is_what_the_layers_compute(model: Any, x: Any) -> None:
    try:
        wanted = by_layers(model, x)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            model.predict(x, verbose=0)
        return
    np.testing.assert_array_equal(model.predict(x, verbose=0, batch_size=8), wanted)


@given(model=id_models(), x=batches(ids=True))
def test_predict_of_ids_is_what_the_layers_compute(model: Any, x: Any) -> None:
    try:
        wanted = by_layers(model, x)
    except ValueError:
        return
    np.testing.assert_array_equal(model.predict(x, verbose=0, batch_size=8), wanted)


@pytest.fixture
def model() -> Any:
    return shaken(
        gatework.Sequential(
            [layers.Input((None, 3)), layers.LSTM(5), layers.Dense(4, "tanh", name="last")]
        ),
        1,
    )


X = np.random.default_rng(0).normal(size=(7, 6, 3)).astype("float32")


def check(model: Any) -> None:
    assert uses_program(model, X)
    np.testing.assert_array_equal(model.predict(X, verbose=0), by_layers(model, X))
    np.testing.assert_array_equal(model.predict(X[:1], verbose=0), by_layers(model, X[:1]))


def test_it_follows_the_weights(model: Any) -> None:
    check(model)
    model.set_weights([w * 0.5 for w in model.get_weights()])
    check(model)
    model.layers[-1].bias.assign_add(np.ones(4))
    check(model)
    model.compile("adam", "mse")
    for _ in range(2):
        model.fit(X, np.zeros((7, 4)), verbose=0)
        check(model)


def test_it_follows_the_layers(model: Any) -> None:
    check(model)
    model.layers[0].return_sequences = True
    check(model)
    model.layers[0].go_backwards = True
    check(model)
    model.pop()
    check(model)
    model.add(layers.Dense(2))
    check(model)
    model.layers[-1].call = lambda inputs, training=False: inputs * 2.0
    assert not uses_program(model, X)
    np.testing.assert_array_equal(model.predict(X, verbose=0), by_layers(model, X))


def test_it_follows_the_instruction_set(model: Any, isa: str) -> None:
    check(model)


class Doubled(gatework.Model):
    """A model that predicts in its own way."""

    def predict_step(self, data: Any) -> Any:
        return super().predict_step(data) * 2.0


class Traced(gatework.Model):
    """A model that trains in its own way, and predicts like any other."""

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def test_what_computes_otherwise_stays_with_the_layers(model: Any) -> None:
    entry = layers.Input((None, 3))
    output = layers.GRU(4)(entry)
    for cls, uses in ((Doubled, False), (Traced, True), (gatework.Model, True)):
        other = cls(entry, output)
        assert uses_program(other, X) is uses
        factor = 2.0 if cls is Doubled else 1.0
        np.testing.assert_array_equal(
            other.predict(X, verbose=0), by_layers(other, X) * np.float32(factor)
        )


def test_stateful_layers_keep_their_states() -> None:
    model = gatework.Sequential([layers.Input((None, 3)), layers.LSTM(4, stateful=True)])
    assert not uses_program(model, X)
    assert not np.array_equal(model.predict(X, verbose=0), model.predict(X, verbose=0))


def test_sequences_of_unequal_length_and_their_masks() -> None:
    model = shaken(gatework.Sequential([layers.GRU(4, return_sequences=True)]), 0)
    sequences = [X[0, :n] for n in (2, 6, 3)]
    model.build((None, None, 3))
    found = model.predict(sequences, verbose=0)
    for sequence, one in zip(sequences, found, strict=True):
        np.testing.assert_allclose(one, by_layers(model, sequence[None])[0], rtol=1e-6, atol=1e-6)


def test_errors_are_those_of_the_layers(model: Any) -> None:
    bad = np.zeros((2, 6, 4), "float32")
    with pytest.raises(ValueError, match="lstm") as wanted:
        by_layers(model, bad)
    with pytest.raises(ValueError, match=re.escape(str(wanted.value))) as found:
        model.predict(bad, verbose=0)
    assert found.value.__notes__ == ["in predict, at batch 0"]


def test_structures_are_those_of_the_model() -> None:
    a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
    hidden = layers.Add()([a, b])
    model = gatework.Model({"a": a, "b": b}, {"x": layers.Dense(2)(hidden), "y": [hidden]})
    x = {"b": np.ones((2, 3)), "a": np.zeros((2, 3))}
    found = model.predict(x, verbose=0)
    assert found.keys() == {"x", "y"}
    assert found["x"].shape == (2, 2)
    np.testing.assert_array_equal(found["y"][0], np.ones((2, 3)))
