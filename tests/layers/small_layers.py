"""Layers as users write them, which the tests of `Layer` share, and inputs for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from gatework.layers import Dense, Layer

X = np.arange(6, dtype=np.float32).reshape(2, 3)


class Scale(Layer):
    """x * factor, the factor a weight."""

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight((input_shape[-1],), initializer="ones", name="factor")

    def call(self, inputs: Any) -> Any:
        return inputs * self.factor


class Block(Layer):
    """Two Dense layers and a weight of its own, made after them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first = Dense(4)
        self.second = Dense(2)

    def build(self, input_shape: Any) -> None:
        self.shift = self.add_weight((2,), initializer="zeros", name="shift")

    def call(self, inputs: Any) -> Any:
        return self.second(self.first(inputs)) + self.shift
