"""Exported models compute in ONNX Runtime what they compute here, to 1e-5."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import activations, layers, models, ops
from gatework.interop.onnx import export_model

from tests.peers.onnx_side import exported, randomize, run

pytest.importorskip("onnx", reason="writes ONNX files with the onnx package, not installed")
pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime, which is not installed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 7, 3)).astype(np.float32)
IDS = RNG.integers(1, 10, (5, 7))
# Padding in front, behind, in between, everywhere.
IDS[0, :3] = IDS[1, 4:] = IDS[2, [1, 5]] = IDS[3] = 0


def sequential(*parts: Any, x: np.ndarray) -> Any:
    model = models.Sequential(parts)
    if not model.built:
        model.build((None, *x.shape[1:]))
    randomize(model)
    return model


RECURRENT = [
    {},
    {"return_sequences": True},
    {"go_backwards": True},
    {"go_backwards": True, "return_sequences": True},
    {"use_bias": False},
    {"zero_output_for_mask": True},
    {"zero_output_for_mask": True, "return_sequences": True},
    {"zero_output_for_mask": True, "go_backwards": True},
    {"zero_output_for_mask": True, "go_backwards": True, "return_sequences": True},
]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", RECURRENT)
@pytest.mark.parametrize("cls", ["LSTM", "GRU", "SimpleRNN"])
def test_recurrent(cls: str, options: dict[str, Any], masked: bool) -> None:
    layer = getattr(layers, cls)(4, **options)
    if masked:
        exported(sequential(layers.Embedding(10, 3, mask_zero=True), layer, x=IDS), IDS)
    else:
        exported(sequential(layer, x=X), X)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul"])
def test_bidirectional(mode: str, sequences: bool, masked: bool) -> None:
    both = layers.Bidirectional(layers.GRU(4, return_sequences=sequences), merge_mode=mode)
    if masked:
        exported(sequential(layers.Embedding(10, 3, mask_zero=True), both, x=IDS), IDS)
    else:
        exported(sequential(both, x=X), X)


@pytest.mark.parametrize("masked", [False, True])
def test_both_directions_backwards(masked: bool) -> None:
    both = layers.Bidirectional(layers.LSTM(4, go_backwards=True, return_sequences=True))
    first = layers.Masking(9.0) if masked else layers.Activation("linear")
    x = X.copy()
    x[0, :2] = x[2, 3:] = x[3] = 9
    exported(sequential(first, both, x=x), x)


def test_reset_gate_before_the_product() -> None:
    exported(sequential(layers.GRU(4, reset_after=False), x=X), X)


@pytest.mark.parametrize(
    "name", ["relu", "linear", "leaky_relu", "elu", "softplus", "softsign", "hard_sigmoid"]
)
def test_activations_inside(name: str) -> None:
    both = {"activation": name, "recurrent_activation": "hard_sigmoid"}
    exported(sequential(layers.Bidirectional(layers.LSTM(4, **both)), x=X), X)
    exported(sequential(layers.GRU(4, **both), x=X), X)
    exported(sequential(layers.SimpleRNN(4, activation=name), x=X), X)


# "threshold" has arguments without defaults.
@pytest.mark.parametrize("name", sorted(set(activations.FUNCTIONS) - {"threshold"}))
def test_activations(name: str) -> None:
    x = X[:, :, :2] * 3
    # What sorts is only written.
    back = name != "sparsemax"
    exported(sequential(layers.Activation(name), x=x), x, back=back)
    exported(sequential(layers.Dense(4, activation=name), x=x), x, back=back)


def test_masking_passes_through_layers() -> None:
    x = X.copy()
    x[0, :2] = x[2, 3:] = x[3] = 9
    model = sequential(
        layers.Masking(9.0),
        layers.LSTM(4, return_sequences=True),
        layers.Dropout(0.5),
        layers.SpatialDropout1D(0.5),
        layers.Dense(3),
        layers.Activation("tanh"),
        layers.TimeDistributed(layers.Dense(2)),
        layers.GRU(3),
        layers.Dense(3, activation="softmax"),
        x=x,
    )
    exported(model, x)


def test_shapes() -> None:
    model = sequential(
        layers.TimeDistributed(layers.Dense(4, activation="gelu")),
        layers.TimeDistributed(layers.Reshape((2, 2))),
        layers.TimeDistributed(layers.Flatten()),
        layers.Flatten(),
        layers.Reshape((14, -1)),
        layers.Reshape((2, 14)),
        x=X,
    )
    exported(model, X)


@pytest.mark.parametrize("opset", range(17, 24))
def test_every_opset(opset: int) -> None:
    model = sequential(
        layers.Embedding(10, 3, mask_zero=True),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.GRU(4),
        layers.Dense(3, activation="gelu"),
        layers.Activation("mish"),
        x=IDS,
    )
    proto = exported(model, IDS, opset=opset)
    assert proto.opset_import[0].version == opset


def test_any_batch_and_any_length() -> None:
    model = models.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(10, 3, mask_zero=True),
            layers.LSTM(4, return_sequences=True),
            layers.GRU(4),
        ]
    )
    randomize(model)
    for ids in (IDS, IDS[:1, :3], np.tile(IDS, (3, 4))):
        exported(model, ids)


def functional(inputs: Any, outputs: Any) -> Any:
    model = models.Model(inputs, outputs)
    randomize(model)
    return model


def test_encoder_decoder() -> None:
    """States of one layer start another; two inputs, a shared embedding, two outputs."""
    source, target = layers.Input((None,), name="source"), layers.Input((None,), name="target")
    table = layers.Embedding(10, 3, mask_zero=True)
    encoded, h, c = layers.LSTM(4, return_state=True)(table(source))
    both = layers.LSTM(4, return_sequences=True, return_state=True)
    decoded, last, _ = both(table(target), initial_state=[h, c])
    words = layers.Dense(10, activation="softmax", name="words")(decoded)
    joined = layers.Concatenate(name="joined")([encoded, last])
    model = functional([source, target], {"words": words, "joined": joined})
    proto = export_model(model)
    assert [slot.name for slot in proto.graph.input] == ["source", "target"]
    expected = model.predict([IDS, IDS[::-1]], verbose=0)
    by_name = dict(
        zip((s.name for s in proto.graph.output), run(proto, IDS, IDS[::-1]), strict=True)
    )
    assert by_name.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(by_name[name], value, rtol=0, atol=1e-5)


@pytest.mark.parametrize("cls", ["LSTM", "GRU"])
def test_states_of_both_directions(cls: str) -> None:
    x = layers.Input((None, 3))
    ids = layers.Input((None,))
    masked = layers.Embedding(10, 3, mask_zero=True)(ids)
    first = layers.Bidirectional(getattr(layers, cls)(4, return_state=True))
    outputs, *states = first(x)
    second = layers.Bidirectional(
        getattr(layers, cls)(4, return_sequences=True, return_state=True), merge_mode="mul"
    )
    third, *more = second(masked, initial_state=states)
    exported(functional([x, ids], [outputs, third, *more]), X, IDS)


@pytest.mark.parametrize("options", RECURRENT[:4])
def test_initial_state_of_masked_rows(options: dict[str, Any]) -> None:
    """Before the first real step, and in rows without any, the state is the initial one."""
    ids, h, c = layers.Input((None,)), layers.Input((4,)), layers.Input((4,))
    masked = layers.Embedding(10, 3, mask_zero=True)(ids)
    outputs = layers.LSTM(4, return_state=True, **options)(masked, initial_state=[h, c])
    states = [RNG.normal(size=(5, 4)).astype(np.float32) for _ in range(2)]
    exported(functional([ids, h, c], outputs), IDS, *states)


MERGING = [
    layers.Add(),
    layers.Subtract(),
    layers.Multiply(),
    layers.Average(),
    layers.Maximum(),
    layers.Minimum(),
    layers.Concatenate(),
    layers.Concatenate(axis=1),
]


@pytest.mark.parametrize("masks", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("merge", MERGING)
def test_merging(merge: Any, masks: tuple[int, ...]) -> None:
    layer = type(merge).from_config(merge.get_config())
    inputs = [layers.Input((7,), name=name) for name in "ab"]
    tables = [layers.Embedding(10, 3, mask_zero=i in masks) for i in range(2)]
    merged = layer([table(x) for table, x in zip(tables, inputs, strict=True)])
    exported(functional(inputs, [merged, layers.GRU(3)(merged)]), IDS, IDS[::-1])


@pytest.mark.parametrize("merge", MERGING[:1] + MERGING[2:6])
def test_merging_of_several_ranks(merge: Any) -> None:
    layer = type(merge).from_config(merge.get_config())
    inputs = [layers.Input((7, 3)), layers.Input((3,)), layers.Input((1, 3))]
    exported(functional(inputs, layer(inputs)), X, X[:, 0], X[:, :1])


@pytest.mark.parametrize("normalize", [False, True])
def test_dot(normalize: bool) -> None:
    a, b = layers.Input((7, 3)), layers.Input((3,))
    first = layers.Dot(axes=(2, 1), normalize=normalize)([a, b])
    second = layers.Dot(axes=2, normalize=normalize)([a, a])
    third = layers.Dot(axes=1, normalize=normalize)([b, b])
    exported(functional([a, b], [first, second, third]), X, X[:, 0])


def test_models_inside_models() -> None:
    tower = models.Sequential(
        [layers.Input((7, 3)), layers.LSTM(4, name="inner"), layers.Dense(3, name="inner_dense")]
    )
    a, b = layers.Input((7, 3)), layers.Input((7, 3))
    exported(functional([a, b], layers.Subtract()([tower(a), tower(b)])), X, X[::-1].copy())


MOVING = [
    [layers.Permute((2, 1)), layers.Flatten()],
    [layers.Flatten(data_format="channels_first")],
    [layers.Cropping1D((1, 2)), layers.ZeroPadding1D((2, 0)), layers.UpSampling1D(3)],
    [layers.Cropping1D((2, 0)), layers.ZeroPadding1D(1, data_format="channels_first")],
    [layers.GRU(3), layers.RepeatVector(4), layers.LSTM(2, return_sequences=True)],
    [layers.Identity(), layers.GaussianNoise(0.5), layers.GaussianDropout(0.5)],
    [layers.AlphaDropout(0.5), layers.ActivityRegularization(0.1)],
    [layers.ReLU(), layers.LeakyReLU(0.1), layers.ELU(0.7)],
    [layers.ReLU(max_value=1.0, negative_slope=0.2, threshold=0.5)],
    [layers.ReLU(negative_slope=0.2)],
    [layers.PReLU(alpha_initializer="ones")],
    [layers.PReLU(shared_axes=[1])],
    [layers.Softmax(), layers.Softmax(axis=1)],
    [layers.Softmax(axis=[1, 2])],
    [layers.EinsumDense("abc,cde->abde", (None, 2, 4), bias_axes="de", activation="tanh")],
    [layers.EinsumDense("...x,xy->...y", 4)],
    [layers.RNN(layers.LSTMCell(4)), layers.Dense(2)],
    [layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_sequences=True)],
    [layers.RNN([layers.GRUCell(4), layers.SimpleRNNCell(3)], go_backwards=True)],
    [layers.Bidirectional(layers.RNN([layers.LSTMCell(4), layers.LSTMCell(3)]))],
    [layers.LSTM(4, num_layers=2, return_sequences=True), layers.GRU(3, activation_clip=0.3)],
    [layers.Bidirectional(layers.LSTM(4, peepholes=True, peephole_initializer="ones"))],
    [layers.LSTM(4, peepholes=True, peephole_initializer="ones", activation_clip=0.3)],
    [layers.TimeDistributed(layers.TimeDistributed(layers.Dense(2, activation="softsign")))],
]


@pytest.mark.parametrize("number", range(len(MOVING)))
def test_other_layers(number: int) -> None:
    parts = [type(layer).from_config(layer.get_config()) for layer in MOVING[number]]
    x = X if number != len(MOVING) - 1 else np.stack([X, X * 2], axis=2)
    exported(sequential(*parts, x=x), x)


def test_tied_output() -> None:
    ids = layers.Input((None,))
    for options in ({}, {"tie_weights": False}, {"logit_soft_cap": 0.5}):
        table = layers.ReversibleEmbedding(10, 4, mask_zero=True, **options)
        hidden = layers.GRU(4, return_sequences=True)(table(ids))
        exported(functional(ids, table(hidden, reverse=True)), IDS)


FUNCTIONS = {
    "arithmetic": lambda x: 1.0 - x * 2.0 + (x / 3.0) ** 2.0 - -x,
    "arrays": lambda x: x @ np.ones((3, 2), np.float32) + np.array([1.0, 2.0], np.float32),
    "index": lambda x: x[:, -1],
    "slices": lambda x: x[..., 1:3, None],
    "steps": lambda x: x[:, ::-2, 0],
    "first": lambda x: x[:, 0:4, 1:],
    "where": lambda x: ops.where(x > 0.0, ops.exp(x), ops.square(x)),
    "logic": lambda x: ops.cast(ops.logical_and(x > 0.0, ops.logical_not(x >= 1.0)), "float32"),
    "means": lambda x: ops.mean(x, axis=1) + ops.max(x, axis=1) - ops.std(x, axis=1),
    "axes": lambda x: ops.transpose(ops.swapaxes(ops.moveaxis(x, 1, 2), 1, 2), (0, 2, 1)),
    "shapes": lambda x: ops.squeeze(ops.expand_dims(ops.reshape(x, (-1, 21)), 1), 1),
    "joined": lambda x: ops.concatenate([ops.flip(x, 1), ops.abs(x)], axis=1),
    "stacked": lambda x: ops.stack([x, ops.clip(x, -0.5, 0.5)], axis=2),
    "einsum": lambda x: ops.einsum("btf,bsf->bts", x, x),
    "activations": lambda x: ops.softmax(ops.gelu(x), axis=1) + ops.tanh(ops.relu(x)),
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "logs": lambda x: ops.logsumexp(x, axis=-1) + ops.log1p(ops.rsqrt(ops.sum(x * x, axis=-1))),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_between_layers(name: str) -> None:
    x = layers.Input((7, 3))
    exported(functional(x, layers.Activation("linear")(FUNCTIONS[name](x))), X)


OPTIONS = [
    ("LSTM", {"peepholes": True, "peephole_initializer": "normal"}),
    ("LSTM", {"activation_clip": 0.3}),
    ("LSTM", {"projection": 3}),
    ("LSTM", {"num_layers": 2, "layer_dropout": 0.2, "peepholes": True}),
    ("GRU", {"num_layers": 3, "activation_clip": 0.4}),
    ("SimpleRNN", {"num_layers": 2, "go_backwards": True}),
]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize(("cls", "options"), OPTIONS)
def test_what_keras_does_not_have(
    cls: str, options: dict[str, Any], sequences: bool, masked: bool
) -> None:
    ids = layers.Input((None,))
    x = layers.Embedding(10, 3, mask_zero=masked)(ids)
    make = getattr(layers, cls)
    outputs = make(4, return_sequences=sequences, return_state=True, **options)(x)
    if "go_backwards" not in options:
        for mode in ("concat", "sum"):
            one = make(4, return_sequences=sequences, return_state=True, **options)
            outputs += layers.Bidirectional(one, merge_mode=mode)(x)
    exported(functional(ids, outputs), IDS)


WINDOWS = [
    [layers.Conv1D(4, 3, activation="relu"), layers.Conv1D(2, 2, strides=2, padding="same")],
    [layers.Conv1D(4, 3, padding="causal", dilation_rate=2, use_bias=False)],
    [layers.Conv1D(6, 3, padding="same", groups=3), layers.Conv1D(4, 2, groups=2)],
    [layers.Conv1D(4, 3, data_format="channels_first", padding="same")],
    [layers.DepthwiseConv1D(3, depth_multiplier=2, padding="same", activation="tanh")],
    [layers.SeparableConv1D(4, 3, depth_multiplier=2, dilation_rate=2)],
    [layers.Conv1DTranspose(4, 3, strides=2), layers.Conv1DTranspose(2, 2, padding="same")],
    [layers.Conv1DTranspose(4, 2, strides=3, padding="same")],
    [layers.Conv1DTranspose(4, 2, strides=3, output_padding=1)],
    [layers.MaxPooling1D(2), layers.AveragePooling1D(2, strides=1, padding="same")],
    [layers.MaxPooling1D(3, strides=2, padding="same"), layers.AveragePooling1D(2)],
    [layers.MaxPooling1D(3, data_format="channels_first")],
    [layers.GlobalAveragePooling1D(), layers.Dense(2)],
    [layers.GlobalMaxPooling1D(keepdims=True), layers.GRU(2)],
    [layers.AdaptiveAveragePooling1D(3), layers.AdaptiveMaxPooling1D(2)],
    [layers.LayerNormalization(), layers.LayerNormalization(axis=[1, 2])],
    [layers.LayerNormalization(axis=1), layers.LayerNormalization(center=False, scale=False)],
    [layers.LayerNormalization(rms_scaling=True), layers.RMSNormalization()],
    [layers.BatchNormalization(), layers.BatchNormalization(axis=1, scale=False)],
    [layers.GRU(4), layers.BatchNormalization(center=False), layers.UnitNormalization()],
    [layers.GroupNormalization(3), layers.GroupNormalization(1, axis=1)],
]


@pytest.mark.parametrize("number", range(len(WINDOWS)))
def test_windows_and_normalizations(number: int) -> None:
    parts = [type(layer).from_config(layer.get_config()) for layer in WINDOWS[number]]
    model = sequential(*parts, x=X)
    weights = [
        np.abs(w) if "variance" in v.name else w
        for v, w in zip(model.weights, model.get_weights(), strict=True)
    ]
    model.set_weights(weights)
    exported(model, X)


@pytest.mark.parametrize("cls", ["GlobalAveragePooling1D", "GlobalMaxPooling1D"])
def test_pooling_of_masked_steps(cls: str) -> None:
    pool = getattr(layers, cls)()
    exported(sequential(layers.Embedding(10, 3, mask_zero=True), pool, x=IDS), IDS)
