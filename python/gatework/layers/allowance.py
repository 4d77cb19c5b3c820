"""How much memory the weights made while a file is read may take.

A file names sizes before it shows values: without a bound, a few bytes of configuration could ask
for any amount of memory.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence

__all__ = ["spend", "weights_at_most"]


class _Allowance(threading.local):
    left: int | None = None  # None: no file is being read on this thread


_allowance = _Allowance()


@contextlib.contextmanager
def weights_at_most(nbytes: int) -> Iterator[None]:
    """Weights made inside the block, all together, may take so many bytes."""
    before = _allowance.left
    _allowance.left = nbytes
    try:
        yield
    finally:
        _allowance.left = before


def spend(layer: str, name: str, shape: Sequence[int], itemsize: int) -> None:
    """Raises ValueError, naming the layer, for a weight that the allowance does not cover."""
    if _allowance.left is None:
        return
    nbytes = math.prod(shape) * itemsize
    if nbytes > _allowance.left:
        raise ValueError(
            f"weight '{name}' of layer '{layer}' must not be larger than the file's values allow, "
            f"not of shape {tuple(shape)}"
        )
    _allowance.left -= nbytes
