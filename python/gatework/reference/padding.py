"""Ragged lists to one array."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .array import Array


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: str = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> Array:
    """N sequences of different lengths as one array (N, maxlen, ...).

    Args:
        sequences: lists or arrays of numbers, or of vectors of one shape.
        maxlen: length of the result. Default: that of the longest sequence.
        dtype: of the result.
        padding: "pre" or "post": the side where short sequences are filled.
        truncating: "pre" or "post": the side where long sequences are cut.
        value: what short sequences are filled with.

    Raises:
        ValueError: ``padding`` or ``truncating`` is neither word, or the shapes differ.
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"{name} must be 'pre' or 'post', not {side!r}")
    arrays = [np.asarray(s, dtype) for s in sequences]
    length = max((len(a) for a in arrays), default=0) if maxlen is None else maxlen
    sample = next((a.shape[1:] for a in arrays if len(a)), ())
    y = np.full((len(arrays), length, *sample), value, dtype)
    for row, a in zip(y, arrays, strict=True):
        kept = a[max(len(a) - length, 0) :] if truncating == "pre" else a[:length]
        if not len(kept):
            continue
        if kept.shape[1:] != sample:
            raise ValueError(f"sequences must be of {sample} samples, not {kept.shape[1:]}")
        start = length - len(kept) if padding == "pre" else 0
        row[start : start + len(kept)] = kept
    return y
