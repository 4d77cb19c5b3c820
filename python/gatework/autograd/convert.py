"""Reading foreign values: any array library, dtype, byte order, strides and alignment."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FLOAT32", "Array", "held_in", "read"]

Array = npt.NDArray[Any]

FLOAT32 = np.dtype(np.float32)


def read(x: Any, dtype: Any = None) -> Array:
    """An aligned array in native byte order of ``x``, which is not a Tensor.

    Without ``dtype``, floating-point values become float32 and integers and booleans keep their
    type. The result shares memory with ``x`` where nothing has to be converted.

    Raises:
        TypeError: ``x`` holds something other than real numbers and booleans.
        ValueError: ``x`` is ragged.
    """
    if type(x) is np.ndarray:
        if dtype is None and x.dtype is FLOAT32 and x.flags.aligned:
            return x
        array = x
    elif hasattr(x, "__dlpack__") and not hasattr(x, "__array__"):
        array = np.from_dlpack(x)
    else:
        try:
            array = np.asarray(x)
        except ValueError:
            raise ValueError(
                "x must be one array, not ragged: sequences of unequal length are padded by "
                "pad_sequences"
            ) from None
    kind = array.dtype.kind
    if kind not in "fiub":
        alone = kind == "O" and array.ndim == 0
        found = type(x).__name__ if alone else held_in(array.dtype)
        raise TypeError(f"x must be an array of numbers or booleans, not {found}")
    if dtype is not None:
        wanted = np.dtype(dtype)
    else:
        wanted = FLOAT32 if kind == "f" else _native(array.dtype)
    return aligned(cast(array, wanted))


def held_in(dtype: Any) -> str:
    """What an array of that dtype holds instead of numbers, in words."""
    return "strings" if dtype.kind in "USaT" else f"dtype {dtype}"


def _native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def cast(array: Array, dtype: Any) -> Array:
    """``array`` in another dtype, itself if it has it; what does not fit becomes inf, unwarned."""
    if array.dtype == dtype:
        return array
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def aligned(array: Array) -> Array:
    """``array``, copied if its elements do not lie at multiples of their size."""
    return array if array.flags.aligned else array.copy()
