"""Runs a layer in Keras and the same layer in gatework, and compares what both return."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np


def leaves(outputs: Any) -> list[Any]:
    """Outputs and states in one list, whatever the nesting."""
    if isinstance(outputs, (list, tuple)):
        return [leaf for part in outputs for leaf in leaves(part)]
    return [outputs]


def random_weights(rng: np.random.Generator, layer: Any, scale: float = 0.5) -> list[np.ndarray]:
    """Weights of a built Keras layer's shapes."""
    return [rng.normal(0, scale, w.shape).astype(np.float32) for w in layer.trainable_weights]


def run_keras(
    layer: Any,
    weights: list[np.ndarray],
    x: np.ndarray | list[np.ndarray],
    upward: int,
    spread: bool = False,
    **given: Any,
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """(outputs, output gradients drawn from the seed `upward`, gradients of weights, x, states).

    Inputs of whole numbers have no gradient, which is left out. ``spread``: a list of inputs is
    given one by one, not as a list.
    """
    import jax

    states = given.pop("initial_state", None)
    fixed = [v.value for v in layer.non_trainable_variables]
    inputs = x if isinstance(x, list) else [x]

    def call(w: Any, moving: list[Any], s: Any) -> Any:
        extra = {} if s is None else {"initial_state": s}
        moved = iter(moving)
        placed = [next(moved) if is_real(part) else part for part in inputs]
        placed = placed if isinstance(x, list) else placed[0]
        one_by_one = placed if spread else [placed]
        outputs, _ = layer.stateless_call(w, fixed, *one_by_one, **given, **extra)
        return leaves(outputs)

    moving = [part for part in inputs if is_real(part)]
    outputs, backward = jax.vjp(call, weights, moving, states)
    rng = np.random.default_rng(upward)
    up = [rng.normal(size=y.shape).astype(np.float32) for y in outputs]
    down = jax.tree.leaves(backward(up))
    return [np.asarray(y) for y in outputs], up, [np.asarray(g) for g in down]


def is_real(x: np.ndarray) -> bool:
    return np.issubdtype(x.dtype, np.floating)


def run_gatework(
    layer: Any,
    weights: list[np.ndarray],
    x: np.ndarray | list[np.ndarray],
    up: list[np.ndarray],
    spread: bool = False,
    **given: Any,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(outputs, gradients of weights, x and states) of the same layer here."""
    inputs = x if isinstance(x, list) else [x]
    shapes = [part.shape for part in inputs]
    layer.build(*shapes) if spread else layer.build(shapes if isinstance(x, list) else shapes[0])
    for own, value in zip(layer.trainable_weights, weights, strict=True):
        own.assign(value)
    sources = [gatework.Tensor(part) for part in inputs]
    moving = [source for source in sources if is_real(source)]
    states = [gatework.Tensor(s) for s in given.pop("initial_state", [])]
    if states:
        given["initial_state"] = states
    with gatework.GradientTape() as tape:
        tape.watch([*moving, *states])
        whole = [sources] if isinstance(x, list) and not spread else sources
        outputs = leaves(layer(*whole, **given))
    gradients = tape.gradient(
        outputs,
        [*layer.trainable_weights, *moving, *states],
        output_gradients=[gatework.Tensor(g) for g in up],
        unconnected_gradients="zero",
    )
    return [np.asarray(y) for y in outputs], [np.asarray(g) for g in gradients]


def agree(own: list[np.ndarray], theirs: list[np.ndarray], tolerance: float = 1e-5) -> None:
    """Every pair equal within the tolerance times the larger of one and its largest number."""
    assert len(own) == len(theirs)
    for place, (a, b) in enumerate(zip(own, theirs, strict=True)):
        assert a.shape == b.shape, f"result {place}"
        bound = tolerance * max(1.0, float(np.abs(b).max(initial=0)))
        np.testing.assert_allclose(a, b, rtol=0, atol=bound, err_msg=f"result {place}")
