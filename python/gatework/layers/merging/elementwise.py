"""Sum, difference, product, mean and extremes of inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import ops
from ...autograd import Tensor
from .base import Merge, spread_mask

__all__ = [
    "Add",
    "Average",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]


class Add(Merge):
    """The sum of a list of inputs."""

    def _merge(self, inputs: list[Tensor], masks: list[Any]) -> Tensor:
        total = inputs[0]
        for one in inputs[1:]:
            total = ops.add(total, one)
        return total


class Subtract(Merge):
    """The first of two inputs less the second."""

    least = most = 2

    def _merge(self, inputs: list[Tensor], masks: list[Any]) -> Tensor:
        return ops.subtract(*inputs)


class Average(Add):
    """The mean of a list of inputs."""

    def _merge(self, inputs: list[Tensor], masks: list[Any]) -> Tensor:
        return ops.divide(super()._merge(inputs, masks), len(inputs))


class Multiply(Merge):
    """The product of a list of inputs.

    A masked step of an input counts as one; steps masked in all of them become zero.
    """

    def _merge(self, inputs: list[Tensor], masks: list[Any]) -> Tensor:
        product: Tensor | None = None
        real: Any = None
        for one, mask in zip(inputs, masks, strict=True):
            if mask is not None:
                spread = spread_mask(mask, one)
                one = ops.where(spread, one, 1.0)
                real = spread if real is None else ops.logical_or(real, spread)
            product = one if product is None else ops.multiply(product, one)
        if real is not None and all(mask is not None for mask in masks):
            product = ops.where(real, product, 0.0)
        assert product is not None  # there is at least one input
        return product


class _Extreme(Merge):
    """The larger or smaller values; a masked step of an input leaves the choice to the others."""

    _choose: Callable[[Any, Any], Tensor]

    def _merge(self, inputs: list[Tensor], masks: list[Any]) -> Tensor:
        found, real = inputs[0], masks[0]
        if real is not None:
            real = spread_mask(real, found)
        for one, mask in zip(inputs[1:], masks[1:], strict=True):
            if mask is not None:
                mask = spread_mask(mask, one)
                one = ops.where(mask, one, found)
            if real is not None:
                found = ops.where(real, found, one)
            both = mask is not None and real is not None
            real = ops.logical_or(real, mask) if both else None
            found = type(self)._choose(found, one)
        return found


class Maximum(_Extreme):
    """The largest of a list of inputs, value by value. Masked steps of an input do not count."""

    _choose = staticmethod(ops.maximum)


class Minimum(_Extreme):
    """The smallest of a list of inputs, value by value. Masked steps of an input do not count."""

    _choose = staticmethod(ops.minimum)


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of a list of inputs: ``Add(**kwargs)(inputs)``."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first of two inputs less the second: ``Subtract(**kwargs)(inputs)``."""
    return Subtract(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of a list of inputs: ``Average(**kwargs)(inputs)``."""
    return Average(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of a list of inputs: ``Multiply(**kwargs)(inputs)``."""
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of a list of inputs: ``Maximum(**kwargs)(inputs)``."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of a list of inputs: ``Minimum(**kwargs)(inputs)``."""
    return Minimum(**kwargs)(inputs)
