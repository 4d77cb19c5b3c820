"""Softmax with a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...autograd import Tensor, as_array
from ..base import Layer
from ..stepping import along_time

__all__ = ["Softmax"]

_MASKED = -1e9  # what Keras puts where the mask is false: e to it is zero


class Softmax(Layer):
    """e^x / sum(e^x) over an axis, or several together, leaving out what a mask excludes.

    Args:
        axis: the axis or axes.

    Called with ``mask``, of a shape that broadcasts to that of the inputs: where it is false the
    output is zero.

    Raises:
        ValueError: for a mask of another shape.
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        if mask is None:
            return ops.softmax(inputs, self.axis)
        kept = as_array(mask)
        sizes = zip(kept.shape[::-1], inputs.shape[::-1], strict=False)
        if kept.ndim > inputs.ndim or any(m not in (1, n) for m, n in sizes):
            raise ValueError(
                f"mask of {self.name} must broadcast to the inputs' shape {inputs.shape}, "
                f"not have shape {kept.shape}"
            )
        if kept.dtype != bool:
            kept = kept > 0.5
        return ops.where(kept, ops.softmax(ops.where(kept, inputs, _MASKED), self.axis), 0.0)  # type: ignore[no-any-return]

    def mixes_steps(self, input_shape: Any) -> str | None:
        return along_time(self.axis, input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
