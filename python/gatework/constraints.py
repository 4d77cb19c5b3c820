"""Projections of weights after each update, under Keras' names."""

from __future__ import annotations

from typing import Any, Self

from . import _lookup, ops
from ._suggest import NamedArguments
from .autograd import Tensor

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

# Keeps a division by the norm of zeros finite; Keras' value.
_EPSILON = 1e-7


class Constraint(NamedArguments):
    """Base of constraints: subclasses write ``__call__(w)``, which gives the projected weight."""

    def __call__(self, w: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(w)")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)


class MaxNorm(Constraint):
    """Scales down to a norm of at most ``max_value`` (Srivastava et al. 2014).

    Args:
        max_value: the largest norm.
        axis: the axis, or axes, whose values make a vector: 0 for the inputs of a unit of Dense.
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        norms = _norms(w, self.axis)
        return ops.multiply(w, ops.clip(norms, 0.0, self.max_value) / (norms + _EPSILON))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Sets negative weights to zero."""

    def __call__(self, w: Any) -> Tensor:
        return ops.maximum(w, 0.0)


class UnitNorm(Constraint):
    """Scales to norm one.

    Args:
        axis: the axis, or axes, whose values make a vector.
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        return ops.divide(w, _norms(w, self.axis) + _EPSILON)

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Scales to a norm within limits, or part of the way there.

    Args:
        min_value, max_value: the limits.
        rate: share of the way that each update goes; 1 keeps the limits at all times.
        axis: the axis, or axes, whose values make a vector.
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        norms = _norms(w, self.axis)
        within = ops.clip(norms, self.min_value, self.max_value)
        wanted = within * self.rate + norms * (1.0 - self.rate)
        return ops.multiply(w, wanted / (norms + _EPSILON))

    def get_config(self) -> dict[str, Any]:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


def _norms(w: Any, axis: Any) -> Tensor:
    axes = tuple(axis) if isinstance(axis, list) else axis
    return ops.sqrt(ops.sum(ops.square(w), axis=axes, keepdims=True))


CLASSES: dict[str, type[Constraint]] = {
    cls.__name__: cls for cls in (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm)
}

max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
_KNOWN = {
    **CLASSES,
    "max_norm": MaxNorm,
    "maxnorm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNeg,
    "nonneg": NonNeg,
    "unit_norm": UnitNorm,
    "unitnorm": UnitNorm,
}


def get(identifier: Any) -> Any:
    """Returns the constraint that `identifier` names.

    Args:
        identifier: None (gives None), a name such as "max_norm" or "MaxNorm", a configuration, a
            class or a callable of one tensor.

    Raises:
        ValueError: for an unknown name; the message lists the nearest known ones.
    """
    return _lookup.find_object("constraint", _KNOWN, identifier)


def serialize(constraint: Any) -> Any:
    """Returns the configuration of a constraint; None for None."""
    return _lookup.write_object("constraints", CLASSES, constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` returned."""
    return _lookup.build_object(_KNOWN, config, custom_objects)
