"""Normal noise in training."""

from __future__ import annotations

import math
from typing import Any

from ... import ops, random
from ...autograd import Tensor
from ..arguments import share_of
from ..base import Layer

__all__ = ["GaussianDropout", "GaussianNoise"]


class _Noisy(Layer):
    """What both share: a seed, and factors or terms drawn anew in each training call."""

    def __init__(self, seed: int | None, level: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        if level > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def _normal(self, like: Any, mean: float, stddev: float) -> Tensor:
        draw = random.numpy_generator(self.seed_generator).standard_normal
        return ops.convert_to_tensor(mean + stddev * draw(like.shape, "float32"))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


class GaussianNoise(_Noisy):
    """Adds normal noise of mean zero in training.

    Args:
        stddev: its standard deviation, in [0, 1].
        seed: seed of the noise.

    Raises:
        ValueError: if ``stddev`` is out of range.
    """

    acts_per_step = True

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        level = share_of("stddev", stddev)
        super().__init__(seed, level, **kwargs)
        self.stddev = level

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.stddev == 0:
            return inputs
        return ops.add(inputs, self._normal(inputs, 0.0, self.stddev))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


class GaussianDropout(_Noisy):
    """Multiplies with normal noise of mean one in training (Srivastava et al. 2014, section 10).

    Args:
        rate: as strong as dropout of this share: the standard deviation is sqrt(rate / (1 - rate)).
            In [0, 1).
        seed: seed of the noise.

    Raises:
        ValueError: if ``rate`` is out of range; 1 would need endless noise.
    """

    acts_per_step = True

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        share = share_of("rate", rate)
        if share == 1:
            raise ValueError(f"rate of GaussianDropout must be below 1, not {rate!r}")
        super().__init__(seed, share, **kwargs)
        self.rate = share

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return ops.multiply(inputs, self._normal(inputs, 1.0, stddev))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
