"""What TerminateOnNaN says and leaves behind, in whole trainings."""

import numpy as np
import pytest
from gatework import layers, ops
from gatework.callbacks import TerminateOnNaN
from gatework.models import Sequential

X = np.linspace(0, 1, 24, dtype=np.float32).reshape(8, 3)
Y = np.ones((8, 1), np.float32)


class Root(layers.Layer):
    def call(self, inputs):
        return ops.sqrt(inputs)


def model(*more):
    made = Sequential([layers.Input((3,)), *more, layers.Dense(1, name="last")])
    made.compile("sgd", "mse")
    return made


def stopped(made, x, capsys, y=Y):
    before = made.get_weights()
    history = made.fit(
        x, y, batch_size=2, epochs=3, shuffle=False, verbose=0, callbacks=[TerminateOnNaN()]
    )
    return history, before, capsys.readouterr().out


def test_the_layer_is_named_and_the_weights_stay_good(capsys):
    x = X.copy()
    x[5, 1] = -1.0
    made = model(layers.Dense(2, name="first", kernel_initializer="ones"), Root(name="root"))
    x[5] = -1.0
    history, _, said = stopped(made, x, capsys)
    assert history.epoch == [0]
    assert "Batch 2: loss is nan" in said
    assert "the output of layer 'root' (Root) holds nan at (1, 0)" in said
    assert all(np.isfinite(weight).all() for weight in made.get_weights())
    assert "call" not in vars(made.layers[0])


def test_bad_inputs_and_labels_are_named(capsys):
    x, y = X.copy(), Y.copy()
    x[0, 2] = np.inf
    made = model()
    _, before, said = stopped(made, x, capsys)
    assert "Batch 0: loss is" in said
    assert "x holds inf at (0, 2)" in said
    np.testing.assert_array_equal(made.get_weights()[0], before[0])
    y[4] = np.nan
    _, _, said = stopped(model(), X, capsys, y)
    assert "Batch 2: loss is nan" in said
    assert "y holds nan at (0, 0)" in said


def test_bad_weights_are_named(capsys):
    made = model()
    made.layers[-1].set_weights([np.full((3, 1), np.nan), np.zeros(1)])
    _, _, said = stopped(made, X, capsys)
    assert "the weight 'kernel' of layer 'last' holds nan at (0, 0)" in said


def test_it_may_raise(capsys):
    x = X * np.float32(np.nan)
    made = model()
    with pytest.raises(RuntimeError, match=r"loss is nan at batch 0: x holds nan at \(0, 0\)"):
        made.fit(x, Y, verbose=0, callbacks=[TerminateOnNaN(raise_error=True)])
    made.fit(x, Y, verbose=0)  # without the callback training goes on, as it would
    assert np.isnan(made.get_weights()[0]).all()
