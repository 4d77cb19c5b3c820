"""A factor and a term for each channel, which most normalizations end with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import constraints, initializers, regularizers
from ...autograd import Variable
from ..base import Layer

__all__ = ["ScaledNormalization", "check_axes"]


def check_axes(name: str, axes: int | Sequence[int], ndim: int) -> None:
    """Raises ValueError, naming the layer, for an axis that inputs of that rank do not have."""
    for axis in [axes] if isinstance(axes, int) else axes:
        if not -ndim <= axis < ndim:
            raise ValueError(
                f"axis of {name} must be in [{-ndim}, {ndim}) for inputs of {ndim} axes, not {axis}"
            )


class ScaledNormalization(Layer):
    """Reads the arguments for gamma and beta, and makes both."""

    def __init__(
        self,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.center = bool(center)
        self.scale = bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _add_scales(self, shape: Sequence[int | None]) -> None:
        if None in shape:
            raise ValueError(f"inputs of {self.name} must have a known size along its axis")
        if self.scale:
            self.gamma = self.add_weight(
                shape=shape,  # type: ignore[arg-type]
                name="gamma",
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                shape=shape,  # type: ignore[arg-type]
                name="beta",
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
