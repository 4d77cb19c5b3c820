"""A product, a bias and an activation over the last axis."""

from __future__ import annotations

from typing import Any

from ... import activations, constraints, initializers, ops, regularizers
from ...autograd import Tensor, Variable, as_tensor
from ...ops.dense import FUSED_ACTIVATIONS
from ..arguments import positive_int, refuse_adapters
from ..base import InputSpec, Layer
from ..shapes import activated_shape

__all__ = ["Dense", "fused_part"]


def fused_part(activation: Any) -> tuple[str, Any]:
    """The activation that runs along with the product, and the function left over or None."""
    # A function of the user may bear the name of a compiled one.
    name = getattr(activation, "__name__", "")
    known = activations.FUNCTIONS.get(name) is activation
    fused = name if known and name in FUSED_ACTIVATIONS else "linear"
    return fused, None if known and name == fused else activation


class Dense(Layer):
    """activation(x·kernel + bias) over the last axis.

    Args:
        units: size of the outputs.
        activation: name or function; none by default.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: of the kernel (inputs, units) and the bias (units,).
        kernel_regularizer, bias_regularizer: of both.
        activity_regularizer: of the outputs.
        kernel_constraint, bias_constraint: of both.
        lora_rank, lora_alpha, quantization_config: only None; Keras' files hold them.

    Raises:
        ValueError: if ``units`` is no positive integer, or the last axis of the inputs is unknown.
    """

    acts_per_step = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        refuse_adapters(lora_rank, lora_alpha, quantization_config)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive_int("units", units)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel: Variable | None = None
        self.bias: Variable | None = None
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True
        self._fused, self._after = fused_part(self.activation)

    def build(self, input_shape: Any) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"the last axis of the inputs of {self.name} must be known, not None")
        self.kernel = self.add_weight(
            shape=(features, self.units),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.units,),
                name="bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Tensor:
        """(..., features) -> (..., units)"""
        outputs = ops.dense(inputs, self.kernel, self.bias, self._fused)
        return outputs if self._after is None else as_tensor(self._after(outputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return activated_shape(self.activation, (*input_shape[:-1], self.units))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
        }
