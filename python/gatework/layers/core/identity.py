"""Inputs as they are."""

from __future__ import annotations

from typing import Any

from ..base import Layer

__all__ = ["Identity"]


class Identity(Layer):
    """Returns its inputs: a place for a layer that may or may not be there."""

    acts_per_step = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
