"""Programs compute what the layers compute, bit for bit, whatever the model is made of."""

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.autograd import no_recording
from gatework.inference import compile
from gatework.inference.lowering import CannotCompile, lower
from gatework.tree import flatten
from hypothesis import given
from hypothesis import strategies as st

from tests.inference.models import batches, float_models, id_models, shaken


def eager(model: Any, x: Any) -> list[Any]:
    """What the layers themselves compute."""
    with no_recording():
        return [leaf.numpy() for leaf in flatten(model(x, training=False))]


def check(model: Any, x: Any) -> None:
    try:
        program = compile(model)
    except CannotCompile as refused:
        if "mask" in str(refused):  # a layer that leaves masked steps out, the one reason here
            return
        raise
    try:
        wanted = eager(model, x)
    except ValueError:
        with pytest.raises(ValueError, match="must have"):
            program(x)
        return
    found = flatten(program(x))
    for one, two in zip(found, wanted, strict=True):
        if lower(model).inexact is None:
            np.testing.assert_array_equal(one, two)
        else:
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)


@given(model=float_models(), xs=st.lists(batches(ids=False), min_size=1, max_size=2))
def test_models_of_floats(model: Any, xs: list[Any]) -> None:
    for x in xs:
        check(model, x)


@given(model=id_models(), xs=st.lists(batches(ids=True), min_size=1, max_size=2))
def test_models_of_ids(model: Any, xs: list[Any]) -> None:
    for x in xs:
        check(model, x)


def test_every_instruction_set(isa: str) -> None:
    model = shaken(
        gatework.Sequential(
            [
                layers.Input((None, 3)),
                layers.Conv1D(8, 3, padding="same", groups=1, activation="relu"),
                layers.LayerNormalization(),
                layers.Bidirectional(layers.LSTM(9, return_sequences=True)),
                layers.GlobalMaxPooling1D(),
                layers.Dense(5, "softmax"),
            ]
        ),
        0,
    )
    check(model, np.random.default_rng(0).normal(size=(3, 11, 3)).astype("float32"))


def test_several_inputs_outputs_and_states() -> None:
    words = layers.Input((None,), name="words")
    extra = layers.Input((4,), name="extra")
    embedded = layers.Embedding(9, 5, mask_zero=True)(words)
    encoded, h, c = layers.LSTM(6, return_sequences=True, return_state=True)(embedded)
    start = layers.Dense(6, "tanh")(extra)
    decoded = layers.LSTM(6, return_sequences=True)(embedded, initial_state=[start, c])
    model = gatework.Model(
        [words, extra],
        {"sum": layers.Add()([encoded, decoded]), "h": h, "both": layers.Concatenate()([h, extra])},
    )
    shaken(model, 5)
    x = [
        np.array([[1, 2, 0, 0], [3, 4, 5, 6]]),
        np.random.default_rng(1).normal(size=(2, 4)).astype("float32"),
    ]
    program = compile(model)
    wanted = model(x)
    for given_as in (x, {"words": x[0], "extra": x[1]}):
        found = program(given_as)
        assert set(found) == {"sum", "h", "both"}
        for key, value in found.items():
            np.testing.assert_array_equal(value, wanted[key].numpy())


def test_models_inside_models_and_shared_layers() -> None:
    inner = gatework.Sequential([layers.Input((None, 3)), layers.GRU(4), layers.Dense(2)])
    x, y = layers.Input((None, 3)), layers.Input((None, 3))
    model = gatework.Model([x, y], layers.Subtract()([inner(x), inner(y)]))
    rng = np.random.default_rng(0)
    values = [rng.normal(size=(2, n, 3)).astype("float32") for n in (4, 7)]
    np.testing.assert_array_equal(compile(model)(values), eager(model, values)[0])


def test_an_output_may_be_an_input_or_come_twice() -> None:
    x = layers.Input((3,))
    y = layers.Dense(2)(x)
    model = gatework.Model(x, [x, y, y])
    value = np.ones((2, 3), "float32")
    found = compile(model)(value)
    np.testing.assert_array_equal(found[0], value)
    np.testing.assert_array_equal(found[1], found[2])


def test_axes_in_another_order() -> None:
    inner = [
        layers.Permute((2, 1)),
        layers.Dense(3),
        layers.Reshape((3, -1)),
        layers.Permute((1, 2)),
    ]
    model = shaken(gatework.Sequential([layers.Input((5, 4)), *inner]), 3)
    check(model, np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32"))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("batch", [1, 3])
def test_convolutions(groups: int, dilation: int, batch: int) -> None:
    layer = layers.Conv1D(6, 3, padding="causal", groups=groups, dilation_rate=dilation)
    model = shaken(gatework.Sequential([layers.Input((None, 4)), layer]), 2)
    check(model, np.random.default_rng(0).normal(size=(batch, 7, 4)).astype("float32"))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_products_of_bfloat16(policy: str) -> None:
    def made(policy: str) -> Any:
        inner = [
            layers.Conv1D(6, 3, dtype=policy),
            layers.Bidirectional(layers.LSTM(9, return_sequences=True, dtype=policy), dtype=policy),
            layers.GRU(7, num_layers=2, dtype=policy),
            layers.Dense(5, "tanh", dtype=policy),
        ]
        return shaken(gatework.Sequential([layers.Input((None, 3)), *inner]), 0)

    x = np.random.default_rng(0).normal(size=(3, 8, 3)).astype("float32")
    check(made(policy), x)
    rounded = eager(made("mixed_bfloat16"), x)[0]
    np.testing.assert_array_equal(compile(made(policy), dtype="bfloat16")(x), rounded)
    assert not np.array_equal(eager(made("float32"), x)[0], rounded)


class Own(layers.Dense):
    """A subclass, which may compute anything."""


class OwnModel(gatework.Model):
    def call(self, inputs: Any) -> Any:
        return inputs


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (lambda: layers.Lambda(lambda x: x + 1, name="plus"), r"'plus' \(Lambda\)"),
        (lambda: Own(3, name="own"), r"'own' \(Own\)"),
        (lambda: layers.LSTM(3, stateful=True, name="kept"), "'kept' .*open a session"),
        (lambda: layers.Dense(3, activation=lambda x: x, name="d"), "'d' .*function of Python"),
        (lambda: layers.Softmax(axis=1, name="s"), "'s' .*axis 1"),
        (lambda: layers.TimeDistributed(layers.LSTM(2), name="t"), "'t'|'lstm'"),
    ],
)
def test_what_has_no_rule_is_refused_by_name(layer: Any, why: str) -> None:
    entry = (4, 3, 2) if isinstance(made := layer(), layers.TimeDistributed) else (4, 3)
    model = gatework.Sequential([layers.Input(entry), made])
    with pytest.raises(ValueError, match=why):
        compile(model)


def test_other_models_and_types_are_refused() -> None:
    with pytest.raises(ValueError, match="call of its own"):
        compile(OwnModel())
    with pytest.raises(ValueError, match="not built"):
        compile(gatework.Sequential([layers.Dense(3)]))
    with pytest.raises(ValueError, match="model must be a Model, not int"):
        compile(3)
    model = gatework.Sequential([layers.Input((3,)), layers.Dense(3)])
    with pytest.raises(ValueError, match=r"dtype must be 'float32', 'bfloat16' or 'int8', not 8"):
        compile(model, dtype=8)
    with pytest.raises(ValueError, match="max_batch must be a positive integer, not 0"):
        compile(model, max_batch=0)


def test_operators_between_tensors() -> None:
    x, y = layers.Input((None, 3)), layers.Input((None, 3))
    z = (layers.LSTM(3, return_sequences=True)(x) * 2.0 - y) / (layers.Dense(1)(y) + 3)
    z = gatework.ops.maximum(1 - z, gatework.ops.minimum(z, 0.25))
    model = shaken(gatework.Model([x, y], z), 2)
    one, two = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype("float32")
    program = compile(model)
    np.testing.assert_array_equal(program([one, two]), model([one, two]).numpy())
    session = program.session(4)
    found = [session.step([one[:, t], two[:, t]]) for t in range(6)]
    np.testing.assert_array_equal(np.stack(found, axis=1), model([one, two]).numpy())


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        (lambda x: x + np.ones((1, 3), "float32"), "something else than tensors of the model"),
        (lambda x: x + layers.LSTM(3)(x), "unequal numbers of axes"),
        (lambda x: gatework.ops.sin(x), "an operation, not a layer"),
    ],
)
def test_operators_that_are_refused(inner: Any, why: str) -> None:
    x = layers.Input((None, 3))
    with pytest.raises(ValueError, match=why):
        compile(gatework.Model(x, inner(x)))
