"""One vector at every step."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...autograd import Tensor
from ..arguments import positive_int
from ..base import InputSpec, Layer

__all__ = ["RepeatVector"]


class RepeatVector(Layer):
    """(batch, features) -> (batch, n, features): between an encoder and a decoder.

    Args:
        n: how often.

    Raises:
        ValueError: if ``n`` is no positive integer.
    """

    _mixing = "it makes an axis of time of its own"

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive_int("n", n)
        self.input_spec = InputSpec(ndim=2)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        batch, features = inputs.shape
        one = ops.reshape(inputs, (batch, 1, features))
        return ops.broadcast_to(one, (batch, self.n, features))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}
