"""Where data enters a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .base import Layer
from .symbolic import KerasTensor, Node

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """The first node of a model: a shape and a dtype.

    Args:
        shape: shape without the batch axis; None where a size may vary.
        batch_size: size of the batch axis, None by default.
        dtype: dtype of the data, float32 by default.
        batch_shape: shape with the batch axis, instead of ``shape`` and ``batch_size``.
        name: name of the input.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        older = kwargs.pop("batch_input_shape", None)  # the name before Keras 3
        batch_shape = older if batch_shape is None else batch_shape
        super().__init__(name=name or None, **kwargs)
        refused = {"sparse": sparse, "ragged": ragged, "input_tensor": input_tensor}
        for argument, value in refused.items():
            if value:
                raise ValueError(f"{argument} must not be set, not be {value!r}: inputs are dense")
        if (shape is None) == (batch_shape is None):
            raise ValueError("one of shape and batch_shape must be given, not both or none")
        if batch_shape is not None and batch_size is not None:
            raise ValueError("batch_size must not be given beside batch_shape")
        sizes = tuple(batch_shape) if batch_shape is not None else (batch_size, *_sizes(shape))
        for size in sizes:
            whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
            if size is not None and not (whole and size >= 0):
                raise ValueError(f"shape must hold whole numbers or None, not {size!r}")
        self.batch_shape = sizes
        self.optional = bool(optional)
        self._input_dtype = np.dtype("float32" if dtype is None else dtype).name
        Node(self, (), {}, KerasTensor(sizes, self._input_dtype, self.name))
        self.built = True

    @property
    def dtype(self) -> str:
        return self._input_dtype

    @property
    def compute_dtype(self) -> str:
        return self._input_dtype

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any = None) -> Any:
        return self.batch_shape

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self._input_dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def _sizes(shape: Any) -> tuple[int | None, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic input, to be given to layers or to Sequential. Arguments as in ``InputLayer``."""
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        input_tensor=tensor,
        optional=optional,
    )
    made: KerasTensor = layer.output
    return made
