"""A leak that is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import constraints, initializers, ops, regularizers
from ...autograd import Tensor, Variable
from ..base import InputSpec, Layer

__all__ = ["PReLU"]


class PReLU(Layer):
    """x, times a learned slope below zero (He et al. 2015).

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the slopes, one for each value
            of a sample.
        shared_axes: axes, counted from 1 after the batch, along which one slope serves all: [1]
            for (batch, time, features) makes one slope for each feature.

    Raises:
        ValueError: if a size of the inputs is unknown along an axis that is not shared.
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        one = isinstance(shared_axes, int)
        self.shared_axes: list[int] | None = (
            None if shared_axes is None else [shared_axes] if one else list(shared_axes)  # type: ignore[list-item,arg-type]
        )
        self.alpha: Variable | None = None

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            if not 1 <= axis <= len(shape):
                raise ValueError(f"shared_axes must be in [1, {len(shape)}], not {axis}")
            shape[axis - 1] = 1
        if None in shape:
            raise ValueError(
                f"inputs of {self.name} must have known sizes along axes that are not shared, "
                f"not shape {tuple(input_shape)}: give shared_axes"
            )
        self.alpha = self.add_weight(
            shape=shape,
            name="alpha",
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        shared = self.shared_axes or range(1, len(input_shape))
        axes = {i: n for i, n in enumerate(input_shape) if i > 0 and i not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        below = ops.multiply(self.alpha, ops.relu(ops.negative(inputs)))
        return ops.subtract(ops.relu(inputs), below)

    def mixes_steps(self, input_shape: Any) -> str | None:
        shared = self.alpha is None or len(input_shape) < 3 or self.alpha.shape[0] == 1
        return None if shared else "every step has slopes of its own"

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }
