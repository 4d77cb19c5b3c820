"""Rotary position embedding."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ..autograd import Array, Tensor, as_array, as_tensor, record

__all__ = ["rotary_embedding"]


def rotary_embedding(
    inputs: Any,
    start_index: Any = 0,
    positions: Any = None,
    max_wavelength: float = 10000,
    scaling_factor: float = 1.0,
    frequencies: Any = None,
) -> Tensor:
    """Turns the pair of features i and i + dim / 2 by position / max_wavelength^(2i / dim)
    (Su et al. 2021), as KerasHub's ``RotaryEmbedding`` does.

    Args:
        inputs: (batch, time, dim) or (batch, time, heads, dim), dim even.
        start_index: the position of the first step, a number or (batch,).
        positions: (time,) or (batch, time), instead of counting from ``start_index``.
        max_wavelength: of the slowest turning pair, over 2π.
        scaling_factor: what positions are divided by.
        frequencies: (dim / 2,) angles per step of the pairs, in place of those that follow from
            ``max_wavelength``.

    Returns:
        A tensor of the inputs' shape.

    Raises:
        ValueError: if a shape does not fit, or a number is not positive.
    """
    x = as_tensor(inputs, "float32")
    if x.ndim not in (3, 4) or x.shape[-1] % 2:
        raise ValueError(
            f"inputs must have shape (batch, time, ..., dim) with an even dim, not {x.shape}"
        )
    for name, number in (("max_wavelength", max_wavelength), ("scaling_factor", scaling_factor)):
        if not number > 0:
            raise ValueError(f"{name} must be positive, not {number}")
    shape = (*x.shape[:2], 1 if x.ndim == 3 else x.shape[2], x.shape[-1])
    turned = _positions(start_index, positions, *x.shape[:2]) / scaling_factor
    if frequencies is None:
        frequency = float(max_wavelength) ** -(np.arange(0, shape[-1], 2) / max(shape[-1], 1))
    else:
        frequency = as_array(frequencies).astype(np.float64)
        if frequency.shape != (shape[-1] // 2,):
            raise ValueError(
                f"frequencies must have shape ({shape[-1] // 2},), not {frequency.shape}"
            )
    angles = turned[..., None] * frequency
    cosine, sine = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)

    def turn(v: Array, inverse: bool) -> Array:
        heads = np.asarray(v, np.float32).reshape(shape)
        if heads.strides[-1] != heads.itemsize:
            heads = np.ascontiguousarray(heads)
        return _core.rotary(heads, cosine, sine, inverse).reshape(x.shape)

    return record(turn(x._value, False), (x,), lambda dy: (turn(dy, True),))


def _positions(start_index: Any, positions: Any, batch: int, time: int) -> Array:
    """(1 or batch, time) positions in float64, so that distant ones keep their angles."""
    if positions is None:
        start = as_array(start_index)
        if start.shape not in ((), (batch,)):
            raise ValueError(f"start_index must be a number or ({batch},), not {start.shape}")
        return np.atleast_1d(start).astype(np.float64)[:, None] + np.arange(time)
    given = as_array(positions)
    if given.shape not in ((time,), (1, time), (batch, time)):
        raise ValueError(f"positions must have shape ({batch}, {time}), not {given.shape}")
    return np.atleast_2d(given).astype(np.float64)
