"""Dropout layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops, random
from ..autograd import Tensor
from .base import InputSpec, Layer

__all__ = ["Dropout", "SpatialDropout1D"]


class Dropout(Layer):
    """Sets a share of the inputs to zero in training (Srivastava et al. 2014).

    Args:
        rate: the share, in [0, 1); the others are scaled by 1 / (1 - rate).
        noise_shape: shape of the mask, broadcast against the inputs.
        seed: seed of the masks.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        number = isinstance(rate, int | float | np.number) and not isinstance(rate, bool)
        if not (number and 0 <= rate <= 1):
            raise ValueError(f"rate must be in [0, 1], not {rate!r}")
        self.rate = rate.item() if isinstance(rate, np.number) else rate
        self.seed = seed
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        if self.rate == 1:
            return ops.multiply(inputs, 0.0)
        return self._drop(inputs, self.seed_generator.next())

    def _drop(self, inputs: Tensor, seed: int) -> Tensor:
        return ops.dropout(inputs, self.rate, self.noise_shape, seed)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "seed": self.seed,
            "noise_shape": self.noise_shape,
        }


class SpatialDropout1D(Dropout):
    """Dropout of whole features of (batch, time, features): the same ones at every step.

    Args:
        rate: share of the features, in [0, 1).
        seed: seed of the masks.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _drop(self, inputs: Tensor, seed: int) -> Tensor:
        return ops.spatial_dropout1d(inputs, self.rate, seed)

    def get_config(self) -> dict[str, Any]:
        # Keras' layer takes these arguments alone.
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}
