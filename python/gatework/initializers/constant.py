"""Initializers that draw nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import Tensor, as_array, as_tensor
from .base import Initializer, Shape

__all__ = ["Constant", "Identity", "Ones", "Zeros"]


class Constant(Initializer):
    """The same number everywhere.

    Args:
        value: the number, or an array broadcast to the shape.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        return as_tensor(np.full(tuple(shape), as_array(self.value), dtype or np.float32))

    def get_config(self) -> dict[str, Any]:
        plain = isinstance(self.value, int | float)
        return {"value": self.value if plain else as_array(self.value).tolist()}


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        return as_tensor(np.zeros(tuple(shape), dtype or np.float32))


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        return as_tensor(np.ones(tuple(shape), dtype or np.float32))


class Identity(Initializer):
    """The identity matrix times a factor; other shapes than matrices raise ValueError.

    Args:
        gain: the factor.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"shape must be that of a matrix for Identity, not {tuple(shape)}")
        return as_tensor(self.gain * np.eye(*shape, dtype=np.float32), dtype or "float32")

    def get_config(self) -> dict[str, Any]:
        # Keras never writes the factor: the usual one is left out, so that files are the same.
        return {} if self.gain == 1.0 else {"gain": self.gain}
