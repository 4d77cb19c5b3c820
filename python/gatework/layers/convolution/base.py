"""What the convolutions have in common: windows, a bias, an activation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import activations, constraints, initializers, ops, regularizers
from ...autograd import Tensor, Variable, as_array, as_tensor
from ...ops.windows import output_length
from ..arguments import data_format_of, padding_of, refuse_adapters, size_of
from ..base import InputSpec, Layer
from ..shapes import activated_shape

__all__ = ["Convolution"]


class Convolution(Layer):
    """Reads the arguments that all convolutions take, and makes the bias.

    Subclasses tell the number of output channels in ``_features``, make their kernels in
    ``_add_kernels`` and convolve in ``_convolve``, which adds the bias. What a kernel is made with
    goes through ``_read_kernel`` and ``_add_kernel`` under the prefix of its arguments, such as
    "depthwise".
    """

    _causal = False
    _mixing = "its windows hold several steps (padding='causal' with strides=1 looks back only)"

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        **kwargs: Any,
    ) -> None:
        refuse_adapters(lora_rank, lora_alpha, None)
        super().__init__(**kwargs)
        self.kernel_size = size_of("kernel_size", kernel_size)
        self.strides = size_of("strides", strides)
        self.padding = padding_of(padding, causal=self._causal)
        self.data_format = data_format_of(data_format)
        self.dilation_rate = size_of("dilation_rate", dilation_rate)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.input_spec = InputSpec(ndim=3)
        self._prefixes: tuple[str, ...] = ()

    def _read_kernel(
        self, prefix: str, initializer: Any, regularizer: Any, constraint: Any
    ) -> None:
        setattr(self, f"{prefix}_initializer", initializers.get(initializer))
        setattr(self, f"{prefix}_regularizer", regularizers.get(regularizer))
        setattr(self, f"{prefix}_constraint", constraints.get(constraint))
        self._prefixes += (prefix,)

    def _add_kernel(self, prefix: str, name: str, shape: tuple[int, ...]) -> Variable:
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=getattr(self, f"{prefix}_initializer"),
            regularizer=getattr(self, f"{prefix}_regularizer"),
            constraint=getattr(self, f"{prefix}_constraint"),
        )

    def _kernel_config(self, prefix: str) -> dict[str, Any]:
        return {
            f"{prefix}_{part}": topic.serialize(getattr(self, f"{prefix}_{part}"))
            for part, topic in (
                ("initializer", initializers),
                ("regularizer", regularizers),
                ("constraint", constraints),
            )
        }

    @property
    def _channel_axis(self) -> int:
        return 2 if self.data_format == "channels_last" else 1

    @property
    def _span(self) -> int:
        """Steps from the first tap of a window to its last, both with it."""
        return (self.kernel_size - 1) * self.dilation_rate + 1

    def _features(self, channels: int) -> int:
        raise NotImplementedError

    def _add_kernels(self, channels: int) -> None:
        raise NotImplementedError

    def _convolve(self, inputs: Any) -> Tensor:
        raise NotImplementedError

    def build(self, input_shape: Any) -> None:
        channels = input_shape[self._channel_axis]
        if channels is None:
            raise ValueError(
                f"inputs of {self.name} must have a known number of channels, not None"
            )
        self.compute_output_shape(input_shape)  # refuses what is too short
        self._add_kernels(channels)
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self._features(channels),),
                name="bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(ndim=3, axes={self._channel_axis: channels})
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return as_tensor(self.activation(self._convolve(inputs)))

    def mixes_steps(self, input_shape: Any) -> str | None:
        return None if self._span == 1 and self.strides == 1 else self._mixing

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        """The inputs that the windows of the next step still hold: zeros at first."""
        super().initial_cache(batch_size, max_length)
        axes = self.input_spec.axes or {}
        if self.padding != "causal" or self.strides > 1 or self._channel_axis == 1:
            return None
        return np.zeros((batch_size, self._span - 1, axes[2]), np.float32)

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(cache, np.ndarray):
            return super().call_with_cache(inputs, cache, *args, **kwargs)
        known = np.concatenate([cache, as_array(inputs)], axis=1)
        outputs = ops.getitem(self(known), (slice(None), slice(self._span - 1, None)))
        return outputs, known[:, known.shape[1] - self._span + 1 :]

    def _with_bias(self, outputs: Tensor) -> Tensor:
        if self.bias is None:
            return outputs
        sizes = [1, 1, 1]
        sizes[self._channel_axis] = -1
        return ops.add(outputs, ops.reshape(self.bias, sizes))

    def _length(self, time: int) -> int:
        """Steps of the outputs for so many of the inputs."""
        return output_length(time, self._span, self.strides, self.padding)

    def compute_output_shape(self, input_shape: Any) -> Any:
        time = input_shape[3 - self._channel_axis]
        shape = [input_shape[0], 0, 0]
        shape[3 - self._channel_axis] = None if time is None else self._length(time)
        shape[self._channel_axis] = self._features(input_shape[self._channel_axis])
        return activated_shape(self.activation, shape)

    def _windows_config(self) -> dict[str, Any]:
        return {
            "kernel_size": (self.kernel_size,),
            "strides": (self.strides,),
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": (self.dilation_rate,),
        }

    def get_config(self) -> dict[str, Any]:
        kernels = [self._kernel_config(prefix) for prefix in self._prefixes]
        return {
            **super().get_config(),
            **self._windows_config(),
            **{key: value for config in kernels for key, value in config.items()},
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }

    def _refuse_both(self) -> None:
        if self.strides > 1 and self.dilation_rate > 1:
            raise ValueError(f"strides must be 1 when dilation_rate is above 1, not {self.strides}")
