"""What is saved and loaded in comparison with Keras: one row per layer and per optimizer.

A row makes the layers of a small model for either library; ``K`` is the library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Row = Callable[[Any], Any]
Inputs = np.ndarray | list[np.ndarray]

_RNG = np.random.default_rng(0)
SEQUENCES = _RNG.normal(size=(4, 6, 3)).astype(np.float32)
FLAT = _RNG.normal(size=(4, 3)).astype(np.float32)
IDS = np.array([[1, 2, 3, 0, 0], [9, 8, 5, 6, 1], [4, 7, 3, 2, 0], [5, 0, 0, 0, 0]])

# Layers on sequences (batch, time, features).
ON_SEQUENCES: dict[str, Row] = {
    "Activation": lambda K: K.layers.Activation("gelu"),
    "ActivityRegularization": lambda K: K.layers.ActivityRegularization(0.1, 0.2),
    "AdaptiveAveragePooling1D": lambda K: K.layers.AdaptiveAveragePooling1D(2),
    "AdaptiveMaxPooling1D": lambda K: K.layers.AdaptiveMaxPooling1D(4),
    "AlphaDropout": lambda K: K.layers.AlphaDropout(0.2, seed=3),
    "AveragePooling1D": lambda K: K.layers.AveragePooling1D(2, padding="same"),
    "BatchNormalization": lambda K: K.layers.BatchNormalization(momentum=0.9, epsilon=0.01),
    "Bidirectional": lambda K: K.layers.Bidirectional(
        K.layers.GRU(2, return_sequences=True), merge_mode="ave"
    ),
    "Bidirectional_own_backward": lambda K: K.layers.Bidirectional(
        K.layers.LSTM(2), backward_layer=K.layers.GRU(3, go_backwards=True)
    ),
    "Conv1D": lambda K: K.layers.Conv1D(6, 2, padding="causal", dilation_rate=2, groups=3),
    "Conv1DTranspose": lambda K: K.layers.Conv1DTranspose(2, 3, strides=2),
    "Cropping1D": lambda K: K.layers.Cropping1D((1, 2)),
    "Dense": lambda K: K.layers.Dense(
        2, "relu", kernel_initializer=K.initializers.HeNormal(seed=3), bias_regularizer="l2"
    ),
    "DepthwiseConv1D": lambda K: K.layers.DepthwiseConv1D(2, depth_multiplier=2),
    "Dropout": lambda K: K.layers.Dropout(0.2, noise_shape=(None, 1, 3)),
    "ELU": lambda K: K.layers.ELU(0.5),
    "EinsumDense": lambda K: K.layers.EinsumDense("abc,cd->abd", (None, 2), bias_axes="d"),
    "Flatten": lambda K: K.layers.Flatten(),
    "GRU": lambda K: K.layers.GRU(2, kernel_constraint=K.constraints.MaxNorm(2.0), dropout=0.1),
    "GRUCell": lambda K: K.layers.RNN(K.layers.GRUCell(2, reset_after=False)),
    "GaussianDropout": lambda K: K.layers.GaussianDropout(0.2, seed=1),
    "GaussianNoise": lambda K: K.layers.GaussianNoise(0.2),
    "GlobalAveragePooling1D": lambda K: K.layers.GlobalAveragePooling1D(keepdims=True),
    "GlobalMaxPooling1D": lambda K: K.layers.GlobalMaxPooling1D(),
    "GroupNormalization": lambda K: K.layers.GroupNormalization(3),
    "Identity": lambda K: K.layers.Identity(),
    "LSTM": lambda K: K.layers.LSTM(
        2, activation="elu", recurrent_activation="hard_sigmoid", unit_forget_bias=False
    ),
    "LSTMCell": lambda K: K.layers.RNN(K.layers.LSTMCell(2), return_sequences=True),
    "LayerNormalization": lambda K: K.layers.LayerNormalization(center=False),
    "LeakyReLU": lambda K: K.layers.LeakyReLU(negative_slope=0.1),
    "Masking": lambda K: K.layers.Masking(0.5),
    "MaxPooling1D": lambda K: K.layers.MaxPooling1D(2, strides=1),
    "PReLU": lambda K: K.layers.PReLU(shared_axes=[1]),
    "Permute": lambda K: K.layers.Permute((2, 1)),
    "RMSNormalization": lambda K: K.layers.RMSNormalization(epsilon=0.01),
    "RNN": lambda K: K.layers.RNN(K.layers.SimpleRNNCell(2)),
    "ReLU": lambda K: K.layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.1),
    "Reshape": lambda K: K.layers.Reshape((3, -1)),
    "SeparableConv1D": lambda K: K.layers.SeparableConv1D(2, 2, depth_multiplier=2),
    "SimpleRNN": lambda K: K.layers.SimpleRNN(2, go_backwards=True),
    "SimpleRNNCell": lambda K: K.layers.RNN(K.layers.SimpleRNNCell(2, use_bias=False)),
    "Softmax": lambda K: K.layers.Softmax(axis=1),
    "SpatialDropout1D": lambda K: K.layers.SpatialDropout1D(0.2),
    "StackedRNNCells": lambda K: K.layers.RNN(
        K.layers.StackedRNNCells([K.layers.LSTMCell(3), K.layers.GRUCell(2)])
    ),
    "TimeDistributed": lambda K: K.layers.TimeDistributed(K.layers.Dense(2)),
    "UnitNormalization": lambda K: K.layers.UnitNormalization(),
    "UpSampling1D": lambda K: K.layers.UpSampling1D(3),
    "ZeroPadding1D": lambda K: K.layers.ZeroPadding1D((2, 1)),
}
# Layers on (batch, features).
ON_ROWS: dict[str, Row] = {
    "RepeatVector": lambda K: K.layers.RepeatVector(3),
}
# Layers on whole numbers (batch, time).
ON_IDS: dict[str, Row] = {
    "Embedding": lambda K: K.layers.Embedding(10, 3, mask_zero=True),
    "ReversibleEmbedding": lambda K: K.layers.ReversibleEmbedding(10, 3),
}
# Layers that join two sequences.
MERGING: dict[str, Row] = {
    "Add": lambda K: K.layers.Add(),
    "AdditiveAttention": lambda K: K.layers.AdditiveAttention(dropout=0.1, seed=3),
    "Attention": lambda K: K.layers.Attention(use_scale=True, score_mode="concat"),
    "Average": lambda K: K.layers.Average(),
    "Concatenate": lambda K: K.layers.Concatenate(axis=1),
    "Dot": lambda K: K.layers.Dot(axes=(2, 2), normalize=True),
    "Maximum": lambda K: K.layers.Maximum(),
    "Minimum": lambda K: K.layers.Minimum(),
    "Multiply": lambda K: K.layers.Multiply(),
    "Subtract": lambda K: K.layers.Subtract(),
}
# Layers that are called with two sequences, one by one.
ATTENDING: dict[str, Row] = {
    "GroupedQueryAttention": lambda K: K.layers.GroupQueryAttention(
        2, 4, 2, sliding_window=3, use_gate=True
    ),
    "MultiHeadAttention": lambda K: K.layers.MultiHeadAttention(
        2, 4, output_shape=5, attention_axes=-2, kernel_regularizer="l2"
    ),
    "MultiHeadAttention_gate": lambda K: K.layers.MultiHeadAttention(
        2, 4, value_dim=3, dropout=0.1, use_bias=False, use_gate=True, seed=5
    ),
}
# What is in ``layers`` and needs no row: bases, functions of the user, what a model begins with.
NO_ROWS = {"Input", "InputLayer", "InputSpec", "Lambda", "Layer", "Wrapper"}
LAYERS = {**ON_SEQUENCES, **ON_ROWS, **ON_IDS, **MERGING, **ATTENDING}

OPTIMIZERS: dict[str, Row] = {
    "Adadelta": lambda K: K.optimizers.Adadelta(0.5, rho=0.9),
    "Adafactor": lambda K: K.optimizers.Adafactor(0.01, clip_threshold=0.9),
    "Adagrad": lambda K: K.optimizers.Adagrad(0.1),
    "Adam": lambda K: K.optimizers.Adam(0.01, amsgrad=True, clipnorm=0.5),
    "AdamW": lambda K: K.optimizers.AdamW(0.01, weight_decay=0.1),
    "Adam_averages": lambda K: K.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9),
    "Adamax": lambda K: K.optimizers.Adamax(0.01),
    "Ftrl": lambda K: K.optimizers.Ftrl(0.01),
    "Lamb": lambda K: K.optimizers.Lamb(0.01),
    "Lion": lambda K: K.optimizers.Lion(0.01, clipvalue=0.5),
    "LossScaleOptimizer": lambda K: K.optimizers.LossScaleOptimizer(
        K.optimizers.Adam(0.01), initial_scale=8.0, dynamic_growth_steps=2
    ),
    "Muon": lambda K: K.optimizers.Muon(0.01),
    "Nadam": lambda K: K.optimizers.Nadam(0.01),
    "RMSprop": lambda K: K.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "ScheduleFreeAdamW": lambda K: K.optimizers.ScheduleFreeAdamW(0.01, weight_decay=0.1),
    "SGD": lambda K: K.optimizers.SGD(0.1, momentum=0.9, nesterov=True, global_clipnorm=1.0),
    "SGD_schedule": lambda K: K.optimizers.SGD(
        K.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True)
    ),
    "SGD_accumulating": lambda K: K.optimizers.SGD(
        0.1, momentum=0.5, gradient_accumulation_steps=2
    ),
}


def model_of(K: Any, name: str) -> tuple[Any, Inputs]:
    """A built model around the layer of a row, and inputs for it."""
    make = LAYERS[name]
    if name in MERGING or name in ATTENDING:
        a, b = K.layers.Input((6, 3), name="a"), K.layers.Input((6, 3), name="b")
        pair = [a, K.layers.Dense(3, name="d")(b)]
        y = make(K)(pair) if name in MERGING else make(K)(*pair, use_causal_mask=True)
        return K.Model([a, b], y, name="two"), [SEQUENCES, SEQUENCES[::-1].copy()]
    x = IDS if name in ON_IDS else FLAT if name in ON_ROWS else SEQUENCES
    return K.Sequential([K.layers.Input(x.shape[1:], name="x"), make(K)], name="one"), x


def two_ends(K: Any) -> Any:
    """Two inputs, two outputs, a layer used twice, a model within the model; compiled by name."""
    words, numbers = K.layers.Input((5,), name="words"), K.layers.Input((3,), name="numbers")
    shared = K.layers.Dense(3, activation="tanh", name="shared")
    inner = K.Sequential([K.layers.Input((3,)), K.layers.Dense(2, name="small")], name="inner")
    text = K.layers.GRU(3, name="text")(K.layers.Embedding(10, 4, mask_zero=True)(words))
    joined = K.layers.Concatenate(name="joined")([shared(text), shared(numbers)])
    kind = K.layers.Dense(3, activation="softmax", name="kind")(joined)
    size = K.layers.Add(name="size")([inner(text), K.layers.Dense(2)(joined)])
    model = K.Model({"words": words, "numbers": numbers}, {"kind": kind, "size": size})
    model.compile(
        K.optimizers.RMSprop(0.01),
        loss={"kind": "sparse_categorical_crossentropy", "size": K.losses.Huber()},
        loss_weights={"kind": 1.0, "size": 0.5},
        metrics={"kind": ["accuracy"], "size": [K.metrics.MeanAbsoluteError(name="far")]},
    )
    return model
