"""What Keras writes as configuration of layers, models, optimizers and what they are made of."""

from __future__ import annotations

import json
from typing import Any

import keras

LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {"units": 4}),
    (
        "LSTM",
        {
            "units": 4,
            "return_sequences": True,
            "return_state": True,
            "go_backwards": True,
            "stateful": True,
            "dropout": 0.2,
            "recurrent_dropout": 0.1,
            "activation": "relu",
            "recurrent_activation": "hard_sigmoid",
            "kernel_regularizer": "l2",
            "recurrent_constraint": "max_norm",
            "unit_forget_bias": False,
            "zero_output_for_mask": True,
            "seed": 7,
            "name": "named",
        },
    ),
    ("GRU", {"units": 4}),
    ("GRU", {"units": 4, "reset_after": False, "use_bias": False, "trainable": False}),
    ("SimpleRNN", {"units": 4}),
    ("SimpleRNN", {"units": 4, "kernel_initializer": "he_normal", "bias_initializer": "ones"}),
    ("Embedding", {"input_dim": 10, "output_dim": 3}),
    ("Embedding", {"input_dim": 10, "output_dim": 3, "mask_zero": True}),
    ("Dense", {"units": 3}),
    ("Dense", {"units": 3, "activation": "softmax", "bias_regularizer": "l1"}),
    ("Dropout", {"rate": 0.3}),
    ("Dropout", {"rate": 0.3, "noise_shape": [None, 1, 4], "seed": 3}),
    ("SpatialDropout1D", {"rate": 0.3}),
    ("Masking", {"mask_value": -1.0}),
    ("Activation", {"activation": "gelu"}),
    ("Flatten", {}),
    ("Reshape", {"target_shape": [2, 3]}),
    ("InputLayer", {"shape": [None, 4]}),
]
OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.5, "momentum": 0.9, "nesterov": True, "clipnorm": 1.0}),
    ("RMSprop", {}),
    ("RMSprop", {"centered": True, "global_clipnorm": 2.0}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.01, "use_ema": True}),
    ("AdamW", {}),
]
LOSSES = [
    ("BinaryCrossentropy", {"from_logits": True}),
    ("CategoricalCrossentropy", {}),
    ("SparseCategoricalCrossentropy", {}),
    ("MeanSquaredError", {}),
    ("Huber", {}),
]
METRICS = [
    ("BinaryAccuracy", {}),
    ("SparseCategoricalAccuracy", {}),
    ("TopKCategoricalAccuracy", {"k": 3}),
    ("Mean", {}),
    ("MeanSquaredError", {}),
    ("Precision", {}),
]
INITIALIZERS = [
    ("GlorotUniform", {"seed": 1}),
    ("HeNormal", {}),
    ("LecunUniform", {}),
    ("Orthogonal", {"gain": 2.0}),
    ("RandomUniform", {}),
    ("RandomNormal", {"stddev": 0.3}),
    ("TruncatedNormal", {}),
    ("VarianceScaling", {"mode": "fan_out"}),
    ("Zeros", {}),
    ("Ones", {}),
    ("Constant", {"value": 2.5}),
    ("Identity", {}),
]
REGULARIZERS = [("L1", {"l1": 0.1}), ("L2", {"l2": 0.1}), ("L1L2", {"l1": 0.1, "l2": 0.2})]
CONSTRAINTS = [("MaxNorm", {}), ("NonNeg", {}), ("UnitNorm", {}), ("MinMaxNorm", {"rate": 0.5})]


def layer(spec: tuple[str, dict[str, Any]]) -> keras.layers.Layer:
    """The layer a spec names."""
    return getattr(keras.layers, spec[0])(**spec[1])


def models() -> dict[str, keras.Sequential]:
    """Sequential models with and without an input layer."""
    L = keras.layers
    return {
        "plain": keras.Sequential(
            [L.Embedding(10, 4, name="e"), L.LSTM(3, name="l"), L.Dense(1, name="d")], name="plain"
        ),
        "with_input": keras.Sequential(
            [
                L.Input((5, 2), name="i"),
                L.Bidirectional(L.GRU(3, return_sequences=True, name="g"), name="b"),
                L.TimeDistributed(L.Dense(2, activation="relu", name="d"), name="t"),
            ],
            name="with_input",
        ),
    }


def named(module: Any, specs: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Class, arguments and configuration of each object of a module."""
    record = []
    for class_name, arguments in specs:
        config = getattr(module, class_name)(**arguments).get_config()
        record.append({"class_name": class_name, "arguments": arguments, "config": config})
    return record


def generate() -> dict[str, Any]:
    """Configurations as plain JSON; nothing here depends on the float type."""
    keras.config.set_floatx("float32")
    keras.utils.clear_session()
    wrappers = {
        "bidirectional": keras.layers.Bidirectional(keras.layers.LSTM(4), merge_mode="sum"),
        "time_distributed": keras.layers.TimeDistributed(keras.layers.Dense(4)),
    }
    tree = {
        "layers": named(keras.layers, LAYERS),
        "serialized_layers": [keras.layers.serialize(layer(spec)) for spec in LAYERS],
        "wrappers": {name: w.get_config() for name, w in wrappers.items()},
        "models": {name: m.get_config() for name, m in models().items()},
        "model_json": {name: json.loads(m.to_json()) for name, m in models().items()},
        "optimizers": named(keras.optimizers, OPTIMIZERS),
        "losses": named(keras.losses, LOSSES),
        "metrics": named(keras.metrics, METRICS),
        "initializers": named(keras.initializers, INITIALIZERS),
        "regularizers": named(keras.regularizers, REGULARIZERS),
        "constraints": named(keras.constraints, CONSTRAINTS),
    }
    return json.loads(json.dumps(tree))
