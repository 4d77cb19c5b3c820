"""Waves that tell positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...autograd import Tensor, as_array, as_tensor
from ..arguments import positive_number
from ..base import Layer
from .keras_hub import of_keras_hub
from .positions import with_positions

__all__ = ["SinePositionEncoding"]


@of_keras_hub
class SinePositionEncoding(Layer):
    """Sines and cosines of the positions of its inputs, to be added to them (Vaswani et al. 2017):
    sin(position / max_wavelength^(i / features)) for even i, and the cosine of the same angle for
    i + 1. Name and arguments are those of KerasHub.

    Called with (..., time, features), of which only the shape is used; returns the same shape.
    Further arguments of the call: ``start_index``, the position of the first step, a number or one
    for each row of the batch; ``positions`` (time,) or (batch, time), in place of counting from
    there.

    Args:
        max_wavelength: of the slowest wave, over 2π.

    Raises:
        ValueError: if it is no positive number.
    """

    def __init__(self, max_wavelength: float = 10000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_wavelength = positive_number("max_wavelength", max_wavelength)
        self.built = True

    def call(self, inputs: Any, start_index: Any = 0, positions: Any = None) -> Tensor:
        x = as_tensor(inputs)
        time, features = x.shape[-2:]
        if positions is None:
            start = np.asarray(as_array(start_index), np.float64)
            steps = start.reshape(-1, 1) + np.arange(time)
        else:
            steps = np.atleast_2d(np.asarray(as_array(positions), np.float64))
        # In double precision: single would blur the angles of distant positions.
        slowing = float(self.max_wavelength) ** -(np.arange(features) // 2 * 2 / features)
        angles = steps[..., None] * slowing
        even = np.arange(features) % 2 == 0
        waves = np.where(even, np.sin(angles), np.cos(angles)).astype(np.float32)
        return ops.broadcast_to(waves, x.shape)

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        super().initial_cache(batch_size, max_length)
        return 0

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        return with_positions(self, inputs, cache, args, kwargs)

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return tuple(inputs_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
