"""Configurations of graphs: both ways, the older form, hostile ones, copies."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from gatework import ops
from gatework.layers import LSTM, Add, Dense, Dropout, Input
from gatework.models import Functional, Model, Sequential, clone_model, model_from_json

X = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)


def graph() -> Model:
    """A shared layer, states handed on, a model inside called twice, operators."""
    a, b = Input((5, 3), name="a"), Input((5, 3), name="b")
    inner_input = Input((4,), name="i")
    inner = Model(inner_input, Dense(2, name="d")(inner_input), name="inner")
    sequence, *states = LSTM(4, return_sequences=True, return_state=True, name="first")(a)
    last = LSTM(4, name="second")(sequence, initial_state=states)
    tail = Sequential([Dense(2, name="t")], name="tail")
    joined = Add(name="add")([inner(last), inner(sequence[:, -1]), tail(states[0])])
    return Model([a, b], {"y": ops.tanh(joined) * 2.0, "z": inner.outputs and inner(states[1])})


def same(one: Model, other: Model) -> None:
    other.set_weights(one.get_weights())
    for name, expected in one.predict([X, X], verbose=0).items():
        np.testing.assert_array_equal(other.predict([X, X], verbose=0)[name], expected)


def test_round_trips() -> None:
    model = graph()
    config = json.loads(json.dumps(model.get_config()))
    again = Model.from_config(copy.deepcopy(config))
    assert json.loads(json.dumps(again.get_config())) == config
    same(model, again)
    same(model, model_from_json(model.to_json()))


def test_calls_of_other_models_are_not_written() -> None:
    a = Input((3,))
    shared = Dense(2, name="shared")
    Model(a, shared(a))
    b = Input((3,), name="b")
    model = Model(b, shared(b))
    layers = model.get_config()["layers"]
    assert [len(layer["inbound_nodes"]) for layer in layers] == [0, 1]
    assert model.get_config()["output_layers"] == ["shared", 0, 0]


def test_frozen_layers_stay_frozen() -> None:
    model = graph()
    model.get_layer("first").trainable = False
    for other in (Model.from_config(model.get_config()), clone_model(model)):
        assert not other.get_layer("first").trainable
        assert other.get_layer("second").trainable


def test_the_form_of_keras_2() -> None:
    def layer(kind: str, name: str, calls: Any, **config: Any) -> dict[str, Any]:
        return {
            "class_name": kind,
            "config": {"name": name, **config},
            "name": name,
            "inbound_nodes": calls,
        }

    inner = {
        "name": "inner",
        "layers": [
            layer("InputLayer", "i", [], batch_input_shape=[None, 4], dtype="float32"),
            layer("Dense", "d", [[["i", 0, 0, {}]]], units=2),
        ],
        "input_layers": [["i", 0, 0]],
        "output_layers": [["d", 0, 0]],
    }
    config = {
        "name": "old",
        "layers": [
            layer("InputLayer", "a", [], batch_input_shape=[None, 5, 3], dtype="float32"),
            layer(
                "LSTM", "first", [[["a", 0, 0, {}]]], units=4, return_sequences=True,
                return_state=True,
            ),
            layer(
                "LSTM", "second",
                [[["first", 0, 0, {"initial_state": [["first", 0, 1], ["first", 0, 2]]}]]],
                units=4,
            ),
            layer(
                "LSTM", "third",
                [[["first", 0, 0, {}], ["first", 0, 1, {}], ["first", 0, 2, {}]]],
                units=4,
            ),
            {
                "class_name": "Functional", "config": inner, "name": "inner",
                "inbound_nodes": [[["second", 0, 0, {}]], [["third", 0, 0, {}]]],
            },
            layer("Add", "sum", [[["inner", 1, 0, {}], ["inner", 2, 0, {}]]]),
        ],
        "input_layers": [["a", 0, 0]],
        "output_layers": [["sum", 0, 0], ["inner", 1, 0]],
    }  # fmt: skip
    model = Functional.from_config(config)
    sequence, h, c = model.get_layer("first")(X)
    second = model.get_layer("second")(sequence, initial_state=[h, c])
    third = model.get_layer("third")(sequence, initial_state=[h, c])
    inside = model.get_layer("inner")
    total, alone = model.predict(X, verbose=0)
    np.testing.assert_allclose(total, (inside(second) + inside(third)).numpy(), rtol=1e-6)
    np.testing.assert_allclose(alone, inside(second).numpy(), rtol=1e-6)


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    """The configuration of a small graph with one entry replaced."""
    a = Input((3,), name="a")
    model = Model(a, Dense(2, name="two")(Dense(3, name="one")(a)))
    config = json.loads(json.dumps(model.get_config()))
    at = config
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return config


HISTORY = ["layers", 1, "inbound_nodes", 0, "args", 0, "config", "keras_history"]


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (HISTORY, ["two", 0, 0], "inbound_nodes of '(one|two)' must not form a circle"),
        (HISTORY, ["one", 0, 0], "inbound_nodes of '(one|two)' must not form a circle"),
        (HISTORY, ["a", 7, 0], "'a' must have a call number 7"),
        (HISTORY, ["a", 0, 3], "'a' must have an output 3, not 1 of them"),
        (HISTORY, ["a", -1, 0], "a tensor must have numbers from zero"),
        (HISTORY, ["a", 0.5, 0], "a tensor must have numbers from zero"),
        (HISTORY, ["nobody", 0, 0], "must come from a layer of the model, not 'nobody'"),
        (HISTORY, None, r"a tensor must be \[layer, call, output\], not None"),
        (["layers", 1, "inbound_nodes"], 3, "inbound_nodes of 'one' must be a list, not 3"),
        (["layers", 1, "inbound_nodes"], [3], "inbound_nodes of 'one' must hold calls, not 3"),
        (["layers", 1, "inbound_nodes"], [[["a", 0]]], r"must hold \[layer, call, tensor, arg"),
        (["layers", 1, "name"], "a", "layers must have names of their own, not 'a'"),
        (["layers", 1, "name"], None, "must come from a layer of the model, not 'one'|one"),
        (["layers"], [], "layers must be a list of configurations"),
        (["layers"], [3], "layers must hold configurations, not 3"),
        (["layers", 1, "class_name"], "Zeros", "must hold layers or operations|must be one of"),
        (["output_layers"], ["two", 3, 0], "'two' must have a call number 3, not 1 calls"),
        (["output_layers"], [], "output_layers must hold places of tensors"),
        (["input_layers"], [["one", 0, 0]], "outputs must be computed|."),
        (["input_layers"], 5, "input_layers must hold places of tensors, not 5"),
    ],
)  # fmt: skip
def test_hostile(path: list[Any], value: Any, sentence: str) -> None:
    config = changed(path, value)
    if path == ["layers", 1, "name"] and value is None:
        assert Model.from_config(config).get_layer("one")  # the configuration says it as well
        return
    if path == ["input_layers"] and value != 5:
        assert Model.from_config(config).input_shape == (None, 3)  # from the middle on
        return
    with pytest.raises(ValueError, match=sentence):
        Model.from_config(config)


def test_a_million_layers() -> None:
    layer = {"class_name": "Dense", "config": {"units": 1}, "name": "d", "inbound_nodes": []}
    config = {"layers": [layer] * 1_000_000, "input_layers": [], "output_layers": []}
    with pytest.raises(ValueError, match="layers must be at most 10000 in number, not 1000000"):
        Model.from_config(config)


def test_many_layers_in_any_order_take_linear_time() -> None:
    a = Input((3,), name="a")
    x = a
    for i in range(1000):
        x = Dropout(0.1, name=f"d{i}")(x)
    config = Model(a, x).get_config()
    config["layers"].reverse()
    assert len(Model.from_config(config).layers) == 1001


def test_deep_arguments() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ValueError, match="must be nested at most 100 deep"):
        Model.from_config(changed(["layers", 1, "inbound_nodes", 0, "args", 0], deep))


class TestClones:
    def test_new_weights_in_the_same_order(self) -> None:
        model = graph()
        other = clone_model(model)
        assert other.get_config() == model.get_config()
        assert all(v is not w for v, w in zip(other.weights, model.weights, strict=True))
        same(model, other)

    def test_other_layers_and_inputs(self) -> None:
        def wider(layer: Any) -> Any:
            config = layer.get_config()
            return type(layer).from_config({**config, "units": config["units"] * 2})

        model = Sequential([Input((3,)), Dense(2), Dense(4)])
        other = clone_model(model, clone_function=wider)
        assert [layer.units for layer in other.layers] == [4, 8]
        a = Input((3,))
        double = clone_model(Model(a, Dense(2)(a)), input_tensors=[a], clone_function=wider)
        assert double.inputs[0] is a
        assert double.output_shape == (None, 4)

    def test_inside_models(self) -> None:
        seen: list[str] = []

        def note(layer: Any) -> Any:
            seen.append(layer.name)
            return type(layer).from_config(layer.get_config())

        clone_model(graph(), clone_function=note, recursive=True)
        assert {"d", "t"} <= set(seen)
        assert "inner" not in seen

    def test_calls(self) -> None:
        a = Input((3,))
        model = Model(a, Dense(2)(a))
        doubled = clone_model(model, call_function=lambda layer, *x, **k: layer(*x, **k) * 2.0)
        doubled.set_weights(model.get_weights())
        x = X[:, 0]
        np.testing.assert_allclose(
            doubled.predict(x, verbose=0), 2 * model.predict(x, verbose=0), rtol=1e-6
        )

    def test_mistakes(self) -> None:
        with pytest.raises(ValueError, match="model must be a Model, not 3"):
            clone_model(3)
        with pytest.raises(ValueError, match="input_tensors must be 2 symbolic inputs, not 1"):
            clone_model(graph(), input_tensors=[Input((5, 3))])
        with pytest.raises(ValueError, match="call_function must be None for a Sequential"):
            clone_model(Sequential([Dense(1)]), call_function=lambda layer, x: layer(x))
