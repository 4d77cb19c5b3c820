"""Tensors without values: shapes on their way through layers before there is data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

__all__ = ["History", "KerasTensor"]


class History(NamedTuple):
    """Where a symbolic tensor comes from."""

    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor:
    """Shape and dtype of a tensor to come.

    Args:
        shape: sizes, None where unknown (the batch axis usually is).
        dtype: dtype of the values.
        name: name for error messages and summaries.
    """

    def __init__(
        self, shape: Sequence[int | None], dtype: str = "float32", name: str | None = None
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype
        self.name = name or "keras_tensor"
        self._keras_history: History | None = None
        # True when a mask will come with the values; the mask itself is known only then.
        self._keras_mask: Any = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{self!r} has no value yet: it can be given to layers, not to NumPy or an operator"
        )

    __array__ = __bool__ = __float__ = __int__ = __len__ = __iter__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _refuse
    __rtruediv__ = __matmul__ = __rmatmul__ = __pow__ = __neg__ = __getitem__ = _refuse
