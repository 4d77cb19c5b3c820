"""Shapes of inputs: as leaves of a structure, and as old-style arguments give them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import activations, tree

__all__ = ["Sizes", "activated_shape", "as_shapes", "as_sizes", "legacy_shape", "shape_of"]


class Sizes:
    """A shape as one leaf of a structure: a plain tuple would be walked into."""

    __slots__ = ("sizes",)

    def __init__(self, source: Any) -> None:
        self.sizes: tuple[int | None, ...] = tuple(getattr(source, "shape", source))


def activated_shape(activation: Any, shape: Any) -> tuple[int | None, ...]:
    """The shape of an activation's outputs: ``glu`` halves the last axis."""
    if activation is not activations.FUNCTIONS["glu"] or shape[-1] is None:
        return tuple(shape)
    return (*shape[:-1], shape[-1] // 2)


def shape_of(tensors: Any) -> Any:
    """The shapes of tensors, as tuples in the structure of the tensors."""
    return tree.map_structure(lambda leaf: tuple(leaf.shape), tensors)


def as_sizes(shape: Any) -> Any:
    """A structure of shapes, whose leaves are tuples or lists of sizes, as one of ``Sizes``."""
    if isinstance(shape, dict):
        return {key: as_sizes(value) for key, value in shape.items()}
    if all(size is None or isinstance(size, int | np.integer) for size in shape):
        return Sizes(shape)
    return [as_sizes(item) for item in shape]


def as_shapes(shape: Any) -> Any:
    """A structure of shapes, however it was written, as one of tuples."""
    return tree.map_structure(lambda leaf: leaf.sizes, as_sizes(shape))


def legacy_shape(legacy: dict[str, Any]) -> tuple[int | None, ...] | None:
    """The input shape without the batch axis that old-style arguments give.

    They are taken out of ``legacy``. None where no argument says a shape.
    """
    legacy.pop("batch_size", None)  # any batch size is good
    whole = [legacy.pop(key, None) for key in ("batch_input_shape", "batch_shape")]
    shape = legacy.pop("input_shape", None)
    features = legacy.pop("input_dim", None)
    sequence = "input_length" in legacy
    length = legacy.pop("input_length", None)
    for one in whole:
        if one is not None:
            return tuple(one)[1:]
    if shape is not None:
        return (shape,) if isinstance(shape, int) else tuple(shape)
    if features is None:
        return None
    return (length, features) if sequence else (features,)
