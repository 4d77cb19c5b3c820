"""Layers around a layer: one that does nothing of its own, and one for every step of time."""

from __future__ import annotations

from typing import Any, Self

from .. import ops
from ..autograd import Tensor, as_array
from .base import Layer
from .calling import call_signature

__all__ = ["TimeDistributed", "Wrapper", "require_layer"]


def require_layer(name: str, layer: Any) -> Layer:
    """The layer, or ValueError with the argument's name."""
    if not isinstance(layer, Layer):
        raise ValueError(f"{name} must be a Layer, not {layer!r}")
    return layer


class Wrapper(Layer):
    """A layer around another: subclasses say in ``call`` what they do with it.

    Args:
        layer: the layer inside; it is built with the shape that this one is built with.
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        require_layer("layer", layer)
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        self.built = True

    def get_config(self) -> dict[str, Any]:
        from ..saving import serialize_keras_object

        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        from ..saving import deserialize_keras_object

        config = dict(config)
        if isinstance(config.get("layer"), dict):
            config["layer"] = deserialize_keras_object(
                config["layer"], custom_objects=custom_objects
            )
        return cls(**config)


class TimeDistributed(Wrapper):
    """Applies a layer to every step of (batch, time, ...).

    All steps go through the layer in one call, as a batch of batch * time; one after the other in
    training where the layer keeps statistics, as ``BatchNormalization`` does. A masked step's
    output is computed like the others.

    A layer that takes a mask gets that of its step: (batch, ...) of (batch, time, ...). Where a
    layer reads sequences itself, a mask (batch, time) masks whole sequences. The mask of the
    outputs is that of the layer where it has one, else (batch, time), true where anything is.

    Args:
        layer: the layer.
    """

    acts_per_step = True

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, input_shape: Any) -> tuple[Any, ...]:
        shape = tuple(input_shape)
        if len(shape) < 3:
            raise ValueError(
                f"inputs of {self.name} must have shape (batch, time, ...), not {shape}"
            )
        return (shape[0], *shape[2:])

    def build(self, input_shape: Any = None) -> None:
        super().build(self._step_shape(input_shape))

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Tensor:
        self._step_shape(inputs.shape)
        batch, time = inputs.shape[:2]
        steps = self._step_mask(inputs, mask)
        if training and any(not variable.trainable for variable in self.layer.weights):
            return ops.stack(
                [
                    self._apply(x, None if steps is None else steps[:, t], training)
                    for t, x in enumerate(ops.unstack(inputs, axis=1))
                ],
                axis=1,
            )
        if steps is not None:
            steps = steps.reshape(batch * time, *steps.shape[2:])
        outputs = self._apply(
            ops.reshape(inputs, (batch * time, *inputs.shape[2:])), steps, training
        )
        result = ops.reshape(outputs, (batch, time, *outputs.shape[1:]))
        if outputs._logits is not None:
            logits = outputs._logits
            result._logits = ops.reshape(logits, (batch, time, *logits.shape[1:]))
        return result

    def _apply(self, inputs: Tensor, mask: Any, training: bool) -> Tensor:
        kwargs: dict[str, Any] = {}
        if call_signature(type(self.layer)).training:
            kwargs["training"] = training
        if mask is not None:
            kwargs["mask"] = mask
        outputs: Tensor = self.layer(inputs, **kwargs)
        return outputs

    def _step_mask(self, inputs: Any, mask: Any) -> Any:
        """(batch, time, ...), what the layer gets of the mask at each step; None if it takes none.

        Raises:
            ValueError: the mask does not begin with (batch, time).
        """
        if mask is None:
            return None
        steps = as_array(mask, "bool")
        if steps.shape[:2] != tuple(inputs.shape[:2]):
            raise ValueError(
                f"mask of {self.name} must have shape {tuple(inputs.shape[:2])}, not {steps.shape}"
            )
        if not call_signature(type(self.layer)).mask:
            return None
        if steps.ndim == 2 and (
            isinstance(self.layer, TimeDistributed) or hasattr(self.layer, "return_sequences")
        ):
            steps = steps[:, :, None].repeat(inputs.shape[2], axis=2)
        return steps

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or as_array(mask).ndim == 2:
            return mask
        given = as_array(mask, "bool")
        batch, time = given.shape[:2]
        step = ops.reshape(inputs, (batch * time, *inputs.shape[2:]))
        inner = self.layer.compute_mask(step, given.reshape(batch * time, *given.shape[2:]))
        if inner is None:
            return given.any(axis=tuple(range(2, given.ndim)))
        inner = as_array(inner)
        return inner.reshape(batch, time, *inner.shape[1:])

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (shape[0], input_shape[1], *shape[1:])
