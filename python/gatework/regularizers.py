"""Penalties on weights and outputs, under Keras' names: added to the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from . import _lookup, ops
from ._suggest import NamedArguments
from .autograd import Tensor, as_tensor

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


class Regularizer(NamedArguments):
    """Base of regularizers: subclasses write ``__call__(x)``, which gives a scalar."""

    def __call__(self, x: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(x)")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x²).

    Args:
        l1, l2: factors, not negative.

    Raises:
        ValueError: if a factor is negative or not finite.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor("l1", 0.0 if l1 is None else l1)
        self.l2 = _factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Any) -> Tensor:
        return _penalty(x, self.l1, self.l2)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 * sum(|x|).

    Args:
        l1: the factor, not negative.

    Raises:
        ValueError: if it is negative or not finite.
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor("l1", 0.01 if l1 is None else l1)

    def __call__(self, x: Any) -> Tensor:
        return _penalty(x, self.l1, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 * sum(x²).

    Args:
        l2: the factor, not negative.

    Raises:
        ValueError: if it is negative or not finite.
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Any) -> Tensor:
        return _penalty(x, 0.0, self.l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean of |cos| of the angles between the rows, or columns, of a matrix.

    Args:
        factor: not negative.
        mode: "rows" or "columns".

    Raises:
        ValueError: if an argument is another, or when called with anything but a matrix.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f"mode must be 'rows' or 'columns', not {mode!r}")
        self.mode = mode

    def __call__(self, x: Any) -> Tensor:
        t = as_tensor(x, "float32")
        if t.ndim != 2:
            raise ValueError(f"x must be a matrix for OrthogonalRegularizer, not shape {t.shape}")
        rows = t if self.mode == "rows" else ops.transpose(t)
        square = ops.sum(ops.square(rows), axis=1, keepdims=True)
        rows = rows / ops.sqrt(ops.maximum(square, 1e-12))
        count = rows.shape[0]
        others = 1.0 - np.eye(count, dtype=np.float32)
        cosines = ops.matmul(rows, ops.transpose(rows)) * others
        pairs = max(count * (count - 1) / 2, 1)
        return ops.sum(ops.abs(cosines)) * (0.5 * self.factor / pairs)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


def _factor(name: str, value: Any) -> float:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a finite number that is not negative, not {value!r}")
    return float(value)


def _penalty(x: Any, l1: float, l2: float) -> Tensor:
    total = None
    if l1 != 0.0:
        total = ops.sum(ops.abs(x)) * l1
    if l2 != 0.0:
        squares = ops.sum(ops.square(x)) * l2
        total = squares if total is None else total + squares
    return as_tensor(0.0) if total is None else total


CLASSES: dict[str, type[Regularizer]] = {
    cls.__name__: cls for cls in (Regularizer, L1, L1L2, L2, OrthogonalRegularizer)
}


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """L1L2, with the defaults that Keras 2 had for this name."""
    return L1L2(l1, l2)


l1, l2, orthogonal_regularizer = L1, L2, OrthogonalRegularizer
_KNOWN: dict[str, Callable[..., Regularizer]] = {
    **CLASSES,
    "l1": L1,
    "l1_l2": l1_l2,
    "l1l2": L1L2,
    "l2": L2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}


def get(identifier: Any) -> Any:
    """Returns the regularizer that `identifier` names.

    Args:
        identifier: None (gives None), a name such as "l2" or "L2", a configuration, a class or a
            callable of one tensor.

    Raises:
        ValueError: for an unknown name; the message lists the nearest known ones.
    """
    return _lookup.find_object("regularizer", _KNOWN, identifier)


def serialize(regularizer: Any) -> Any:
    """Returns the configuration of a regularizer; None for None."""
    return _lookup.write_object("regularizers", CLASSES, regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` returned."""
    return _lookup.build_object(_KNOWN, config, custom_objects)
