"""Runs a layer in Keras and the same layer in gatework, and compares what both return."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np


def repair_schedule_free() -> None:
    """Gives Keras' ScheduleFreeAdamW on PyTorch the numbers it has on every other backend.

    It reads the momentum of the step before after it has overwritten it in place.
    """
    import keras

    def assign_sub(self: Any, variable: Any, value: Any) -> None:
        variable._value = variable.value.clone()
        variable.assign_sub(value)

    keras.optimizers.ScheduleFreeAdamW.assign_sub = assign_sub


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
    states = given.pop("initial_state", None)
    inputs = [tensor(part) for part in (x if isinstance(x, list) else [x])]
    held = [tensor(weight) for weight in weights]
    begin = [tensor(state) for state in states or []]
    given = {name: tensors(value) for name, value in given.items()}
    if states is not None:
        given["initial_state"] = begin
    fixed = [v.value for v in layer.non_trainable_variables]
    placed = inputs if isinstance(x, list) else inputs[0]
    one_by_one = placed if spread else [placed]
    outputs, _ = layer.stateless_call(held, fixed, *one_by_one, **given)
    outputs = leaves(outputs)
    rng = np.random.default_rng(upward)
    up = [rng.normal(size=tuple(y.shape)).astype(np.float32) for y in outputs]
    moving = [*held, *(part for part in inputs if part.requires_grad), *begin]
    return [as_array(y) for y in outputs], up, torch_gradients(outputs, moving, up)


def tensor(values: np.ndarray) -> Any:
    """What Keras is given: a tensor of its backend, watched if it holds real numbers."""
    import torch

    return torch.tensor(values, requires_grad=is_real(values))


def tensors(value: Any) -> Any:
    """An argument of a call: arrays, alone or in a list, as tensors."""
    if isinstance(value, list):
        return [tensors(part) for part in value]
    return tensor(value).detach() if isinstance(value, np.ndarray) else value


def as_array(value: Any) -> np.ndarray:
    return value.detach().numpy() if hasattr(value, "detach") else np.asarray(value)


def torch_gradients(
    outputs: list[Any], moving: list[Any], up: list[np.ndarray]
) -> list[np.ndarray]:
    """Gradients of `moving`, zeros where the outputs do not depend on it."""
    import torch

    led = [(y, torch.tensor(g)) for y, g in zip(outputs, up, strict=True) if y.requires_grad]
    found: Any = [None] * len(moving)
    if moving and led:
        ends, slopes = zip(*led, strict=True)
        found = torch.autograd.grad(ends, moving, slopes, allow_unused=True)
    return [
        np.zeros(tuple(source.shape), np.float32) if slope is None else slope.numpy()
        for source, slope in zip(moving, found, strict=True)
    ]


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
