"""What layers that join inputs share: the list of inputs, its shapes, its masks."""

from __future__ import annotations

import math
from typing import Any

from ... import ops
from ...autograd import Tensor
from ..base import Layer
from ..stepping import ranks_differ

__all__ = ["Merge", "check_list"]

Shape = tuple[int | None, ...]


def check_list(name: str, inputs: Any, least: int = 1, most: float = math.inf) -> list[Any]:
    """The inputs, or their shapes, as a list; raises ValueError unless so many came in one."""
    several = isinstance(inputs, list | tuple) and not any(
        one is None or isinstance(one, int) for one in inputs
    )
    if not several or not least <= len(inputs) <= most:
        found = f"{len(inputs)} of them" if several else "one alone"
        number = f"{least}" if most == least else f"at least {least}"
        raise ValueError(f"inputs of {name} must be a list of {number} tensors, not {found}")
    return list(inputs)


def joined_shape(name: str, one: Shape, other: Shape) -> Shape:
    """The shape of an elementwise operation, from the last axis on; None where it is unknown."""
    if len(one) < len(other):
        one, other = other, one
    start = len(one) - len(other)
    sizes = list(one[:start])
    for a, b in zip(one[start:], other, strict=True):
        if a is None or b is None:
            sizes.append(None)
        elif a != b and 1 not in (a, b):
            raise ValueError(f"inputs of {name} must have matching shapes, not {one} and {other}")
        else:
            sizes.append(b if a == 1 else a)
    return tuple(sizes)


class Merge(Layer):
    """An elementwise function of a list of inputs, which are broadcast to one another.

    Inputs of fewer axes get new ones behind the batch axis. The outputs are masked if all inputs
    are: at the steps that are masked in every one of them.
    """

    least = 1
    most = math.inf

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Tensor:
        tensors = check_list(self.name, inputs, self.least, self.most)
        axes = max(len(tensor.shape) for tensor in tensors)
        masks = [tensor._keras_mask for tensor in tensors]
        for i, tensor in enumerate(tensors):
            missing = axes - len(tensor.shape)
            if missing:
                tensors[i] = ops.expand_dims(tensor, tuple(range(1, 1 + missing)))
        return self._merge(tensors, masks)

    def _merge(self, inputs: list[Tensor], masks: list[Any]) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement _merge")

    def mixes_steps(self, input_shape: Any) -> str | None:
        return ranks_differ(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = [tuple(s) for s in check_list(self.name, input_shape, self.least, self.most)]
        batches = {shape[0] for shape in shapes if shape} - {None}
        if len(batches) > 1:
            raise ValueError(f"inputs of {self.name} must have one batch size, not {shapes}")
        found = shapes[0][1:]
        for shape in shapes[1:]:
            found = joined_shape(self.name, found, shape[1:])
        return (batches.pop() if batches else None, *found)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or any(one is None for one in mask):
            return None
        found = mask[0]
        for one in mask[1:]:
            found = ops.logical_or(found, one)
        return found


def spread_mask(mask: Any, inputs: Tensor) -> Any:
    """A mask of (batch, time) over all the values of its inputs."""
    missing = len(inputs.shape) - len(mask.shape)
    if missing > 0:
        mask = ops.expand_dims(mask, tuple(range(len(mask.shape), len(inputs.shape))))
    return ops.broadcast_to(mask, inputs.shape)
