"""Recurrent layers against Keras 3.15: outputs, states and gradients to 1e-5.

The numbers come from `tests/golden/generate.py`, which ran the same cases through Keras in float64.
"""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers

from tests.golden.store import read

GOLDEN = read("recurrent.npz")
TOLERANCE = 1e-5


def build(case: dict[str, Any], **changes: Any) -> Any:
    """gatework's layer of a case, built and carrying Keras' weights."""
    layer = getattr(layers, case["class_name"])(**{**case["arguments"], **changes})
    if case["wrapper"] is not None:
        layer = layers.Bidirectional(layer, **case["wrapper"])
    layer.build(case["x"].shape)
    for own, given in zip(layer.trainable_weights, case["weights"], strict=True):
        own.assign(given)
    return layer


def keywords(case: dict[str, Any]) -> dict[str, Any]:
    """The call's mask and initial state, where the case has them."""
    found: dict[str, Any] = {}
    if case["mask"] is not None:
        found["mask"] = np.array(case["mask"], bool)
    if case["initial_state"] is not None:
        found["initial_state"] = [gatework.Tensor(state) for state in case["initial_state"]]
    return found


def flat(outputs: Any) -> list[Any]:
    """Outputs and states in one list, whatever the nesting."""
    if isinstance(outputs, (list, tuple)):
        return [leaf for part in outputs for leaf in flat(part)]
    return [outputs]


def close(actual: Any, expected: np.ndarray, what: str) -> None:
    """Equal to 1e-5 of the larger of one and the value."""
    actual = np.asarray(actual)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(
        actual, expected, rtol=TOLERANCE, atol=TOLERANCE, strict=True, err_msg=what
    )


@pytest.mark.parametrize("case", GOLDEN, ids=[case["name"] for case in GOLDEN])
def test_outputs_states_and_gradients(case: dict[str, Any]) -> None:
    layer = build(case)
    x = gatework.Tensor(case["x"])
    given = keywords(case)
    states = given.get("initial_state", [])
    *earlier, last = case["calls"]
    for expected in earlier:
        for own, theirs in zip(flat(layer(x, **given)), expected, strict=True):
            close(own, theirs, "an earlier call")

    with gatework.GradientTape() as tape:
        tape.watch([x, *states])
        outputs = flat(layer(x, **given))
    assert len(outputs) == len(last)
    for place, (own, theirs) in enumerate(zip(outputs, last, strict=True)):
        close(own, theirs, f"output {place}")

    sources = [*layer.trainable_weights, x, *states]
    gradients = tape.gradient(
        outputs,
        sources,
        output_gradients=[gatework.Tensor(g) for g in case["output_gradients"]],
        unconnected_gradients="zero",
    )
    expected = [*case["weight_gradients"], case["x_gradient"], *(case["state_gradients"] or [])]
    for source, own, theirs in zip(sources, gradients, expected, strict=True):
        close(own, theirs, f"gradient of {getattr(source, 'name', 'an input')}")


PLAIN = [case for case in GOLDEN if len(case["calls"]) == 1]


@pytest.mark.parametrize("case", PLAIN, ids=[case["name"] for case in PLAIN])
def test_without_returned_states(case: dict[str, Any]) -> None:
    layer = build(case, return_state=False)
    outputs = flat(layer(case["x"], **keywords(case)))
    states = len(layer.weights) and (2 if case["class_name"] == "LSTM" else 1)
    states *= 1 if case["wrapper"] is None else 2
    assert len(outputs) == len(case["calls"][0]) - states
    for own, theirs in zip(outputs, case["calls"][0], strict=False):
        close(own, theirs, "output")


STATEFUL = [case for case in GOLDEN if len(case["calls"]) > 1]


@pytest.mark.parametrize("case", STATEFUL, ids=[case["name"] for case in STATEFUL])
def test_reset_states_starts_over(case: dict[str, Any]) -> None:
    layer = build(case)
    given = keywords(case)
    first = [np.asarray(y) for y in flat(layer(case["x"], **given))]
    layer(case["x"], **given)
    layer.reset_states()
    for own, before in zip(flat(layer(case["x"], **given)), first, strict=True):
        np.testing.assert_array_equal(own, before)


@pytest.mark.parametrize("case", read("values.npz")["initial_biases"], ids=str)
def test_initial_bias(case: dict[str, Any]) -> None:
    layer = getattr(layers, case["class_name"])(3, **case["arguments"])
    layer.build((None, None, 2))
    np.testing.assert_array_equal(layer.cell.bias.numpy(), case["bias"], strict=True)
