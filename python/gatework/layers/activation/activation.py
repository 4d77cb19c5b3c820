"""An activation function as a layer."""

from __future__ import annotations

from typing import Any

from ... import activations
from ...autograd import Tensor, as_tensor
from ..base import Layer
from ..shapes import activated_shape

__all__ = ["Activation"]


class Activation(Layer):
    """An activation as a layer of its own.

    Args:
        activation: name or function.
    """

    acts_per_step = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return as_tensor(self.activation(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return activated_shape(self.activation, input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
