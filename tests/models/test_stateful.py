"""Stateful models: states within a run, batches of another size, predictions inside a training."""

import numpy as np
import pytest
from gatework import layers
from gatework.callbacks import Callback
from gatework.models import Sequential

RNG = np.random.default_rng(2)
X = RNG.normal(size=(8, 4, 3)).astype(np.float32)
Y = RNG.normal(size=(8, 1)).astype(np.float32)


def model():
    made = Sequential([layers.Input((None, 3)), layers.LSTM(2, stateful=True), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def test_prediction_takes_another_batch_size_than_training():
    made = model()
    made.fit(X, Y, batch_size=8, verbose=0)
    found = made.predict(X[:1], verbose=0)
    made.reset_states()
    np.testing.assert_array_equal(made.predict(X[:1], verbose=0), found)
    # The states go on from call to call as long as the size stays.
    assert not np.array_equal(made.predict(X[:1], verbose=0), found)
    made.fit(X, Y, batch_size=4, epochs=2, verbose=0, validation_data=(X[:2], Y[:2]))
    assert isinstance(made.evaluate(X[:3], Y[:3], verbose=0), float)


def test_a_change_within_a_run_is_refused():
    with pytest.raises(ValueError, match="batch size of stateful"):
        model().predict(X, batch_size=3, verbose=0)


def test_layer_and_model_forget():
    made = model()
    first = made.predict(X, verbose=0)
    made.reset_states()
    np.testing.assert_array_equal(made.predict(X, verbose=0), first)
    made.layers[0].reset_states()
    np.testing.assert_array_equal(made.predict(X, verbose=0), first)


def test_a_prediction_inside_training_leaves_the_states():
    class Look(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.predict(X[:3], verbose=0)
            self.model.evaluate(X[:4], Y[:4], verbose=0)

    plain, watched = model(), model()
    watched.set_weights(plain.get_weights())
    options = {"batch_size": 4, "shuffle": False, "verbose": 0, "epochs": 2}
    plain.fit(X, Y, **options)
    watched.fit(X, Y, callbacks=[Look()], **options)
    for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
