"""Sequences of unequal length as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core

# What the compiled routine writes; anything else goes through NumPy.
_COMPILED_DTYPES = frozenset({"int32", "int64", "float32", "float64"})


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> npt.NDArray[Any]:
    """Makes all sequences `maxlen` long: shorter ones are padded, longer ones cut.

    Args:
        sequences: a list of sequences (lists, arrays, or a mixture) of numbers, or of vectors of
            one shape.
        maxlen: the length; that of the longest sequence when None.
        dtype: of the result.
        padding: "pre" pads in front, "post" behind.
        truncating: "pre" cuts in front, "post" behind.
        value: what is padded with.

    Returns:
        An array `(len(sequences), maxlen, ...)`.

    Raises:
        ValueError: for an argument outside its range, an item that is no sequence, or samples of
            different shapes.
        OverflowError: for a number that `dtype` cannot hold.
    """
    _check_side("padding", padding)
    _check_side("truncating", truncating)
    if maxlen is not None and (
        isinstance(maxlen, bool) or not isinstance(maxlen, int | np.integer) or maxlen < 0
    ):
        raise ValueError(f"maxlen must be an integer >= 0 or None, not {maxlen!r}")
    if not hasattr(sequences, "__len__") or isinstance(sequences, str | bytes):
        raise ValueError(f"sequences must be a list of sequences, not {sequences!r}")
    items = list(sequences)
    for i, item in enumerate(items):
        if type(item) is list:  # nearly always
            continue
        if not hasattr(item, "__len__") or isinstance(item, str | bytes):
            raise ValueError(f"sequences must hold sequences, not {item!r} at position {i}")
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(f"value must be a number for dtype {kind.name}, not {value!r}")
    if kind.name in _COMPILED_DTYPES and not _sample_shape(items):
        length = None if maxlen is None else int(maxlen)
        padded: npt.NDArray[Any] = _core.pad_sequences(
            items, length, kind.name, padding, truncating, value
        )
        return padded
    return _pad_with_numpy(items, maxlen, kind, padding, truncating, value)


def _check_side(name: str, side: Any) -> None:
    if side not in ("pre", "post"):
        raise ValueError(f"{name} must be 'pre' or 'post', not {side!r}")


def _sample_shape(items: list[Any]) -> tuple[int, ...]:
    """The shape of one entry of the first sequence that has any: () for numbers."""
    for item in items:
        if isinstance(item, np.ndarray):
            if len(item):
                return tuple(item.shape[1:])
        elif len(item):
            first = item[0] if isinstance(item, Sequence) else np.asarray(item)[0]
            return tuple(np.shape(first))
    return ()


def _pad_with_numpy(
    items: list[Any],
    maxlen: int | None,
    dtype: np.dtype[Any],
    padding: str,
    truncating: str,
    value: Any,
) -> npt.NDArray[Any]:
    length = max((len(item) for item in items), default=0) if maxlen is None else int(maxlen)
    shape = _sample_shape(items)
    result = np.full((len(items), length, *shape), value, dtype=dtype)
    for i, item in enumerate(items):
        kept = min(len(item), length)
        if kept == 0:
            continue
        array = np.asarray(item, dtype=dtype)
        if array.shape[1:] != shape:
            raise ValueError(
                f"sequences must hold samples of one shape {shape}, "
                f"not {array.shape[1:]} at position {i}"
            )
        array = array[len(item) - kept :] if truncating == "pre" else array[:kept]
        start = length - kept if padding == "pre" else 0
        result[i, start : start + kept] = array
    return result
