"""`model.predict` on programs: the same numbers, the same errors, always of the present model."""

import copy
import functools
import gc
import pickle
import re
import threading
import weakref
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.autograd import no_recording
from gatework.inference import predicting
from gatework.inference.lowering import lower
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


def lowerings(monkeypatch: Any) -> list[Any]:
    """The models that are lowered from now on."""
    found: list[Any] = []

    def counted(model: Any) -> Any:
        found.append(model)
        return lower(model)

    monkeypatch.setattr(predicting, "lower", counted)
    return found


def test_a_model_is_lowered_once_until_a_setting_changes(model: Any, monkeypatch: Any) -> None:
    seen = lowerings(monkeypatch)
    for _ in range(3):
        model.predict(X, verbose=0)
    assert len(seen) == 1
    model.set_weights([w * 0.5 for w in model.get_weights()])
    model.compile("adam", "mse")
    model.fit(X, np.zeros((7, 4)), verbose=0, epochs=2)
    before = len(seen)
    for _ in range(3):
        check(model)
    assert len(seen) <= before + 1
    model.layers[0].zero_output_for_mask = True
    check(model)
    assert len(seen) <= before + 2


def test_so_is_one_that_programs_cannot_have(monkeypatch: Any) -> None:
    model = gatework.Sequential([layers.Input((None, 3)), layers.LSTM(4, stateful=True)])
    seen = lowerings(monkeypatch)
    for _ in range(3):
        assert not uses_program(model, X)
    assert len(seen) == 1
    model.layers[0].stateful = False
    assert uses_program(model, X)


def test_it_follows_settings_wherever_they_are(model: Any) -> None:
    inner = gatework.Sequential([layers.Input((4,)), layers.Dense(3, "relu"), layers.Dense(2)])
    outer = shaken(gatework.Sequential([model, inner]), 5)
    outer.build((None, None, 3))
    check(outer)
    inner.layers[0].activation = gatework.activations.get("tanh")
    inner.layers[0]._fused = "tanh"
    check(outer)
    model.layers[0].cell.activation_clip = 0.1
    check(outer)
    for one in outer._flatten_layers():
        one.dtype_policy = "mixed_bfloat16"
    check(outer)
    outer.trainable = False
    check(outer)
    inner.pop()
    check(outer)
    model.layers[-1].call = lambda inputs, training=False: inputs * 2.0
    assert not uses_program(outer, X)
    del model.layers[-1].call
    check(outer)


def test_it_follows_weights_however_they_are_written(model: Any) -> None:
    kernel = model.layers[-1].kernel
    check(model)
    before = model.predict(X, verbose=0)
    kernel.numpy()[:] = 9.0  # a copy
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    values = kernel.numpy()
    kernel.assign(values)
    values[:] = 9.0  # the variable has copied it
    check(model)
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    kernel.assign_sub(np.ones(kernel.shape))
    check(model)
    kernel._value *= 2.0  # as an optimizer does
    kernel.touch()
    check(model)
    model.layers[-1].kernel = gatework.Variable(np.ones(kernel.shape))
    check(model)
    assert not np.array_equal(model.predict(X, verbose=0), before)


def test_copies_find_out_for_themselves(model: Any) -> None:
    check(model)
    assert pickle.loads(pickle.dumps(model._kept_program)).linked is None
    for other in (copy.deepcopy(model), gatework.models.clone_model(model)):
        check(other)
        other.layers[-1].kernel.assign(np.ones((5, 4)))
        check(other)
        check(model)


def test_a_model_that_predicted_goes_when_nobody_has_it() -> None:
    model = gatework.Sequential([layers.Input((None, 3)), layers.GRU(4), layers.Dense(2)])
    model.layers[0].around = functools.partial(id, model)  # a cycle of the user's
    check(model)
    gone = weakref.ref(model.layers[-1].bias)
    del model
    gc.collect()
    assert gone() is None


def test_it_follows_weights_that_another_thread_sets(model: Any) -> None:
    ones = [np.full(w.shape, 0.1, "float32") for w in model.get_weights()]
    states = [[k * w for w in ones] for k in range(5)]
    wanted = []
    for state in states:
        model.set_weights(state)
        wanted.append(by_layers(model, X))
    done = threading.Event()

    def write() -> None:
        for i in range(300):
            model.set_weights(states[i % 5])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        found = model.predict(X, verbose=0)
        assert any(np.array_equal(found, one) for one in wanted)
    thread.join()
    np.testing.assert_array_equal(model.predict(X, verbose=0), wanted[299 % 5])


def test_it_follows_settings_that_another_thread_sets(model: Any) -> None:
    layer = model.layers[0]
    done = threading.Event()

    def write() -> None:
        for i in range(300):
            layer.go_backwards = i % 2 == 0
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        model.predict(X, verbose=0)
    thread.join()
    check(model)


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


def test_a_batch_by_itself_goes_through_the_program_too(model: Any) -> None:
    np.testing.assert_array_equal(model.predict_on_batch(X), by_layers(model, X))
    assert vars(model)["_kept_program"].linked is not None


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
