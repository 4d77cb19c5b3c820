"""Random values whose variance depends on the number of connections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd import Array
from .base import Shape
from .distributions import RandomInitializer, draw_truncated_normal, draw_uniform

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "VarianceScaling",
    "compute_fans",
]

# Standard deviation of a standard normal distribution cut at two.
_TRUNCATED_STDDEV = 0.87962566103423978


def compute_fans(
    shape: Shape,
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """Numbers of inputs and outputs of a weight: its last two axes, each times all the others."""
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


class VarianceScaling(RandomInitializer):
    """Random values whose variance is ``scale`` over a number of connections.

    Args:
        scale: positive factor of the variance.
        mode: "fan_in", "fan_out" or "fan_avg": inputs, outputs, or the mean of both.
        distribution: "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
        seed: integer, ``SeedGenerator`` or None.
        input_axes, output_axes: axes whose sizes multiply to the inputs and outputs; by default the
            last two, times the others.

    Raises:
        ValueError: if scale, mode or distribution is another; the message names it.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0:
            raise ValueError(f"scale must be positive, not {scale!r}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode must be 'fan_in', 'fan_out' or 'fan_avg', not {mode!r}")
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                "distribution must be 'uniform', 'truncated_normal' or 'untruncated_normal', "
                f"not {distribution!r}"
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return draw_uniform(generator, shape, -limit, limit)
        if self.distribution == "untruncated_normal":
            return math.sqrt(variance) * generator.standard_normal(shape)
        return math.sqrt(variance) / _TRUNCATED_STDDEV * draw_truncated_normal(generator, shape)

    def _axes_config(self) -> dict[str, Any]:
        return {"input_axes": self.input_axes, "output_axes": self.output_axes}

    def get_config(self) -> dict[str, Any]:
        own = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**super().get_config(), **own, **self._axes_config()}


class _NamedScaling(VarianceScaling):
    """A choice of scale, mode and distribution that bears a name."""

    _choice: tuple[float, str, str]

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._choice, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        return {**RandomInitializer.get_config(self), **self._axes_config()}


class GlorotUniform(_NamedScaling):
    """Uniform within sqrt(6 / (inputs + outputs)) (Glorot & Bengio 2010)."""

    _choice = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal of variance 2 / (inputs + outputs) (Glorot & Bengio 2010)."""

    _choice = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform within sqrt(6 / inputs) (He et al. 2015)."""

    _choice = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal of variance 2 / inputs (He et al. 2015)."""

    _choice = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform within sqrt(3 / inputs) (LeCun et al. 1998)."""

    _choice = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Truncated normal of variance 1 / inputs (LeCun et al. 1998)."""

    _choice = (1.0, "fan_in", "truncated_normal")
