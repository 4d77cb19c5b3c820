"""Inputs one after the other along an axis."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...autograd import Tensor
from ..base import Layer
from ..stepping import along_time, ranks_differ
from .base import check_list, spread_mask

__all__ = ["Concatenate", "concatenate"]


class Concatenate(Layer):
    """Joins a list of inputs along an axis.

    The outputs are masked if any input is; inputs without a mask count as real throughout.

    Args:
        axis: the axis along which their sizes may differ, counted from the batch axis 0; the last
            by default.

    Raises:
        ValueError: if the inputs differ along another axis, or ``axis`` is none of theirs.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ValueError(f"axis must be an integer, not {axis!r}")
        self.axis = axis
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Tensor:
        return ops.concatenate(check_list(self.name, inputs), axis=self.axis)

    def mixes_steps(self, input_shape: Any) -> str | None:
        return ranks_differ(input_shape) or along_time(self.axis, input_shape[0])

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = [tuple(shape) for shape in check_list(self.name, input_shape)]
        rank = len(shapes[0])
        if not -rank <= self.axis < rank:
            raise ValueError(f"axis of {self.name} must be in [{-rank}, {rank}), not {self.axis}")
        if any(len(shape) != rank for shape in shapes):
            raise ValueError(f"inputs of {self.name} must have one number of axes, not {shapes}")
        found: list[int | None] = []
        for i, sizes in enumerate(zip(*shapes, strict=True)):
            known = {size for size in sizes if size is not None}
            if i == self.axis % rank:
                found.append(None if None in sizes else sum(sizes))
            elif len(known) > 1:
                raise ValueError(
                    f"inputs of {self.name} must have equal sizes except along axis {self.axis}, "
                    f"not {shapes}"
                )
            else:
                found.append(known.pop() if known else None)
        return tuple(found)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or all(one is None for one in mask):
            return None
        whole = [
            ops.ones_like(tensor, "bool") if one is None else spread_mask(one, tensor)
            for tensor, one in zip(inputs, mask, strict=True)
        ]
        return ops.any(ops.concatenate(whole, axis=self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Joins a list of inputs along an axis: ``Concatenate(axis, **kwargs)(inputs)``."""
    return Concatenate(axis=axis, **kwargs)(inputs)
