"""Runs the recurrent cases through Keras in float64: outputs, states and gradients."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np

from tests.golden.precision import use_float64
from tests.golden.recurrent_cases import MASKS, Case, every


class Numbers:
    """Random numbers that float32 holds exactly, so both sides start from the same values."""

    def __init__(self, case: Case) -> None:
        # Cases of equal sizes share their numbers, and the file stores those once.
        self._rng = np.random.default_rng([case[key] for key in "BTIH"])
        self._scale = case["scale"]

    def __call__(self, *shape: int) -> np.ndarray:
        """The next ones, in this shape."""
        return self._rng.normal(0, self._scale, shape).astype(np.float32).astype(np.float64)


def build(case: Case) -> keras.layers.Layer:
    """Keras' layer of a case, not yet built."""
    layer = getattr(keras.layers, case["class_name"])(**case["arguments"])
    return (
        layer if case["wrapper"] is None else keras.layers.Bidirectional(layer, **case["wrapper"])
    )


def mask_of(case: Case) -> np.ndarray | None:
    """The case's mask as (B, T) booleans."""
    if case["mask"] is None:
        return None
    return np.array([[step == "1" for step in row] for row in MASKS[case["mask"]]])


def run(case: Case) -> dict[str, Any]:
    """Outputs of every call of the layer, and the gradients through the last of them."""
    exact = Numbers(case)
    x = exact(case["B"], case["T"], case["I"])
    layer = build(case)
    layer.build(x.shape)
    weights = [exact(*w.shape) for w in layer.trainable_weights]
    states_per_layer = 2 if case["class_name"] == "LSTM" else 1
    count = states_per_layer * (1 if case["wrapper"] is None else 2)
    states = [exact(case["B"], case["H"]) for _ in range(count)]
    initial = states if case["initial_state"] else None
    mask = mask_of(case)
    keywords = {} if mask is None else {"mask": jax.numpy.asarray(mask)}
    if initial is not None:
        keywords["initial_state"] = initial

    # The states a stateful layer carries are not among its variables, so `stateless_call` reads
    # them from the layer and leaves them: only a plain call moves them on.
    for own, given in zip(layer.trainable_variables, weights, strict=True):
        own.assign(given)
    record = []
    for _ in range(case["calls"] - 1):
        record.append([np.asarray(y) for y in jax.tree.leaves(layer(x, **keywords))])
    fixed = [v.value for v in layer.non_trainable_variables]

    def call(w: Any, x: Any, s: Any) -> Any:
        given = keywords if s is None else {**keywords, "initial_state": s}
        return layer.stateless_call(w, fixed, x, **given)

    outputs, backward, _ = jax.vjp(call, weights, x, initial, has_aux=True)
    record.append([np.asarray(y) for y in jax.tree.leaves(outputs)])
    up = [exact(*y.shape) for y in jax.tree.leaves(outputs)]
    down = backward(jax.tree.unflatten(jax.tree.structure(outputs), up))
    return {
        **{key: case[key] for key in ("name", "class_name", "arguments", "wrapper")},
        "mask": None if mask is None else mask.astype(int),
        "x": x,
        "weights": weights,
        "initial_state": initial,
        "calls": record,
        "output_gradients": up,
        "weight_gradients": [np.asarray(g) for g in down[0]],
        "x_gradient": np.asarray(down[1]),
        "state_gradients": None if initial is None else [np.asarray(g) for g in down[2]],
    }


def generate() -> list[dict[str, Any]]:
    """Every case, computed in float64."""
    use_float64()
    with jax.disable_jit():
        return [run(case) for case in every()]
