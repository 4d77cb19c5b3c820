"""Gradients of layers with several inputs against central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from gatework import GradientTape, Tensor


def leaves(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, tuple | list) else [outputs]


def check_slopes(layer: Any, inputs: list[np.ndarray], listed: bool = False, **given: Any) -> None:
    """Along a random direction through each input and weight; ``listed``: inputs in one list.

    A layer that drops begins its masks anew for every call.
    """
    rng = np.random.default_rng(5)

    def call(values: list[Any]) -> list[Any]:
        for generator in (one for one in layer._flatten_layers() if hasattr(one, "seed_generator")):
            generator.seed_generator.state.assign([7, 0])
        return leaves(layer(values, **given) if listed else layer(*values, **given))

    ups = [rng.normal(size=y.shape).astype(np.float32) for y in call(inputs)]
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) * 0.7)

    def value(values: list[np.ndarray]) -> float:
        for weight, leaf in zip(layer.trainable_weights, values[len(inputs) :], strict=True):
            weight.assign(leaf)
        pairs = zip(call(values[: len(inputs)]), ups, strict=True)
        return float(sum(np.sum(y.numpy().astype(np.float64) * up) for y, up in pairs))

    at = [*inputs, *(weight.numpy() for weight in layer.trainable_weights)]
    value(at)
    tensors = [Tensor(x) for x in inputs]
    sources = [*tensors, *layer.trainable_weights]
    with GradientTape() as tape:
        tape.watch(tensors)
        outputs = call(tensors)
    found = tape.gradient(
        outputs,
        sources,
        output_gradients=[Tensor(up) for up in ups],
        unconnected_gradients="zero",
    )
    for which, gradient in enumerate(np.asarray(one, np.float64) for one in found):
        direction = rng.normal(size=gradient.shape).astype(np.float32)
        step, sides = 3e-3, []
        for far in (1, -1, 2, -2):
            moved = [leaf.copy() for leaf in at]
            moved[which] = moved[which] + np.float32(far * step) * direction
            sides.append(value(moved))
        # Of fourth order: normalizations bend much within a step.
        slope = (8 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / (12 * step)
        size = float(np.linalg.norm(gradient) * np.linalg.norm(direction))
        # Roundings of the outputs are those of the terms summed, however small the slope.
        noise = 1e-6 / step * sum(float(np.linalg.norm(up)) for up in ups)
        error = abs(slope - float(np.sum(gradient * direction)))
        assert error <= 2e-3 * max(size, 1.0) + noise, f"of source {which}"
