"""Graphs beside Keras, live: files both ways, layers in one order, logs by name, the table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import tree

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

# What Keras says about its own masks and about outputs without a loss.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Layer '.*' .of type .* was passed an input with a mask"),
    pytest.mark.filterwarnings("ignore:.*:UserWarning:keras.src"),
    pytest.mark.filterwarnings("ignore:no gradient reaches:UserWarning"),
]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 5, 3)).astype(np.float32)
IDS = np.array([[1, 2, 3, 0, 0], [9, 8, 5, 6, 1], [4, 7, 3, 2, 0], [5, 0, 0, 0, 0]])


def inputs_of(K: Any, masked: bool = True) -> tuple[Any, Any, Any]:
    a, b = K.Input((5, 3), name="a"), K.Input((5,), name="b", dtype="int32")
    return a, b, K.layers.Embedding(10, 3, mask_zero=masked, name="table")(b)


def states(K: Any) -> Any:
    """Inputs and outputs by name, states handed on, a shared layer, masks through a sum."""
    a, b, table = inputs_of(K)
    L = K.layers
    joined = L.Add(name="add")([a, table])
    sequence, h, c = L.LSTM(4, return_sequences=True, return_state=True, name="first")(joined)
    last = L.LSTM(4, name="second")(sequence, initial_state=[h, c])
    head = L.Dense(2, name="head")
    return K.Model({"a": a, "b": b}, {"p": head(last), "q": head(h)}, name="g")


def operators(K: Any) -> Any:
    """Operators and functions on symbolic tensors."""
    a, _, table = inputs_of(K)
    b = table
    x = (a + b) * 2.0 - 1.0
    x = K.ops.tanh(x[..., 0:2]) / (1.0 + K.ops.mean(K.ops.square(x), axis=-1, keepdims=True))
    y = K.ops.concatenate([x, K.ops.relu(a)], axis=-1)
    z = K.layers.Dense(4, name="z")(K.ops.reshape(y, (-1, 25)))
    w = K.ops.einsum("btf,bsf->bts", y[..., 2:], K.ops.where(a > 0, a, -b))
    source = b._keras_history.operation.input
    return K.Model([a, source], [z, w, K.layers.LSTM(2, name="l")(y)[..., 0:1]], name="g")


def nested(K: Any, masked: bool = True) -> Any:
    """Models within the model, called more than once."""
    L = K.layers
    i = K.Input((5, 3), name="i")
    inner = K.Model(i, L.LSTM(4, name="lstm")(i), name="inner")
    tail = K.Sequential([L.Dense(3, name="d"), L.Dense(2, name="e")], name="tail")
    a, b, table = inputs_of(K, masked)
    both = L.Concatenate(name="join")([tail(inner(a)), tail(inner(table))])
    return K.Model([a, b], [both, inner(L.Dense(3, name="f")(a))], name="g")


def merged(K: Any) -> Any:
    """Every merging layer, with masks."""
    L = K.layers
    a, b, table = inputs_of(K)
    masked = L.Masking(0.0, name="m")(a)
    pairs = [
        getattr(L, name)(name=f"{name}s")([masked, table])
        for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
    ]
    joined = L.Concatenate(name="all")(pairs)
    dots = L.Dot((2, 2), normalize=True, name="dot")([a, table])
    return K.Model([a, b], [L.GRU(3, name="g1")(joined), dots], name="g")


Maker = Callable[[Any], Any]
MAKERS = [states, operators, nested, merged]
DIRECTIONS = [
    pytest.param((gatework, keras), id="to_keras"),
    pytest.param((keras, gatework), id="from_keras"),
]


def fresh(K: Any, maker: Maker) -> Any:
    model = maker(K)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(0, 0.5, w.shape).astype("f4") for w in model.get_weights()])
    return model


def data(maker: Maker) -> Any:
    return {"a": X, "b": IDS} if maker is states else [X, IDS]


@pytest.mark.parametrize("maker", MAKERS)
def test_values_and_order(maker: Maker) -> None:
    own, theirs = fresh(gatework, maker), fresh(keras, maker)
    # Keras' graphs also hold the operations that make masks; here tensors carry those along.
    kinds = [[type(one).__name__ for one in model.layers] for model in (own, theirs)]
    assert kinds[0] == kinds[1]
    expected = theirs.predict(data(maker), verbose=0)
    found = own.predict(data(maker), verbose=0)
    for a, b in zip(tree.flatten(found), tree.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("libraries", DIRECTIONS)
@pytest.mark.parametrize("maker", MAKERS)
def test_files(tmp_path: Path, libraries: tuple[Any, Any], maker: Maker) -> None:
    writer, reader = libraries
    model = fresh(writer, maker)
    model.save(tmp_path / "model.keras")
    loaded = reader.models.load_model(tmp_path / "model.keras")
    assert [one.name for one in loaded.layers] == [one.name for one in model.layers]
    expected = tree.flatten(model.predict(data(maker), verbose=0))
    found = tree.flatten(loaded.predict(data(maker), verbose=0))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


ONE, TWO = X[:, 0, :2], np.abs(X[:, 1, :1])
WEIGHT = np.array([0.5, 1.0, 2.0, 0.1], np.float32)


def two_outputs(K: Any) -> Any:
    a = K.Input((3,), name="in")
    return K.Model(a, [K.layers.Dense(2, name="one")(a), K.layers.Dense(1, name="two")(a)])


def by_key(K: Any) -> Any:
    a = K.Input((3,), name="in")
    return K.Model(a, {"p": K.layers.Dense(2, name="one")(a), "q": K.layers.Dense(1)(a)})


@pytest.mark.parametrize(
    ("maker", "arguments", "y", "weight"),
    [
        (two_outputs, {"loss": ["mse", "mae"], "metrics": [["mae"], ["mse", "mae"]]}, None, None),
        (
            two_outputs,
            {
                "loss": {"one": "mse", "two": "mae"},
                "loss_weights": {"one": 0.3, "two": 2.0},
                "metrics": {"two": ["mse"]},
                "weighted_metrics": {"two": ["mse", "mae"]},
            },
            None,
            [WEIGHT, WEIGHT**2],
        ),
        (two_outputs, {"loss": ["mse", None], "metrics": [None, ["mae"]]}, None, WEIGHT),
        (
            by_key,
            {"loss": {"p": "mse", "q": "mae"}, "metrics": {"q": ["mae", "mse"]}},
            {"p": ONE, "q": TWO},
            None,
        ),
    ],
    ids=["lists", "dicts", "partial", "keys"],
)
def test_logs(maker: Maker, arguments: dict[str, Any], y: Any, weight: Any) -> None:
    y = [ONE, TWO] if y is None else y
    found = []
    for K in (gatework, keras):
        model = fresh(K, maker)
        model.compile(K.optimizers.SGD(0.01), **arguments, **_eager(K))
        history = model.fit(
            X[:, 2], y, sample_weight=weight, epochs=2, shuffle=False, verbose=0
        ).history
        values = model.evaluate(X[:, 2], y, sample_weight=weight, verbose=0)
        by_name = model.evaluate(X[:, 2], y, sample_weight=weight, verbose=0, return_dict=True)
        found.append((history, values, by_name))
    own, theirs = found
    assert list(own[0]) == list(theirs[0])
    assert set(own[2]) == set(theirs[2])
    for name, expected in {**theirs[0], **theirs[2]}.items():
        value = own[0][name] if name in theirs[0] and isinstance(expected, list) else own[2][name]
        np.testing.assert_allclose(value, expected, rtol=1e-4, err_msg=name)
    if len(set(theirs[2])) == len(theirs[1]):  # Keras repeats a metric that is also weighted
        np.testing.assert_allclose(own[1], theirs[1], rtol=1e-4)


def _eager(K: Any) -> dict[str, Any]:
    """Compiling a step of Keras takes far longer than the few steps made here."""
    return {"run_eagerly": True} if K is keras else {}


def table_of(model: Any, arguments: dict[str, Any]) -> str:
    lines: list[str] = []
    model.summary(print_fn=lambda text, **_: lines.append(text.rstrip("\n")), **arguments)
    return "\n".join(lines)


def frozen(K: Any) -> Any:
    model = nested(K, masked=False)
    model.get_layer("inner").trainable = False
    return model


@pytest.mark.parametrize("maker", [states, frozen, two_outputs])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"expand_nested": True, "show_trainable": True}, {"line_length": 70}],
    ids=["plain", "nested", "narrow"],
)
def test_the_table(maker: Maker, arguments: dict[str, Any]) -> None:
    tables = []
    for K in (gatework, keras):
        model = maker(K)
        model.name = "g"
        tables.append(table_of(model, arguments))
    assert tables[0] == tables[1]
