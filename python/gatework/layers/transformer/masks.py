"""The masks that blocks are given, as one that their attention takes."""

from __future__ import annotations

from typing import Any

from ...autograd import Array, Tensor, as_array
from ..attention.masks import both

__all__ = ["merged_mask"]


def merged_mask(
    inputs: Tensor, padding_mask: Any, attention_mask: Any, prefix: str = ""
) -> Array | None:
    """A mask over (batch, queries, keys): of padding among the keys, and of pairs.

    Args:
        inputs: the sequence attended to.
        padding_mask: (batch, keys), in place of the mask that ``inputs`` carry.
        attention_mask: (batch, queries, keys).
        prefix: of both arguments' names in errors.

    Raises:
        ValueError: if one has another number of axes.
    """
    steps = inputs._keras_mask if padding_mask is None else padding_mask
    found = None
    if steps is not None:
        found = _checked(f"{prefix}padding_mask", steps, "(batch, keys)", 2)[:, None, :]
    if attention_mask is None:
        return found
    pairs = _checked(f"{prefix}attention_mask", attention_mask, "(batch, queries, keys)", 3)
    return both(found, pairs)


def _checked(name: str, mask: Any, wanted: str, ndim: int) -> Array:
    found = as_array(mask).astype(bool)
    if found.ndim != ndim:
        raise ValueError(f"{name} must have shape {wanted}, not {found.shape}")
    return found
