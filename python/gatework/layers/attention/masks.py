"""The masks of attention: who may attend to whom, in as few numbers as say it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import Array, as_array

__all__ = ["attention_mask_of", "both", "causal_mask", "step_mask", "windowed_mask"]


def step_mask(name: str, mask: Any, shape: tuple[int, ...]) -> Array | None:
    """A mask of steps as booleans (batch, time).

    Raises:
        ValueError: if it has another shape; the message names it.
    """
    if mask is None:
        return None
    found = as_array(mask).astype(bool)
    if found.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, not {found.shape}")
    return found


def attention_mask_of(mask: Any, shape: tuple[int, ...], attended: int) -> Array | None:
    """A mask over pairs of query and key as booleans of as many axes as the scores.

    Args:
        mask: of the scores' last axes, and any of those before; None without.
        shape: of the scores (batch, ..., heads, query axes, key axes).
        attended: how many axes are query axes; as many are key axes.

    Raises:
        ValueError: if it does not broadcast to the scores.
    """
    if mask is None:
        return None
    found = as_array(mask).astype(bool)
    missing = len(shape) - found.ndim
    if missing > 0 and found.ndim >= 2 * attended:
        # The axes that it lacks are the heads', and those of the batch before them.
        batch = found.ndim - 2 * attended
        found = found.reshape(found.shape[:batch] + (1,) * missing + found.shape[batch:])
    sizes = zip(found.shape, shape, strict=False)
    if found.ndim != len(shape) or any(m not in (1, n) for m, n in sizes):
        raise ValueError(
            f"attention_mask must broadcast to the scores' shape {shape}, "
            f"not have shape {as_array(mask).shape}"
        )
    return found


def causal_mask(queries: int, keys: int, offset: Any = 0) -> Array:
    """True where the key does not come after the query: (batch or 1, 1, queries, keys).

    ``offset`` is the position of the first query, a number or one for each row of the batch.
    """
    ahead = np.arange(keys) - np.arange(queries)[:, None]
    found: Array = ahead <= np.reshape(as_array(offset), (-1, 1, 1, 1))
    return found


def windowed_mask(queries: int, keys: int, window: int) -> Array:
    """True where key and query are less than ``window`` steps apart: (1, 1, queries, keys)."""
    apart = np.abs(np.arange(keys) - np.arange(queries)[:, None])
    found: Array = (apart < window)[None, None]
    return found


def both(one: Array | None, other: Array | None) -> Array | None:
    """Where both masks are true, if there are two."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
