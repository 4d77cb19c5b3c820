"""Layers: outputs and gradients of weights and inputs, over random arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.keras_side import leaves, random_weights, run_gatework, run_keras
from tests.peers.sweep.case import OMITTED, Arguments, Case, Make, made, worst
from tests.peers.sweep.names import module

ACTIVATIONS = [None, "relu", "tanh", "gelu"]
FLAGS = [False, True]
MERGING = {"shapes": [(3, 4, 5)] * 3}
PAIR = {"shapes": [(3, 4, 5)] * 2}
ATTENDING = {**PAIR, "spread": True, "causal": True}
CELL_STATES = {"shape": (4, 5), "states": 1}
NORMAL = {"shape": (6, 5, 4), "scale": 2.0}
RECURRENT = {
    "units": [5],
    "activation": ["tanh", "relu", "softsign"],
    "use_bias": [True, False],
    "return_sequences": [True, False],
    "return_state": FLAGS,
    "go_backwards": FLAGS,
    "zero_output_for_mask": FLAGS,
    "unroll": FLAGS,
}
CELL = {"units": [5], "activation": ["tanh", "relu"], "use_bias": [True, False]}
GATES = ["sigmoid", "hard_sigmoid"]
MASKED = {"mask": True}
POOL = {
    "pool_size": [2, 3],
    "strides": [None, 1, 2],
    "padding": ["valid", "same"],
    "data_format": ["channels_last", "channels_first"],
}
GLOBAL_POOL = {"data_format": ["channels_last", "channels_first"], "keepdims": FLAGS}
CENTRED = {
    "axis": [-1, [1, 2]],  # on PyTorch, Keras fails for an axis that is not among the last
    "epsilon": [1e-3, 1e-5],
    "center": [True, False],
    "scale": [True, False],
}
CONVOLUTION = {
    "kernel_size": [3, 1, 2],
    "strides": [1, 2],
    "padding": ["valid", "same"],
    "data_format": ["channels_last", "channels_first"],
    "activation": ACTIVATIONS,
    "use_bias": [True, False],
}

CASES: dict[str, Case] = {
    # Recurrent: sizes, masks and states in every combination are in test_keras_recurrent.py.
    "LSTM": Case({**RECURRENT, "recurrent_activation": GATES}, MASKED),
    "GRU": Case({**RECURRENT, "recurrent_activation": GATES, "reset_after": [True, False]}, MASKED),
    "SimpleRNN": Case(RECURRENT, MASKED),
    "LSTMCell": Case({**CELL, "recurrent_activation": GATES}, {"shape": (4, 5), "states": 2}),
    "GRUCell": Case({**CELL, "reset_after": [True, False]}, CELL_STATES),
    "SimpleRNNCell": Case(CELL, CELL_STATES),
    "RNN": Case(
        {
            "cell": [
                Make(lambda L: L.LSTMCell(4)),
                Make(lambda L: L.GRUCell(5)),
                Make(lambda L: [L.SimpleRNNCell(3), L.LSTMCell(2)]),
            ],
            "return_sequences": [True, False],
            "go_backwards": FLAGS,
        },
        MASKED,
    ),
    "StackedRNNCells": Case(
        {"cells": [Make(lambda L: [L.LSTMCell(4), L.GRUCell(3)])]}, {"inside": "RNN"}
    ),
    "Bidirectional": Case(
        {
            "layer": [
                Make(lambda L: L.LSTM(3)),
                Make(lambda L: L.GRU(3, return_sequences=True)),
                Make(lambda L: L.SimpleRNN(4, return_state=True)),
            ],
            "merge_mode": ["concat", "sum", "mul", "ave", None],
        },
        MASKED,
    ),
    "TimeDistributed": Case(
        {"layer": [Make(lambda L: L.Dense(3, activation="tanh")), Make(lambda L: L.Flatten())]},
        {"shape": (3, 4, 2, 5)},
    ),
    # Core
    "Dense": Case({"units": [3, 7], "activation": ACTIVATIONS, "use_bias": [True, False]}),
    "EinsumDense": Case(
        {
            "equation": ["abc,cd->abd"],
            "output_shape": [(None, 7)],
            "bias_axes": [None, "d", "bd"],
            "activation": ACTIVATIONS,
        },
        {"keep_known_sizes": True},
    ),
    "Embedding": Case(
        {"input_dim": [9], "output_dim": [4], "mask_zero": FLAGS},
        {"integers": 9, "shape": (3, 6)},
    ),
    "ReversibleEmbedding": Case(
        {
            "input_dim": [9],
            "output_dim": [4],
            "tie_weights": [True, False],
            "logit_soft_cap": [None, 2.0],
        },
        {"integers": 9, "shape": (3, 6)},
    ),
    "Masking": Case({"mask_value": [0.0, 1.0]}),
    "Lambda": Case({"function": [lambda x: x * 2 + 1]}),
    "Identity": Case(),
    "Activation": Case({"activation": ["relu", "softmax", "mish"]}),
    # Regularization, as it is outside training; test_keras_random_layers.py has the draws.
    "Dropout": Case({"rate": [0.5]}),
    "SpatialDropout1D": Case({"rate": [0.5]}),
    "GaussianNoise": Case({"stddev": [0.5]}),
    "GaussianDropout": Case({"rate": [0.5]}),
    "AlphaDropout": Case({"rate": [0.5]}),
    "ActivityRegularization": Case({"l1": [0.1], "l2": [0.2]}),
    # Normalization
    "LayerNormalization": Case(CENTRED, NORMAL),
    "BatchNormalization": Case(
        {
            "axis": [-1, 1],
            "momentum": [0.99, 0.8],
            "epsilon": [1e-3, 1e-2],
            "center": [True, False],
            "scale": [True, False],
        },
        {**NORMAL, "mask": True, "training": FLAGS},
        draws=6,
    ),
    # Keras does not spread its scale along any other axis: it fails there.
    "RMSNormalization": Case({"axis": [-1], "epsilon": [1e-6, 1e-3]}, NORMAL),
    "GroupNormalization": Case({"groups": [2, 1, -1], "center": [True, False]}, NORMAL),
    "UnitNormalization": Case({"axis": [-1, 1]}, NORMAL),
    # Over time
    "Conv1D": Case(
        {
            "filters": [4, 8],
            **CONVOLUTION,
            "padding": ["valid", "same", "causal"],
            "groups": [1, 2],
            # Keras has causal padding for this order of the axes only.
            "data_format": ["channels_last"],
        },
        {"shape": (3, 9, 6)},
        draws=8,
    ),
    "DepthwiseConv1D": Case(
        {**CONVOLUTION, "depth_multiplier": [1, 2]}, {"shape": (3, 9, 6)}, draws=6
    ),
    "SeparableConv1D": Case(
        {"filters": [4], **CONVOLUTION, "depth_multiplier": [1, 2]}, {"shape": (3, 9, 6)}, draws=6
    ),
    "Conv1DTranspose": Case({"filters": [4], **CONVOLUTION}, {"shape": (3, 9, 6)}, draws=6),
    "MaxPooling1D": Case(POOL, {"shape": (3, 9, 6)}, draws=8),
    "AveragePooling1D": Case(POOL, {"shape": (3, 9, 6)}, draws=8),
    "AdaptiveMaxPooling1D": Case({"output_size": [3, 4]}, {"shape": (3, 9, 6)}),
    "AdaptiveAveragePooling1D": Case({"output_size": [3, 4]}, {"shape": (3, 9, 6)}),
    "GlobalMaxPooling1D": Case(GLOBAL_POOL),
    # The mask drawn for inputs is that of their second axis.
    "GlobalAveragePooling1D": Case({**GLOBAL_POOL, "data_format": ["channels_last"]}, MASKED),
    # Reshaping
    "Reshape": Case({"target_shape": [(5, 4), (-1,), (2, -1)]}, {"shape": (3, 4, 5)}),
    "Flatten": Case({"data_format": [None, "channels_last", "channels_first"]}),
    "Permute": Case({"dims": [(2, 1), (1, 2)]}),
    "RepeatVector": Case({"n": [3, 1]}, {"shape": (4, 5)}),
    "Cropping1D": Case({"cropping": [(1, 1), 1, (0, 2)]}, {"shape": (3, 6, 4)}),
    "ZeroPadding1D": Case({"padding": [1, (0, 2), (3, 1)]}),
    "UpSampling1D": Case({"size": [2, 3]}),
    # Merging
    "Add": Case({}, MERGING),
    "Subtract": Case({}, PAIR),
    "Multiply": Case({}, MERGING),
    "Average": Case({}, MERGING),
    "Maximum": Case({}, MERGING),
    "Minimum": Case({}, MERGING),
    "Concatenate": Case({"axis": [-1, 1]}, MERGING),
    "Dot": Case({"axes": [2, 1, (1, 1), (2, 2)], "normalize": FLAGS}, PAIR),
    # Activations as layers
    "ReLU": Case({"max_value": [None, 1.0], "negative_slope": [0.0, 0.2], "threshold": [0.0, 0.3]}),
    "LeakyReLU": Case({"negative_slope": [0.3, 0.01]}),
    "ELU": Case({"alpha": [1.0, 0.5]}),
    "PReLU": Case({"alpha_initializer": ["zeros"], "shared_axes": [None, [1]]}),
    "Softmax": Case({"axis": [-1, 1]}),
    # Attention
    "Attention": Case({"use_scale": FLAGS, "score_mode": ["dot", "concat"]}, MERGING),
    "AdditiveAttention": Case({"use_scale": [True, False]}, MERGING),
    "MultiHeadAttention": Case(
        {
            "num_heads": [2],
            "key_dim": [4],
            "value_dim": [None, 3],
            "dropout": [0.0, 0.1],
            "output_shape": [None, 7, (2, 3)],
            "use_bias": [True, False],
            "use_gate": FLAGS,
            "sliding_window": [None, 2],
        },
        ATTENDING,
        draws=8,
    ),
    "GroupQueryAttention": Case(
        {
            "head_dim": [4],
            "num_query_heads": [4],
            "num_key_value_heads": [2, 1, 4],
            "use_bias": [True, False],
            "use_gate": FLAGS,
            "sliding_window": [None, 2],
        },
        ATTENDING,
        draws=6,
    ),
    "Rescaling": Case({"scale": [0.5], "offset": [0.0, 1.0]}),
    "Normalization": Case({"mean": [2.0], "variance": [3.0], "invert": FLAGS}),
    "SpectralNormalization": Case({"layer": [Make(lambda L: L.Dense(4))]}),
}
MERGE_FUNCTIONS = {
    "add": MERGING,
    "subtract": PAIR,
    "multiply": MERGING,
    "average": MERGING,
    "maximum": MERGING,
    "minimum": MERGING,
    "concatenate": MERGING,
    "dot": PAIR,
}
CASES.update(
    {
        name: Case({"axes": [2, 1]} if name == "dot" else {}, options)
        for name, options in MERGE_FUNCTIONS.items()
    }
)


def inputs_of(case: Case, rng: np.random.Generator) -> Any:
    """One array, or a list of them, as the case's options say."""
    options = case.options
    if "integers" in options:
        return rng.integers(0, options["integers"], options["shape"]).astype("int32")
    scale = options.get("scale", 1.0)
    if "shapes" in options:
        return [rng.normal(0, scale, shape).astype("float32") for shape in options["shapes"]]
    return rng.normal(0, scale, options.get("shape", (3, 4, 5))).astype("float32")


def call_arguments(case: Case, arguments: Arguments, x: Any, rng: np.random.Generator) -> Arguments:
    given: Arguments = {}
    if case.options.get("mask") and rng.random() < 0.7:
        given["mask"] = rng.random(np.shape(x)[:2]) < 0.7
    if "training" in case.options:
        given["training"] = bool(rng.integers(2))
    if case.options.get("causal"):
        given["use_causal_mask"] = bool(rng.integers(2))
    if "states" in case.options:
        size = (len(x), arguments["units"])
        states = range(case.options["states"])
        given["states"] = [rng.normal(size=size).astype("float32") for _ in states]
    return given


def fits(name: str, arguments: Arguments) -> bool:
    """Whether Keras itself does what it says under these arguments."""
    if name == "Conv1D":
        return arguments["padding"] != "causal" or arguments["data_format"] != "channels_first"
    # Unrolled, it forgets the last unmasked output where masked outputs are zero, and cannot turn a
    # mask round on PyTorch.
    wrong = arguments.get("zero_output_for_mask") or arguments.get("go_backwards")
    return not (arguments.get("unroll") and wrong)


def largest_difference(name: str, case: Case) -> float:
    """Over every draw of a case: outputs, states, gradients and moved statistics."""
    theirs_module, ours_module = module("keras", "layers"), module("gatework", "layers")
    found = 0.0
    for arguments, rng in case.arguments(name):
        if not fits(name, arguments):
            continue
        x = inputs_of(case, rng)
        seed = int(rng.integers(2**31))
        if name in MERGE_FUNCTIONS:
            own = getattr(ours_module, name)(x, **arguments)
            expected = getattr(theirs_module, name)(x, **arguments)
            found = max(found, worst([own], [expected]))
            continue
        theirs, ours = (
            wrapped(L, case, getattr(L, name)(**made(arguments, L)))
            for L in (theirs_module, ours_module)
        )
        given = call_arguments(case, arguments, x, rng)
        found = max(found, compare(theirs, ours, x, given, rng, seed, "spread" in case.options))
    return found


def wrapped(library: Any, case: Case, layer: Any) -> Any:
    """Cells are driven by the layer that runs them."""
    return library.RNN(layer) if case.options.get("inside") == "RNN" else layer


def compare(
    theirs: Any, ours: Any, x: Any, given: Arguments, rng: Any, seed: int, spread: bool
) -> float:
    """Largest difference of one call and its gradients."""
    shapes = [part.shape for part in x] if isinstance(x, list) else x.shape
    if not theirs.built:
        theirs.build(*shapes) if spread else theirs.build(shapes)
    weights = random_weights(rng, theirs)
    statistics = theirs.non_trainable_weights
    expected, up, expected_gradients = run_keras(theirs, weights, x, seed, spread, **given)
    outputs, gradients = run_gatework(ours, weights, x, up, spread, **given)
    found = max(worst(outputs, expected), worst(gradients, expected_gradients))
    if given.get("training") and statistics:
        # Keras' call above had no side effect: once more, with one.
        theirs(x, **given)
        found = max(found, worst(leaves(ours.non_trainable_weights), leaves(statistics)))
    return found


__all__ = ["CASES", "OMITTED", "largest_difference"]
