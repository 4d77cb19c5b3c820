"""Gradient clipping. A common factor is returned instead of applied: the fused update takes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .. import _core

FloatArray = npt.NDArray[np.float32]


def clip_gradients(
    grads: list[FloatArray],
    scale: float,
    clipnorm: float | None,
    clipvalue: float | None,
    global_clipnorm: float | None,
) -> tuple[list[FloatArray], float]:
    """Clips `scale * grads` by at most one of the three limits; a limit of 0 or None is none.

    Returns:
        The gradients (new arrays where they changed) and the factor still to be applied to them.
    """
    if clipnorm and clipnorm > 0:
        factors = [scale * _shrink(_core.global_norm([g]) * scale, clipnorm) for g in grads]
        # An `out` keeps a number an array.
        pairs = zip(grads, factors, strict=True)
        return [np.multiply(g, np.float32(f), out=np.empty_like(g)) for g, f in pairs], 1.0
    if global_clipnorm and global_clipnorm > 0:
        return grads, scale * _shrink(_core.global_norm(grads) * scale, global_clipnorm)
    if clipvalue and clipvalue > 0:
        limit = np.float32(clipvalue / scale)
        return [np.clip(g, -limit, limit, out=np.empty_like(g)) for g in grads], scale
    return grads, scale


def _shrink(norm: float, limit: float) -> float:
    """limit / max(norm, limit); NaN and infinity pass on, so broken gradients stay visible."""
    return limit / norm if not norm <= limit else 1.0
