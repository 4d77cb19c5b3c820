"""Dropout layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops, random
from ...autograd import Tensor
from ..arguments import positive_int, share_of
from ..base import InputSpec, Layer

__all__ = ["AlphaDropout", "Dropout", "SpatialDropout1D"]


class Dropout(Layer):
    """Sets a share of the inputs to zero in training (Srivastava et al. 2014).

    Args:
        rate: the share, in [0, 1); the others are scaled by 1 / (1 - rate).
        noise_shape: shape of the mask, broadcast against the inputs; None in it for the inputs'
            own size.
        seed: seed of the masks.

    Raises:
        ValueError: if ``rate`` or a size in ``noise_shape`` is out of range.
    """

    acts_per_step = True

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = share_of("rate", rate)
        self.seed = seed
        self.noise_shape = _noise_shape(noise_shape)
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        if self.rate == 1:
            return ops.multiply(inputs, 0.0)
        return self._drop(inputs, self.seed_generator.next())

    def _drop(self, inputs: Tensor, seed: int) -> Tensor:
        return ops.dropout(inputs, self.rate, self.noise_shape, seed)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "seed": self.seed,
            "noise_shape": self.noise_shape,
        }


class SpatialDropout1D(Dropout):
    """Dropout of whole features of (batch, time, features): the same ones at every step.

    Args:
        rate: share of the features, in [0, 1).
        seed: seed of the masks.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _drop(self, inputs: Tensor, seed: int) -> Tensor:
        return ops.spatial_dropout1d(inputs, self.rate, seed)

    def get_config(self) -> dict[str, Any]:
        # Keras' layer takes these arguments alone.
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


class AlphaDropout(Dropout):
    """Dropout that keeps mean and variance of what selu returns (Klambauer et al. 2017).

    Args:
        rate: share of the inputs that are set to the value selu has far below zero.
        noise_shape: shape of the mask, broadcast against the inputs; None in it for the inputs'
            own size.
        seed: seed of the masks.

    Raises:
        ValueError: if ``rate`` is not in [0, 1), or a size in ``noise_shape`` is out of range.
    """

    acts_per_step = True

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)
        if self.rate == 1:
            raise ValueError(f"rate of AlphaDropout must be below 1, not {rate!r}")

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        floor, keep = -1.7580993408473766, 1.0 - self.rate  # -alpha * scale of selu
        shape = inputs.shape if self.noise_shape is None else self.noise_shape
        ones = ops.ones([n if m is None else m for m, n in zip(shape, inputs.shape, strict=True)])
        kept = ops.multiply(ops.dropout(ones, self.rate, seed=self.seed_generator.next()), keep)
        factor = (keep * (1.0 + self.rate * floor**2)) ** -0.5
        dropped = ops.multiply(inputs, kept) + ops.multiply(ops.subtract(1.0, kept), floor)
        return ops.add(ops.multiply(dropped, factor), -factor * floor * self.rate)


def _noise_shape(shape: Any) -> tuple[int | None, ...] | None:
    if shape is None:
        return None
    if isinstance(shape, str) or not hasattr(shape, "__iter__"):
        raise ValueError(f"noise_shape must be a tuple of sizes or None, not {shape!r}")
    return tuple(None if n is None else positive_int("noise_shape", n) for n in shape)
