"""Sequential: adding, building, shapes, configs."""

import numpy as np
import pytest
from gatework.layers import LSTM, Dense, Dropout, Embedding, Input
from gatework.models import Model, Sequential


def test_shapes_are_known_from_an_input():
    model = Sequential([Input((5, 3)), LSTM(4), Dense(2)])
    assert model.built
    assert model.input_shape == (None, 5, 3)
    assert model.output_shape == (None, 2)
    assert [layer.name for layer in model.layers] == [model.layers[0].name, model.layers[1].name]
    assert len(model.weights) == 5
    assert model.count_params() == 4 * 4 * (3 + 4 + 1) + 4 * 2 + 2


def test_the_middle_of_a_chain_is_the_end_of_another_model():
    model = Sequential([Input((5, 3)), LSTM(4), Dense(2)])
    part = Model(model.input, model.layers[0].output)
    x = np.ones((2, 5, 3), np.float32)
    np.testing.assert_array_equal(part.predict(x, verbose=0), model.layers[0](x).numpy())
    longer = Model(model.input, Dense(1)(model.output))
    assert longer.output_shape == (None, 1)


def test_a_chain_is_called_on_symbols():
    inner = Sequential([Dense(3), Dense(2)])
    assert inner(Input((4,))).shape == (None, 2)
    assert inner.built
    assert len(inner.weights) == 4


def test_weights_wait_for_data_without_an_input():
    model = Sequential([Dense(2), Dense(1)])
    assert not model.built
    assert model.weights == []
    with pytest.raises(AttributeError, match="has no shapes yet"):
        _ = model.output_shape
    assert model.predict(np.ones((3, 4)), verbose=0).shape == (3, 1)
    assert model.built
    assert model.output_shape == (None, 1)
    assert len(model.weights) == 4


def test_build():
    model = Sequential([Embedding(7, 3), LSTM(2)])
    model.build((None, 4))
    assert model.output_shape == (None, 2)
    with pytest.raises(ValueError, match="must have layers to be built"):
        Sequential().build((None, 2))
    with pytest.raises(ValueError, match="input_shape must be given"):
        Sequential([Dense(1)]).build()
    with pytest.raises(ValueError, match="must be that of the Input"):
        Sequential([Input((3,)), Dense(1)]).build((None, 4))


def test_add_and_pop():
    model = Sequential()
    model.add(Input((3,)))
    model.add(Dense(4))
    assert model.output_shape == (None, 4)
    model.add(Dense(2))
    assert model.output_shape == (None, 2)
    kernel = model.layers[0].kernel.numpy().copy()
    removed = model.pop()
    assert removed.units == 2
    assert model.output_shape == (None, 4)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), kernel)
    assert model.predict(np.ones((2, 3)), verbose=0).shape == (2, 4)


def test_legacy_input_arguments():
    model = Sequential([Dense(2, input_shape=(3,))])
    assert model.output_shape == (None, 2)


def test_what_cannot_be_added():
    model = Sequential([Dense(2, name="same")])
    with pytest.raises(TypeError, match="layer must be a Layer, not 3"):
        model.add(3)
    with pytest.raises(TypeError, match=r"write Dense\(\.\.\.\)"):
        model.add(Dense)
    with pytest.raises(ValueError, match="must have a name of its own, not 'same'"):
        model.add(Dense(1, name="same"))
    with pytest.raises(ValueError, match="an Input must be the first layer"):
        model.add(Input((3,)))
    with pytest.raises(ValueError, match="pop must be called on a model with layers"):
        Sequential().pop()


def test_get_layer():
    model = Sequential([Dense(2, name="a"), Dense(1, name="b")])
    assert model.get_layer("b") is model.layers[1]
    assert model.get_layer(index=0) is model.layers[0]
    with pytest.raises(ValueError, match="name must be that of a layer: 'a', 'b', not 'c'"):
        model.get_layer("c")
    with pytest.raises(ValueError, match="index must be below 2, not 2"):
        model.get_layer(index=2)
    with pytest.raises(ValueError, match="one of name and index"):
        model.get_layer()


def test_training_reaches_inner_layers():
    model = Sequential([Dropout(0.5)])
    x = np.ones((4, 50), np.float32)
    np.testing.assert_array_equal(model(x).numpy(), x)
    assert (model(x, training=True).numpy() == 0).any()


def test_config_round_trip():
    model = Sequential([Input((5,)), Embedding(7, 3, mask_zero=True), LSTM(2), Dense(1)])
    again = Sequential.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    again.set_weights(model.get_weights())
    x = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2]])
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_sequential_inside_another():
    inner = Sequential([Dense(3), Dense(2)])
    model = Sequential([Input((4,)), inner, Dense(1)])
    assert model.output_shape == (None, 1)
    assert len(model.trainable_weights) == 6
    inner.trainable = False
    assert len(model.trainable_weights) == 2
