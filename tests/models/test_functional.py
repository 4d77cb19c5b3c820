"""Models made of symbolic inputs and outputs: structures, sharing, masks, nesting, order."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import ops
from gatework.layers import LSTM, Add, Concatenate, Dense, Dropout, Embedding, Input, Layer, Masking
from gatework.models import Functional, Model, Sequential

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 5, 3)).astype(np.float32)
IDS = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8], [9, 0, 0, 0, 0], [3, 3, 3, 3, 0]])


def encoder_decoder() -> Model:
    """Two inputs, states handed on, a shared layer, two outputs by name."""
    numbers, words = Input((5, 3), name="numbers"), Input((5,), name="words", dtype="int32")
    table = Embedding(10, 3, mask_zero=True, name="table")(words)
    joined = Add(name="joined")([numbers, table])
    lstm = LSTM(4, return_sequences=True, return_state=True, name="encoder")
    sequence, *states = lstm(joined)
    last = LSTM(4, name="decoder")(sequence, initial_state=states)
    head = Dense(2, name="head")
    return Model(
        {"numbers": numbers, "words": words},
        {"direct": head(last), "scaled": head(states[0]) * 2.0 + 1.0},
        name="pair",
    )


def predicted(model: Any, x: Any) -> Any:
    return model.predict(x, verbose=0)


def test_values_are_those_of_the_layers() -> None:
    a = Input((3,))
    first, second = Dense(4, activation="tanh"), Dense(2)
    model = Model(a, second(first(a)))
    x = X[:, 0]
    np.testing.assert_array_equal(predicted(model, x), second(first(x)).numpy())
    assert isinstance(model, Functional)
    assert model.built


def test_names_and_shapes() -> None:
    model = encoder_decoder()
    assert model.input_names == ["numbers", "words"]
    assert model.input_shape == [(None, 5, 3), (None, 5)]
    assert model.output_names == ["head", model.operations[-1].name]
    assert model.output_shape == [(None, 2), (None, 2)]
    assert [layer.name for layer in model.layers] == [
        "words", "numbers", "table", "joined", "encoder", "decoder", "head",
    ]  # fmt: skip
    assert model.get_layer("encoder") is model.layers[4]
    assert model.get_layer(index=-1).name == "head"
    assert len(model.operations) == 9
    single = Model(model.inputs[0], Dense(1)(model.inputs[0]))
    assert single.input_shape == (None, 5, 3)
    assert single.output_shape == (None, 5, 1)


def test_a_shared_layer_has_one_set_of_weights() -> None:
    model = encoder_decoder()
    assert len(model.weights) == 1 + 3 + 3 + 2
    outputs = predicted(model, {"numbers": X, "words": IDS})
    joined = X + model.get_layer("table")(IDS).numpy()
    masked = gatework.Tensor(joined)
    sequence, h, c = model.get_layer("encoder")(masked)
    head = model.get_layer("head")
    np.testing.assert_allclose(outputs["scaled"], head(h).numpy() * 2 + 1, rtol=1e-6)
    last = model.get_layer("decoder")(sequence, initial_state=[h, c])
    np.testing.assert_allclose(outputs["direct"], head(last).numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    "pack",
    [
        lambda a, b: [a, b],
        lambda a, b: (a, b),
        lambda a, b: {"one": a, "two": b},
        lambda a, b: {"one": [a], "two": {"in": b}},
    ],
    ids=["list", "tuple", "dict", "nest"],
)
def test_structures_come_back_as_given(pack: Any) -> None:
    a, b = Input((3,), name="one"), Input((2,), name="two")
    first, second = Dense(2), Dense(3)
    model = Model(pack(a, b), pack(first(a), second(b)))
    x, y = X[:, 0], X[:, 1, :2]
    outputs = predicted(model, pack(x, y))
    expected = pack(first(x).numpy(), second(y).numpy())
    assert type(outputs) is type(expected)
    for own, wanted in zip(
        gatework.tree.flatten(outputs), gatework.tree.flatten(expected), strict=True
    ):
        np.testing.assert_array_equal(own, wanted)


def test_a_list_of_one_output_is_that_output() -> None:
    a = Input((3,))
    assert predicted(Model([a], [Dense(2)(a)]), X[:, 0]).shape == (4, 2)


def test_inputs_are_found_by_name() -> None:
    a, b = Input((3,), name="a"), Input((2,), name="b")
    model = Model([a, b], Concatenate()([a, b]))
    x, y = X[:, 0], X[:, 1, :2]
    expected = np.concatenate([x, y], -1)
    np.testing.assert_array_equal(predicted(model, [x, y]), expected)
    np.testing.assert_array_equal(predicted(model, {"b": y, "a": x}), expected)
    np.testing.assert_array_equal(predicted(model, {"b": y, "a": x, "unused": y}), expected)


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"a": X[:, 0]}, "inputs must have the keys 'a', 'b', not 'a'"),
        ([X[:, 0]], r"inputs must be 2 tensors \(a, b\), not 1"),
        ([X[:, 0], X[:, 0]], r"input 'b' must have shape \(batch, 2\), not \(4, 3\)"),
        ([X, X[:, 0, :2]], r"input 'a' must have shape \(batch, 3\), not \(4, 5, 3\)"),
        ([None, X[:, 0, :2]], "input 'a' must be given, not None"),
    ],
)
def test_inputs_that_do_not_fit(inputs: Any, sentence: str) -> None:
    a, b = Input((3,), name="a"), Input((2,), name="b")
    model = Model([a, b], Concatenate()([a, b]))
    if isinstance(inputs, list):
        inputs = [None if x is None else gatework.Tensor(x) for x in inputs]
    with pytest.raises(ValueError, match=sentence):
        model(inputs)


def test_ranks_and_dtypes_are_brought_to_those_of_the_input() -> None:
    a = Input((1,))
    model = Model(a, a * 2.0)
    np.testing.assert_array_equal(model(np.array([1, 2])).numpy(), [[2.0], [4.0]])
    b = Input((5,), dtype="int32")
    model = Model(b, b + 1)
    assert model(IDS[..., None].astype(np.float32)).dtype == "int32"
    ids = Input((2,))
    model = Model(ids, Embedding(2**24 + 3, 1)(ids))
    table = model.layers[1].embeddings
    chosen = np.array([[2**24 + 1, 2**24 + 2]])
    np.testing.assert_array_equal(model(chosen).numpy()[0], table.numpy()[chosen[0]])


def test_masks_pass_through_the_graph() -> None:
    words = Input((None,), dtype="int32")
    hidden = Dropout(0.3)(Embedding(10, 4, mask_zero=True)(words))
    model = Model(words, LSTM(3)(hidden))
    short = predicted(model, IDS[:1, :3])
    np.testing.assert_allclose(predicted(model, IDS[:1]), short, rtol=1e-6)
    sequence = Model(words, LSTM(3, return_sequences=True)(hidden))
    np.testing.assert_array_equal(sequence(IDS)._keras_mask, IDS != 0)


def test_a_mask_may_be_given() -> None:
    a = Input((5, 3))
    model = Model(a, LSTM(2)(a))
    mask = np.arange(5) < np.array([[2]])
    np.testing.assert_allclose(
        model(X[:1], mask=gatework.Tensor(mask)).numpy(), model.layers[1](X[:1, :2]).numpy()
    )


def test_models_within_models() -> None:
    a = Input((5, 3))
    inner = Model(a, LSTM(4)(Masking()(a)), name="inner")
    tail = Sequential([Dense(3), Dense(2)], name="tail")
    b, c = Input((5, 3)), Input((5, 3))
    model = Model([b, c], Add()([tail(inner(b)), tail(inner(c))]))
    assert [layer.name for layer in model.layers if layer.name in ("inner", "tail")] == [
        "inner", "tail",
    ]  # fmt: skip
    assert len(model.trainable_weights) == 3 + 4
    once = tail(inner(X)).numpy()
    np.testing.assert_allclose(predicted(model, [X, X]), 2 * once, rtol=1e-6)
    sequential = Sequential([Input((5, 3)), inner, Dense(1)])
    assert sequential.output_shape == (None, 1)


def test_other_sizes_than_those_of_the_inputs() -> None:
    a = Input((None, 3))
    inner = Model(a, Dense(4)(a))
    assert inner.compute_output_shape((2, 7, 3)) == (2, 7, 4)
    assert inner(Input((9, 3))).shape == (None, 9, 4)
    assert len(inner.layers[1]._inbound) == 1  # the call was that of the model


def test_a_model_from_the_middle_of_another() -> None:
    model = encoder_decoder()
    joined, encoded = model.get_layer("joined").output, model.get_layer("encoder").output
    part = Model(joined, encoded[0])
    assert predicted(part, X).shape == (4, 5, 4)
    np.testing.assert_array_equal(predicted(part, X), model.get_layer("encoder")(X)[0].numpy())
    assert [layer.name for layer in part.layers][1:] == ["encoder"]


def test_operators_and_functions() -> None:
    a, b = Input((5, 3)), Input((5, 3))
    cases = {
        "arithmetic": ((1 - a) / (b + 2) ** 2 - a * b, (1 - X) / (X + 2) ** 2 - X * X),
        "index": (a[:, -1] - a[..., 0:1, 1], X[:, -1] - X[..., 0:1, 1]),
        "compare": (ops.where(a > b, a, -b), -X),
        "join": (ops.concatenate([a, b], axis=1), np.concatenate([X, X], 1)),
        "mean": (ops.mean(a, axis=1, keepdims=True), X.mean(1, keepdims=True)),
        "product": (ops.einsum("btf,bsf->bts", a, b), np.einsum("btf,bsf->bts", X, X)),
        "matmul": (a @ ops.transpose(b, (0, 2, 1)), X @ X.transpose(0, 2, 1)),
        "constant": (np.ones((5, 1), np.float32) + a, X + 1),
        "shape": (ops.reshape(a, (-1, ops.shape(a)[1] * 3)), X.reshape(4, 15)),
        "parts": (ops.split(a, 3, axis=-1)[1], X[..., 1:2]),
    }
    for name, (symbolic, expected) in cases.items():
        model = Model([a, b], symbolic)
        assert symbolic.shape[1:] == expected.shape[1:], name
        np.testing.assert_allclose(predicted(model, [X, X]), expected, rtol=1e-5, err_msg=name)


def test_what_has_no_value_says_so() -> None:
    a = Input((3,))
    with pytest.raises(TypeError, match="has no value yet: it can be given to layers, operators"):
        np.asarray(a)
    with pytest.raises(TypeError, match="has no value yet"):
        bool(a > 0)


def test_a_layer_of_several_arguments() -> None:
    class Weighted(Layer):
        def build(self, values_shape: Any, weights_shape: Any) -> None:
            self.scale = self.add_weight((values_shape[-1],), initializer="ones")
            self.shapes = (values_shape, weights_shape)

        def call(self, values: Any, weights: Any) -> Any:
            return ops.sum(values * self.scale * ops.expand_dims(weights, -1), axis=1)

    a, w = Input((5, 3)), Input((5,))
    layer = Weighted()
    model = Model([a, w], layer(a, weights=w))
    assert layer.shapes == ((None, 5, 3), (None, 5))
    assert model.output_shape == (None, 3)
    np.testing.assert_allclose(predicted(model, [X, X[..., 0]]), (X * X[..., :1]).sum(1), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda a, b: Model(a, Add()([a, b])), "outputs must be computed from inputs alone: 'b'"),
        (lambda a, b: Model(a, 3), "outputs must be symbolic tensors, the result of a layer"),
        (lambda a, b: Model(X, a), "inputs must be symbolic tensors, the result of Input"),
        (lambda a, b: Model([], a), "inputs must hold at least one symbolic tensor"),
        (
            lambda a, b: Model(a, Dense(1, name="same")(Dense(1, name="same")(a))),
            "names of their own: 'same' is used twice",
        ),
    ],
)
def test_what_is_no_graph(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make(Input((3,), name="a"), Input((3,), name="b"))


def test_inputs_alone_are_refused() -> None:
    with pytest.raises(TypeError, match="Model must be given inputs and outputs, or neither"):
        Model(Input((3,)))
    with pytest.raises(TypeError, match="Functional has no argument 'nmae'; nearest: 'name'"):
        Model(Input((3,)), Input((3,)), nmae="x")
    with pytest.raises(AttributeError, match="has no symbolic inputs and outputs"):
        _ = Model().inputs


def test_a_chain_longer_than_the_stack() -> None:
    a = Input((3,))
    x = a
    for _ in range(1500):
        x = -x
    np.testing.assert_array_equal(predicted(Model(a, x), X[:, 0]), X[:, 0])


def test_training_reaches_the_layers() -> None:
    a = Input((50,))
    model = Model(a, Dropout(0.5)(a))
    ones = np.ones((4, 50), np.float32)
    assert (model(ones, training=True).numpy() == 0).any()
    np.testing.assert_array_equal(model(ones).numpy(), ones)


def test_a_model_trains_to_the_gradient_of_its_layers() -> None:
    model = encoder_decoder()
    model.compile("sgd", {"direct": "mse", "scaled": "mae"})
    y = {"direct": X[:, 0, :2], "scaled": X[:, 1, :2]}
    before = model.evaluate({"numbers": X, "words": IDS}, y, verbose=0)
    model.fit({"numbers": X, "words": IDS}, y, epochs=20, verbose=0)
    assert model.evaluate({"numbers": X, "words": IDS}, y, verbose=0)[0] < before[0]


def test_freezing() -> None:
    model = encoder_decoder()
    model.get_layer("head").trainable = False
    assert len(model.trainable_weights) == 7
    frozen = Model(model.inputs, model.outputs, trainable=False)
    assert frozen.trainable_weights == []
