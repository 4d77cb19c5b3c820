"""Random values of a distribution that is the same for every shape, and orthogonal matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _lookup
from ..autograd import Array, Tensor, as_tensor
from ..random import SeedGenerator, numpy_generator
from .base import Initializer, Shape

__all__ = [
    "Orthogonal",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "draw_truncated_normal",
    "draw_uniform",
]


def draw_uniform(
    generator: np.random.Generator, shape: tuple[int, ...], low: float, high: float
) -> Array:
    return low + (high - low) * generator.random(shape, np.float32)


def draw_truncated_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    values: Array = np.asarray(generator.standard_normal(shape))
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return values


class RandomInitializer(Initializer):
    """What random initializers share: the seed, and floats of any width."""

    def __init__(self, seed: Any = None) -> None:
        if isinstance(seed, dict):
            seed = SeedGenerator.from_config(seed.get("config", seed))
        if isinstance(seed, bool) or not (
            seed is None or isinstance(seed, SeedGenerator) or hasattr(seed, "__index__")
        ):
            raise ValueError(f"seed must be an integer or a SeedGenerator, not {seed!r}")
        if not (seed is None or isinstance(seed, SeedGenerator)):
            seed = seed.__index__()
            if seed < 0:
                raise ValueError(f"seed must not be negative, not {seed}")
        self.seed = seed

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        values = self._draw(numpy_generator(self.seed), tuple(shape))
        return as_tensor(values, dtype or "float32")

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        seed = self.seed
        if isinstance(seed, SeedGenerator):
            seed = _lookup.write_object("random", {"SeedGenerator": SeedGenerator}, seed)
        return {"seed": seed}


class RandomUniform(RandomInitializer):
    """Evenly from [minval, maxval).

    Args:
        minval, maxval: the ends.
        seed: integer, ``SeedGenerator`` or None.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return draw_uniform(generator, shape, self.minval, self.maxval)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class RandomNormal(RandomInitializer):
    """From the normal distribution.

    Args:
        mean, stddev: of the distribution.
        seed: integer, ``SeedGenerator`` or None.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return self.mean + self.stddev * generator.standard_normal(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """From the normal distribution, without what lies further than two ``stddev`` from the mean.

    Args:
        mean, stddev: of the distribution before it was cut.
        seed: integer, ``SeedGenerator`` or None.
    """

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return self.mean + self.stddev * draw_truncated_normal(generator, shape)


class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal rows or columns (Saxe et al. 2014), times a factor.

    All axes but the last count as rows. The matrix is the Q of a QR decomposition of normal values,
    with signs that make it uniform (Mezzadri 2007).

    Args:
        gain: the factor.
        seed: integer, ``SeedGenerator`` or None.

    Raises:
        ValueError: when called with fewer than two axes.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        if len(shape) < 2:
            raise ValueError(f"shape must have two axes or more for Orthogonal, not {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = generator.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return self.gain * (q.T if rows < columns else q).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}
