"""LSTM, GRU and SimpleRNN against Keras, live: random sizes, flags, masks and states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import layers
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.peers.keras_side import agree, random_weights, run_gatework, run_keras

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

SIZES = st.integers(1, 9)


@st.composite
def recurrent(draw: st.DrawFn) -> dict[str, Any]:
    """Class, arguments, sizes and what the call is given."""
    class_name = draw(st.sampled_from(["LSTM", "GRU", "SimpleRNN"]))
    merge_mode = draw(st.sampled_from(["no wrapper"] * 5 + ["concat", "sum", "mul", "ave"]))
    arguments: dict[str, Any] = {
        "units": draw(st.integers(1, 20)),
        "return_state": draw(st.booleans()),
        "return_sequences": draw(st.booleans()),
        # Bidirectional wraps a layer that goes forwards, and makes the other itself.
        "go_backwards": draw(st.booleans()) and merge_mode == "no wrapper",
        "zero_output_for_mask": draw(st.booleans()),
        "use_bias": draw(st.booleans()),
        "activation": draw(st.sampled_from(["tanh", "relu", "sigmoid", "elu", "softsign"])),
    }
    if class_name != "SimpleRNN":
        arguments["recurrent_activation"] = draw(st.sampled_from(["sigmoid", "hard_sigmoid"]))
    if class_name == "GRU":
        arguments["reset_after"] = draw(st.booleans())
    return {
        "class_name": class_name,
        "arguments": arguments,
        "shape": (draw(SIZES), draw(SIZES), draw(SIZES)),
        "masked": draw(st.booleans()),
        "stateful_start": draw(st.booleans()),
        "merge_mode": merge_mode,
        "seed": draw(st.integers(0, 2**31)),
    }


def build(module: Any, case: dict[str, Any]) -> Any:
    """The layer of a case from Keras' `layers` or from ours."""
    layer = getattr(module, case["class_name"])(**case["arguments"])
    if case["merge_mode"] != "no wrapper":
        layer = module.Bidirectional(layer, merge_mode=case["merge_mode"])
    return layer


# Keras compiles anew for every shape, which takes seconds; the full product of flags is golden.
@settings(max_examples=12, derandomize=True)
@given(case=recurrent())
def test_like_keras(case: dict[str, Any]) -> None:
    rng = np.random.default_rng(case["seed"])
    x = rng.normal(size=case["shape"]).astype(np.float32)
    theirs = build(keras.layers, case)
    theirs.build(x.shape)
    weights = random_weights(rng, theirs)
    given: dict[str, Any] = {}
    if case["masked"]:
        given["mask"] = rng.random(x.shape[:2]) < 0.6
    if case["stateful_start"]:
        count = 2 if case["class_name"] == "LSTM" else 1
        count *= 1 if case["merge_mode"] == "no wrapper" else 2
        size = (x.shape[0], case["arguments"]["units"])
        if case["masked"]:
            # Before the first step that counts, Keras on PyTorch repeats zeros, on JAX the given
            # state, as here. The golden numbers have that.
            given["mask"][:, [0, -1]] = True
        given["initial_state"] = [rng.normal(size=size).astype(np.float32) for _ in range(count)]
    expected, up, expected_gradients = run_keras(theirs, weights, x, case["seed"], **given)
    outputs, gradients = run_gatework(build(layers, case), weights, x, up, **given)
    agree(outputs, expected)
    agree(gradients, expected_gradients)


@pytest.mark.parametrize("class_name", ["LSTM", "GRU", "SimpleRNN"])
def test_long_sequences(class_name: str) -> None:
    """More steps and units than any buffer of one tile holds."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5, 150, 13)).astype(np.float32)
    mask = np.arange(150) < np.array([[150], [3], [77], [1], [149]])
    theirs = getattr(keras.layers, class_name)(70, return_sequences=True)
    theirs.build(x.shape)
    weights = random_weights(rng, theirs, 0.1)
    expected, up, expected_gradients = run_keras(theirs, weights, x, 2, mask=mask)
    ours = getattr(layers, class_name)(70, return_sequences=True)
    outputs, gradients = run_gatework(ours, weights, x, up, mask=mask)
    agree(outputs, expected)
    agree(gradients, expected_gradients)
