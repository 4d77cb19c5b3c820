"""What train_on_batch looks up once a call is what the model holds at that call."""

import numpy as np
from gatework import Model, Sequential
from gatework.layers import Dense
from gatework.metrics import Mean

X, Y = np.ones((4, 3), np.float32), np.zeros((4, 2), np.float32)


def test_weights_and_metrics_of_a_later_call_are_found():
    model = Sequential([Dense(2), Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    for _ in range(2):  # the second call knows what the first one made
        assert set(model.train_on_batch(X, Y, return_dict=True)) == {"loss", "mae"}
    model.layers[0].trainable = False
    before = [w.numpy().copy() for w in model.layers[0].weights]
    model.train_on_batch(X, Y)
    after = [w.numpy() for w in model.layers[0].weights]
    np.testing.assert_array_equal(after[0], before[0])
    assert len(model.trainable_variables) == 2


class Counting(Model):
    """A model with a metric of its own, made at the second call."""

    def __init__(self):
        super().__init__()
        self.dense = Dense(2)

    def call(self, x):
        return self.dense(x)


def test_a_metric_made_between_calls_is_reset_and_reported():
    model = Counting()
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    model.dense.seen = Mean(name="seen")
    model.dense.seen.update_state(7.0)
    assert model.train_on_batch(X, Y, return_dict=True)["seen"] == 0.0  # reset at the start
    assert model._lookups is None
    model.compile("sgd", "mse", metrics=["mae"])
    assert set(model.train_on_batch(X, Y, return_dict=True)) == {"loss", "mae", "seen"}
