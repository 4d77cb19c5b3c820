"""Products of two inputs, sample by sample."""

from __future__ import annotations

import math
from typing import Any

from ... import ops
from ...autograd import Tensor
from ..base import Layer
from .base import check_list

__all__ = ["Dot", "dot"]


class Dot(Layer):
    """Σ_k x[..., k, ...]·y[..., k, ...] for each sample, over one axis of each of two inputs.

    The axes left over follow one another: those of the first input, then those of the second. Two
    inputs of (batch, size) give (batch, 1). Masks end here.

    Args:
        axes: the axis of both inputs, or one axis for each; not the batch axis.
        normalize: whether to bring the vectors along that axis to norm one first, so that the
            result is the cosine of their angle.

    Raises:
        ValueError: if the axes differ in size, or one is the batch axis.
    """

    _mixing = "it may sum over all steps"

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        both = (axes, axes) if isinstance(axes, int) else axes
        if (
            not isinstance(both, list | tuple)
            or len(both) != 2
            or any(isinstance(axis, bool) or not isinstance(axis, int) for axis in both)
        ):
            raise ValueError(f"axes must be an integer or two integers, not {axes!r}")
        self.axes = axes
        self.normalize = bool(normalize)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def _axes_of(self, shapes: list[Any]) -> list[int]:
        """The axes counted from the first, checked against the inputs' shapes."""
        both = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        for axis, shape in zip(both, shapes, strict=True):
            if len(shape) < 2 or not -len(shape) < axis < len(shape) or axis == 0:
                raise ValueError(
                    f"axes of {self.name} must be axes of its inputs behind the batch axis, "
                    f"not {self.axes} for {tuple(shape)}"
                )
        axes = [axis % len(shape) for axis, shape in zip(both, shapes, strict=True)]
        first, second = (shape[axis] for axis, shape in zip(axes, shapes, strict=True))
        if first is not None and second is not None and first != second:
            raise ValueError(
                f"inputs of {self.name} must have equal sizes along axes {self.axes}, "
                f"not {tuple(shapes[0])} and {tuple(shapes[1])}"
            )
        return axes

    def call(self, inputs: Any) -> Tensor:
        x, y = check_list(self.name, inputs, 2, 2)
        first, second = self._axes_of([x.shape, y.shape])
        if self.normalize:
            x, y = _normalized(x, first), _normalized(y, second)
        batch, size = x.shape[0], x.shape[first]
        left = [n for i, n in enumerate(x.shape) if i not in (0, first)]
        right = [n for i, n in enumerate(y.shape) if i not in (0, second)]
        x = ops.reshape(ops.moveaxis(x, first, -1), (batch, math.prod(left), size))
        y = ops.reshape(ops.moveaxis(y, second, 1), (batch, size, math.prod(right)))
        return ops.reshape(ops.matmul(x, y), (batch, *(left + right or [1])))

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = [tuple(shape) for shape in check_list(self.name, input_shape, 2, 2)]
        first, second = self._axes_of(shapes)
        left = [n for i, n in enumerate(shapes[0]) if i not in (0, first)]
        right = [n for i, n in enumerate(shapes[1]) if i not in (0, second)]
        return (shapes[0][0], *(left + right or [1]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        axes = self.axes if isinstance(self.axes, int) else list(self.axes)
        return {**super().get_config(), "axes": axes, "normalize": self.normalize}


def _normalized(x: Tensor, axis: int) -> Tensor:
    """The vectors along an axis brought to norm one; zeros stay zeros."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, 1e-24)))


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Products of two inputs, sample by sample: ``Dot(axes, **kwargs)(inputs)``."""
    return Dot(axes=axes, **kwargs)(inputs)
