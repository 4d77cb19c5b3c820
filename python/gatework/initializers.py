"""First values of weights, under Keras' names.

An initializer is called with a shape and gives a Tensor. Random ones draw from Philox; with an
integer seed every call gives the same values, without one every call draws anew from the global
stream (see ``gatework.random``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from . import _lookup
from .autograd import Array, Tensor, as_array, as_tensor
from .random import SeedGenerator, numpy_generator

Shape = Sequence[int]


class Initializer:
    """Base of initializers: subclasses write ``__call__(shape, dtype=None)`` and ``get_config``."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """A tensor of the shape; dtype is float32 by default."""
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(shape, dtype)")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    def clone(self) -> Self:
        """A new initializer of the same configuration."""
        return type(self).from_config(self.get_config())


class Constant(Initializer):
    """The same number everywhere.

    Args:
        value: the number, or an array broadcast to the shape.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        return as_tensor(np.full(tuple(shape), as_array(self.value), dtype or np.float32))

    def get_config(self) -> dict[str, Any]:
        plain = isinstance(self.value, int | float)
        return {"value": self.value if plain else as_array(self.value).tolist()}


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        return as_tensor(np.zeros(tuple(shape), dtype or np.float32))


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        return as_tensor(np.ones(tuple(shape), dtype or np.float32))


class Identity(Initializer):
    """The identity matrix times a factor; other shapes than matrices raise ValueError.

    Args:
        gain: the factor.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"shape must be that of a matrix for Identity, not {tuple(shape)}")
        return as_tensor(self.gain * np.eye(*shape, dtype=np.float32), dtype or "float32")

    def get_config(self) -> dict[str, Any]:
        # Keras never writes the factor: the usual one is left out, so that files are the same.
        return {} if self.gain == 1.0 else {"gain": self.gain}


class _Random(Initializer):
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


class RandomUniform(_Random):
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
        return _uniform(generator, shape, self.minval, self.maxval)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class RandomNormal(_Random):
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
        return self.mean + self.stddev * _truncated_normal(generator, shape)


class VarianceScaling(_Random):
    """Random values whose variance is ``scale`` over a number of connections.

    Args:
        scale: positive factor of the variance.
        mode: "fan_in", "fan_out" or "fan_avg": inputs, outputs, or the mean of both.
        distribution: "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
        seed: integer, ``SeedGenerator`` or None.
        input_axes, output_axes: axes whose sizes multiply to the inputs and outputs; by default the
            last two, times the others.

    Raises:
        ValueError: if scale, mode or distribution is another; the message names it.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0:
            raise ValueError(f"scale must be positive, not {scale!r}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode must be 'fan_in', 'fan_out' or 'fan_avg', not {mode!r}")
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise ValueError(
                "distribution must be 'uniform', 'truncated_normal' or 'untruncated_normal', "
                f"not {distribution!r}"
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return _uniform(generator, shape, -limit, limit)
        if self.distribution == "untruncated_normal":
            return math.sqrt(variance) * generator.standard_normal(shape)
        return math.sqrt(variance) / _TRUNCATED_STDDEV * _truncated_normal(generator, shape)

    def _axes_config(self) -> dict[str, Any]:
        return {"input_axes": self.input_axes, "output_axes": self.output_axes}

    def get_config(self) -> dict[str, Any]:
        own = {"scale": self.scale, "mode": self.mode, "distribution": self.distribution}
        return {**super().get_config(), **own, **self._axes_config()}


class _NamedScaling(VarianceScaling):
    """A choice of scale, mode and distribution that bears a name."""

    _choice: tuple[float, str, str]

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._choice, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        return {**_Random.get_config(self), **self._axes_config()}


class GlorotUniform(_NamedScaling):
    """Uniform within sqrt(6 / (inputs + outputs)) (Glorot & Bengio 2010)."""

    _choice = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal of variance 2 / (inputs + outputs) (Glorot & Bengio 2010)."""

    _choice = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform within sqrt(6 / inputs) (He et al. 2015)."""

    _choice = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal of variance 2 / inputs (He et al. 2015)."""

    _choice = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform within sqrt(3 / inputs) (LeCun et al. 1998)."""

    _choice = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Truncated normal of variance 1 / inputs (LeCun et al. 1998)."""

    _choice = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_Random):
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


# Standard deviation of a standard normal distribution cut at two.
_TRUNCATED_STDDEV = 0.87962566103423978


def _uniform(
    generator: np.random.Generator, shape: tuple[int, ...], low: float, high: float
) -> Array:
    return low + (high - low) * generator.random(shape, np.float32)


def _truncated_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    values: Array = np.asarray(generator.standard_normal(shape))
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = generator.standard_normal(int(outside.sum()))
    return values


def compute_fans(
    shape: Shape,
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """Numbers of inputs and outputs of a weight: its last two axes, each times all the others."""
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


CLASSES: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (
        Initializer,
        Constant,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        Identity,
        LecunNormal,
        LecunUniform,
        Ones,
        Orthogonal,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        VarianceScaling,
        Zeros,
    )
}

constant, zeros, ones, identity = Constant, Zeros, Ones, Identity
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
orthogonal, variance_scaling = Orthogonal, VarianceScaling
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal

# The names in snake case, Keras' short names, and those that files of tf.keras 2 carry.
ALIASES: dict[str, type[Initializer]] = {
    "constant": Constant,
    "eye": Identity,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "identity": Identity,
    "IdentityInitializer": Identity,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
    "normal": RandomNormal,
    "one": Ones,
    "ones": Ones,
    "orthogonal": Orthogonal,
    "OrthogonalInitializer": Orthogonal,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "uniform": RandomUniform,
    "variance_scaling": VarianceScaling,
    "zero": Zeros,
    "zeros": Zeros,
}
_KNOWN = {**CLASSES, **ALIASES}


def get(identifier: Any) -> Any:
    """Returns the initializer that `identifier` names.

    Args:
        identifier: None (gives None), a name such as "glorot_uniform" or "GlorotUniform", a
            configuration, a class, a callable ``(shape, dtype=None)``, or an array of the values.

    Raises:
        ValueError: for an unknown name; the message lists the nearest known ones.
    """
    if isinstance(identifier, Tensor | np.ndarray | np.generic):
        return _given_values(as_array(identifier))
    return _lookup.find_object("initializer", _KNOWN, identifier)


def _given_values(values: Array) -> Callable[..., Array]:
    def initialize(shape: Shape, dtype: Any = None) -> Array:
        if tuple(shape) != values.shape:
            raise ValueError(f"shape must be that of the values, {values.shape}, not {shape}")
        return as_array(values, dtype)

    return initialize


def serialize(initializer: Any) -> Any:
    """Returns the configuration of an initializer; None for None."""
    return _lookup.write_object("initializers", CLASSES, initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` returned."""
    return _lookup.build_object(_KNOWN, config, custom_objects)


__all__ = [
    *CLASSES,
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
