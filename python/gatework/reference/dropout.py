"""Dropout (Srivastava et al. 2014) from a counter-based generator.

Whether element i survives depends on the seed and on i alone, so a mask can be drawn in any order,
by any number of threads, and drawn again in the backward pass instead of being kept.
"""

from math import prod

import numpy as np

from .array import Array, Integers

_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def philox4x32(counter: Integers, key: tuple[int, int]) -> Integers:
    """Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").

    Args:
        counter: (N, 4) of 32-bit words.
        key: two 32-bit words.

    Returns:
        (N, 4) uint32: the four words of each block.
    """
    c0, c1, c2, c3 = counter.astype(np.uint64).T
    k0, k1 = key
    for _ in range(10):
        product_0 = np.uint64(0xD2511F53) * c0
        product_1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (
            (product_1 >> _SHIFT) ^ c1 ^ np.uint64(k0),
            product_1 & _LOW,
            (product_0 >> _SHIFT) ^ c3 ^ np.uint64(k1),
            product_0 & _LOW,
        )
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def random_words(count: int, seed: int) -> Integers:
    """The first ``count`` words of the stream of ``seed``: word i is word i % 4 of block i // 4."""
    block = np.arange((count + 3) // 4, dtype=np.uint64)
    zero = np.zeros_like(block)
    counter = np.stack([block & _LOW, block >> _SHIFT, zero, zero], axis=1)
    key = (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
    return philox4x32(counter, key).reshape(-1)[:count]


def dropout_mask(shape: tuple[int, ...], rate: float, seed: int) -> Array:
    """A float32 array of 0 with probability ``rate``, else of 1 / (1 - rate).

    Raises:
        ValueError: ``rate`` is not in [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"rate must be in [0, 1), not {rate}")
    kept = random_words(prod(shape), seed) >= np.uint32(int(rate * 2.0**32))
    return np.where(kept, np.float32(1 / (1 - rate)), np.float32(0)).reshape(shape)


def dropout(x: Array, rate: float, seed: int) -> Array:
    """``x`` with a share ``rate`` of its elements dropped; of dy, the gradient of the same call.

    A dropped element is zero whatever it was, NaN included.
    """
    mask = dropout_mask(x.shape, rate, seed)
    return np.where(mask == 0, 0, x * mask).astype(x.dtype)


def spatial_dropout(x: Array, rate: float, seed: int) -> Array:
    """Drops whole features of x (B, T, C): one decision per (b, c), as word b·C + c says."""
    batch, _, features = x.shape
    mask = dropout_mask((batch, features), rate, seed)[:, np.newaxis]
    return np.where(mask == 0, 0, x * mask).astype(x.dtype)
