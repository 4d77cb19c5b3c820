"""Dense, Embedding and the layers around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import activations, constraints, initializers, ops, regularizers
from ..autograd import Array, Tensor, Variable, as_array, as_tensor
from ..ops.dense import FUSED_ACTIVATIONS
from .base import InputSpec, Layer

__all__ = ["Activation", "Dense", "Embedding", "Flatten", "Masking", "Reshape"]


def positive_int(name: str, value: Any) -> int:
    """The value as an int; raises ValueError, naming the argument, unless it is above zero."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() <= 0:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return int(value.__index__())


def _refuse_adapters(rank: Any, alpha: Any, quantization: Any) -> None:
    """Refuses what Keras' configurations name, but the kernels have no form of."""
    given = {"lora_rank": rank, "lora_alpha": alpha, "quantization_config": quantization}
    for argument, value in given.items():
        if value is not None:
            raise ValueError(f"{argument} must be None, not {value!r}: weights are plain float32")


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
        _refuse_adapters(lora_rank, lora_alpha, quantization_config)
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
        # A function of the user may bear the name of a compiled one.
        name = getattr(self.activation, "__name__", "")
        known = activations.FUNCTIONS.get(name) is self.activation
        self._fused = name if known and name in FUSED_ACTIVATIONS else "linear"
        self._after = None if known and name == self._fused else self.activation

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
        return (*input_shape[:-1], self.units)

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


class Embedding(Layer):
    """A vector for every id: (...) whole numbers -> (..., output_dim).

    Args:
        input_dim: number of ids; they must lie in [0, input_dim).
        output_dim: size of the vectors.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: id 0 is padding: later layers skip those steps.
        weights: the initial table.
        input_length: accepted, as older programs give it; any length is good.
        lora_rank, lora_alpha, quantization_config: only None; Keras' files hold them.

    Raises:
        ValueError: when called with an id out of range; the message gives it and its position.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        input_length = kwargs.pop("input_length", None)
        if input_length is not None:
            positive_int("input_length", input_length)
            # The weights can be made before there is data; the length itself binds nobody.
            kwargs.setdefault("input_shape", (None,))
        _refuse_adapters(lora_rank, lora_alpha, quantization_config)
        super().__init__(**kwargs)
        self.input_dim = positive_int("input_dim", input_dim)
        self.output_dim = positive_int("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = bool(mask_zero)
        self.supports_masking = self.mask_zero
        self.embeddings: Variable | None = None
        if weights is not None:
            self._initial_weights = weights if isinstance(weights, (list, tuple)) else [weights]

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            name="embeddings",
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.embedding(self.embeddings, inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return as_tensor(as_array(inputs) != 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
        }


class Activation(Layer):
    """An activation as a layer of its own.

    Args:
        activation: name or function.
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return as_tensor(self.activation(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Masking(Layer):
    """Masks the steps at which every feature equals ``mask_value``, and sets them to zero.

    Args:
        mask_value: the value that marks padding.
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value.item() if isinstance(mask_value, np.generic) else mask_value
        self.supports_masking = True
        self.built = True

    def _real(self, inputs: Any, keepdims: bool) -> Array:
        """Which steps are no padding; the value is compared as the inputs hold it, in float32."""
        differs = as_array(inputs) != np.float32(self.mask_value)
        found: Array = np.any(differs, axis=-1, keepdims=keepdims)
        return found

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return as_tensor(self._real(inputs, keepdims=False))

    def call(self, inputs: Any) -> Tensor:
        masked: Tensor = ops.where(self._real(inputs, keepdims=True), inputs, 0.0)
        return masked

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}


class Flatten(Layer):
    """All axes but the batch as one.

    Args:
        data_format: "channels_last" or None; there is no other order here.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if data_format not in (None, "channels_last"):
            raise ValueError(f"data_format must be 'channels_last' or None, not {data_format!r}")
        self.input_spec = InputSpec(min_ndim=1)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = tuple(input_shape)[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": "channels_last"}


class Reshape(Layer):
    """The values of each sample in another shape.

    Args:
        target_shape: shape without the batch axis; one size may be -1.
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if sum(size == -1 for size in self.target_shape) > 1:
            raise ValueError(f"target_shape must have at most one -1, not {self.target_shape}")
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        wanted = self.compute_output_shape(inputs.shape)
        if math.prod(wanted[1:]) != math.prod(inputs.shape[1:]):
            raise ValueError(
                f"target_shape of {self.name} must hold {math.prod(inputs.shape[1:])} values, "
                f"not {self.target_shape}"
            )
        return ops.reshape(inputs, wanted)

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = tuple(input_shape)[1:]
        if -1 not in self.target_shape:
            return (input_shape[0], *self.target_shape)
        if None in rest:
            return (input_shape[0], *(None if s == -1 else s for s in self.target_shape))
        known = math.prod(s for s in self.target_shape if s != -1)
        free = math.prod(rest) // known if known else 0
        return (input_shape[0], *(free if s == -1 else s for s in self.target_shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": list(self.target_shape)}
