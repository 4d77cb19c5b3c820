"""The weights of a recurrent cell in the order of the kernels, kept until a weight changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core, runtime
from ..autograd import Variable

__all__ = ["PackedWeightsCache"]


class PackedWeightsCache:
    """Packs the variables of one cell and remembers it. Prediction packs once, not once a batch.

    What is kept belongs to a version of each variable and to an instruction set; it doubles the
    memory of the weights. Copies and pickles of a cache are empty.
    """

    def __init__(self) -> None:
        self._kept: tuple[tuple[Any, ...], _core.PackedWeights] | None = None

    def get(
        self, cell: str, kernel: Variable, recurrent_kernel: Variable, bias: Variable | None
    ) -> _core.PackedWeights:
        """The packed weights of ``cell``, made anew if a variable was written to since."""
        variables = (kernel, recurrent_kernel) if bias is None else (kernel, recurrent_kernel, bias)
        key = (cell, runtime.isa(), *((id(v), v.version) for v in variables))
        kept = self._kept  # read once: another thread may replace it
        if kept is None or kept[0] != key:
            arrays = [np.ascontiguousarray(v._value, np.float32) for v in variables]
            packed = _core.PackedWeights(
                cell, arrays[0], arrays[1], arrays[2] if bias is not None else None
            )
            kept = self._kept = (key, packed)
        return kept[1]

    def __reduce__(self) -> tuple[type[PackedWeightsCache], tuple[()]]:
        return PackedWeightsCache, ()
