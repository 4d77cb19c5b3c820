"""Random architectures, for the tests of programs."""

from typing import Any

import gatework
import numpy as np
from gatework import layers
from hypothesis import strategies as st

__all__ = ["batches", "float_models", "id_models", "shaken"]

Draw = Any
RECURRENT = (layers.LSTM, layers.GRU, layers.SimpleRNN)
ACTIVATIONS = (None, "tanh", "relu", "gelu", "softmax", "hard_sigmoid")


def shaken(model: Any, seed: int) -> Any:
    """The model with weights that differ from what initializers give, none zero by chance."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        values = rng.normal(size=weight.shape) * 0.3
        weight.assign(np.abs(values) + 0.1 if "variance" in weight.name else values)
    return model


def recurrent(draw: Draw, sequences: bool) -> Any:
    options: dict[str, Any] = {
        "units": draw(st.sampled_from([1, 3, 16, 17])),
        "return_sequences": sequences,
        "go_backwards": draw(st.booleans()),
        "use_bias": draw(st.booleans()),
        "activation": draw(st.sampled_from(["tanh", "relu", "softsign"])),
        "dropout": 0.2,
        "num_layers": draw(st.sampled_from([1, 1, 2])),
    }
    cls = draw(st.sampled_from(RECURRENT))
    if cls is layers.GRU:
        options["reset_after"] = draw(st.booleans())
    if cls is layers.LSTM:
        extra = draw(st.sampled_from(["none", "peepholes", "projection", "clip"]))
        options.update(
            {
                "none": {},
                "peepholes": {"peepholes": True, "cell_clip": 0.7},
                "projection": {"units": 8, "projection": 5},
                "clip": {"activation_clip": 0.5},
            }[extra]
        )
    if "peepholes" not in options and options.get("reset_after", cls is layers.LSTM):
        options["layer_normalization"] = draw(st.booleans())
    if draw(st.booleans()):
        options["zoneout"] = 0.25
    options["zero_output_for_mask"] = draw(st.booleans())
    return cls(**options)


def bidirectional(draw: Draw, sequences: bool) -> Any:
    inner = recurrent(draw, sequences)
    if inner.num_layers > 1 and inner.go_backwards:
        inner = layers.GRU(4, return_sequences=sequences, num_layers=2, zoneout=0.1)
    return layers.Bidirectional(
        inner, merge_mode=draw(st.sampled_from(["concat", "sum", "ave", "mul"]))
    )


def of_sequences(draw: Draw) -> Any:
    """A layer from (batch, time, features) to such."""
    kind = draw(st.integers(0, 14))
    units = draw(st.sampled_from([2, 5, 16]))
    activation = draw(st.sampled_from(ACTIVATIONS))
    if kind <= 1:
        return recurrent(draw, True)
    made: Any = {
        2: lambda: bidirectional(draw, True),
        3: lambda: layers.Dense(units, activation),
        4: lambda: layers.TimeDistributed(layers.Dense(units, activation)),
        5: lambda: layers.Conv1D(
            2 * units,
            draw(st.sampled_from([1, 2, 3])),
            padding=draw(st.sampled_from(["valid", "same", "causal"])),
            strides=draw(st.sampled_from([1, 1, 2])),
            activation=activation,
            use_bias=draw(st.booleans()),
        ),
        6: lambda: layers.Conv1D(units, 2, padding="causal", dilation_rate=2),
        7: lambda: layers.LayerNormalization(center=draw(st.booleans())),
        8: lambda: layers.BatchNormalization(scale=draw(st.booleans())),
        9: lambda: layers.RMSNormalization(),
        10: lambda: draw(st.sampled_from([layers.MaxPooling1D, layers.AveragePooling1D]))(
            2, strides=draw(st.sampled_from([None, 1])), padding="same"
        ),
        11: lambda: draw(
            st.sampled_from(
                [
                    layers.Dropout(0.5),
                    layers.LeakyReLU(),
                    layers.ReLU(max_value=1.0),
                    layers.Masking(0.0),
                    layers.Activation("silu"),
                    layers.AdaptiveMaxPooling1D(3),
                ]
            )
        ),
        12: lambda: layers.SpatialDropout1D(0.3),
        13: lambda: draw(st.sampled_from([layers.DepthwiseConv1D, depthwise_separable]))(
            draw(st.sampled_from([1, 3])),
            padding=draw(st.sampled_from(["valid", "same"])),
            strides=draw(st.sampled_from([1, 2])),
            use_bias=draw(st.booleans()),
            activation=activation,
        ),
        14: lambda: draw(
            st.sampled_from(
                [
                    layers.ZeroPadding1D((2, 1)),
                    layers.Cropping1D((1, 0)),
                    layers.UpSampling1D(2),
                ]
            )
        ),
    }[kind]
    return made()


def depthwise_separable(kernel_size: int, **options: Any) -> Any:
    return layers.SeparableConv1D(4, kernel_size, **options)


def to_vector(draw: Draw) -> Any:
    """A layer from (batch, time, features) to (batch, features)."""
    return [
        lambda: recurrent(draw, False),
        lambda: bidirectional(draw, False),
        layers.GlobalMaxPooling1D,
        layers.GlobalAveragePooling1D,
    ][draw(st.integers(0, 3))]()


def of_vectors(draw: Draw) -> Any:
    """A layer from (batch, features) to such."""
    return [
        lambda: layers.Dense(draw(st.sampled_from([1, 7])), draw(st.sampled_from(ACTIVATIONS))),
        layers.BatchNormalization,
        layers.Softmax,
        lambda: layers.Dropout(0.1),
        layers.Flatten,
    ][draw(st.integers(0, 4))]()


@st.composite
def stacks(draw: Draw) -> list[Any]:
    found = [of_sequences(draw) for _ in range(draw(st.integers(0, 4)))]
    if draw(st.booleans()):
        found.append(to_vector(draw))
        found += [of_vectors(draw) for _ in range(draw(st.integers(0, 2)))]
    return found or [layers.Dense(3)]


@st.composite
def float_models(draw: Draw) -> Any:
    """A Sequential or functional model of (batch, time, 3) floats."""
    inner = draw(stacks())
    if draw(st.booleans()):
        return shaken(gatework.Sequential([layers.Input((None, 3)), *inner]), 1)
    x = entry = layers.Input((None, 3))
    if draw(st.booleans()):
        both = [layers.Dense(4)(x), layers.LSTM(4, return_sequences=True)(x)]
        merge = draw(
            st.sampled_from([layers.Add, layers.Average, layers.Concatenate, layers.Multiply])
        )
        x = merge()(both)
    for layer in inner:
        x = layer(x)
    return shaken(gatework.Model(entry, x), 2)


@st.composite
def id_models(draw: Draw) -> Any:
    """A Sequential model of ids, (batch, time) in [0, 9), with or without a mask."""
    embedding = layers.Embedding(9, 4, mask_zero=draw(st.booleans()))
    inner = draw(stacks())
    return shaken(gatework.Sequential([layers.Input((None,)), embedding, *inner]), 3)


@st.composite
def batches(draw: Draw, ids: bool) -> Any:
    batch, time = draw(st.sampled_from([1, 2, 5])), draw(st.sampled_from([3, 4, 9]))
    rng = np.random.default_rng(draw(st.integers(0, 100)))
    if ids:
        found = rng.integers(0, 9, (batch, time))
        found[:, draw(st.integers(1, time)) :] = 0
        return found
    values = rng.normal(size=(batch, time, 3)).astype("float32")
    values[rng.random((batch, time)) < 0.2] = 0.0
    return values
