"""Products of whole numbers in [-127, 127] and scales."""

import numpy as np
import numpy.typing as npt

__all__ = ["int8_product", "quantize_columns", "quantize_rows"]

Numbers = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float32]

_LEAST = np.float32(1e-36)  # of less, 127 / x is no float32


def quantize_rows(x: npt.ArrayLike) -> tuple[Numbers, Floats]:
    """(N, K) as scale[n] * numbers[n, k], the largest magnitude of a row being 127.

    Halves go to the even number. Rows smaller than 1e-36 are zeros. A row with a NaN or an infinity
    has NaN for a scale.
    """
    rows = np.asarray(x, np.float32)
    largest = np.max(np.abs(rows), axis=1, initial=0.0)
    finite = np.isfinite(largest)
    some = finite & (largest >= _LEAST)
    factor = np.zeros_like(largest)
    factor[some] = np.float32(127) / largest[some]
    numbers = np.rint(np.where(finite[:, None], rows, 0) * factor[:, None]).astype(np.int8)
    scale = np.where(some, largest / np.float32(127), np.where(finite, 0, np.nan))
    return numbers, scale.astype(np.float32)


def quantize_columns(w: npt.ArrayLike) -> tuple[Numbers, Floats]:
    """(K, N) as numbers[k, n] * scale[n], the largest magnitude of a column being 127."""
    numbers, scale = quantize_rows(np.asarray(w, np.float32).T)
    return np.ascontiguousarray(numbers.T), scale


def int8_product(
    x: npt.ArrayLike, numbers: Numbers, scale: Floats, bias: Floats | None = None
) -> Floats:
    """x W + bias of x (N, K), W = numbers * scale (K, M): the sums of whole numbers are exact."""
    rows, row_scale = quantize_rows(x)
    sums = rows.astype(np.int64) @ numbers.astype(np.int64)
    if np.any(np.abs(sums) > np.iinfo(np.int32).max):
        raise ValueError("x must have fewer columns: a sum is no int32")
    found: Floats = sums.astype(np.float32) * (scale * row_scale[:, None])
    return found if bias is None else found + bias
