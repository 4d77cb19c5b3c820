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
        self,
        cell: str,
        kernel: Variable,
        recurrent_kernel: Variable,
        bias: Variable | None,
        peepholes: Variable | None = None,
        projection: Variable | None = None,
        gamma: Variable | None = None,
        beta: Variable | None = None,
        *,
        bf16: bool = False,
    ) -> _core.PackedWeights:
        """The packed weights of ``cell``, made anew if a variable was written to since.

        With ``bf16``, those of products of bfloat16.
        """
        given = (kernel, recurrent_kernel, bias, peepholes, projection, gamma, beta)
        variables = [variable for variable in given if variable is not None]
        key = (cell, runtime.isa(), bf16, *((id(v), v.version) for v in variables))
        kept = self._kept  # read once: another thread may replace it
        if kept is None or kept[0] != key:
            w, u, *others = (
                v if v is None else np.ascontiguousarray(v._value, np.float32) for v in given
            )
            b, p, q, gamma_, beta_ = others
            assert w is not None
            assert u is not None
            packed = _core.PackedWeights(cell, w, u, b, p, q, bf16, gamma_, beta_)
            kept = self._kept = (key, packed)
        return kept[1]

    def __reduce__(self) -> tuple[type[PackedWeightsCache], tuple[()]]:
        return PackedWeightsCache, ()
