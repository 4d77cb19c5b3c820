"""Rounding to bfloat16."""

import numpy as np
import numpy.typing as npt

__all__ = ["round_bfloat16"]


def round_bfloat16(x: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The nearest number of 8 significant bits, of two equally near the even one, as float32.

    bfloat16 is the upper half of a float32.
    """
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32)
    return np.where(np.isnan(x), np.float32(np.nan), rounded.view(np.float32))
