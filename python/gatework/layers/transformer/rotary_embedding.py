"""Positions as rotations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import ops
from ...autograd import Array, Tensor, as_tensor
from ...ops.broadcast import normalize_axis
from ..arguments import positive_int, positive_number
from ..base import Layer
from ..stepping import not_stepwise
from .keras_hub import of_keras_hub
from .positions import with_positions

__all__ = ["RotaryEmbedding"]

ROPE_TYPES = ("linear", "dynamic", "yarn")


@of_keras_hub
class RotaryEmbedding(Layer):
    """Turns the pair of features i and i + size / 2 by position / max_wavelength^(2i / size) (Su et
    al. 2021). Name and arguments are those of KerasHub.

    Called with inputs that have an axis of time and an even number of features, such as (batch,
    time, features) or (batch, time, heads, features); returns the same shape. Further arguments of
    the call: ``start_index``, the position of the first step, a number or one for each row of the
    batch; ``positions`` (time,) or (batch, time), in place of counting from there.

    Args:
        max_wavelength: of the pair that turns most slowly, over 2π.
        scaling_factor: how many times longer sequences are than those trained on.
        rope_type: what that changes: "linear": positions are divided by it; "dynamic": by it to the
            power of size / (size - 2); "yarn": those of slow pairs only, and the outputs grow by
            0.1 ln(scaling_factor) + 1 (Peng et al. 2023).
        beta_fast, beta_slow: "yarn" leaves pairs alone that turn more often than the first within
            ``original_max_position_embeddings`` steps, and divides wholly for those that turn less
            often than the second.
        original_max_position_embeddings: the length trained on.
        truncate: whether the pairs between are bounded by whole numbers.
        sequence_axis, feature_axis: the axes of time and features.
        denominator_dim: in place of size in the exponent.

    Raises:
        ValueError: for another ``rope_type``, a number that is not positive, an axis the inputs do
            not have, or an odd number of features.
    """

    def __init__(
        self,
        max_wavelength: float = 10000,
        scaling_factor: float = 1.0,
        rope_type: str = "linear",
        beta_fast: float = 32.0,
        beta_slow: float = 1.0,
        original_max_position_embeddings: int = 4096,
        truncate: bool = True,
        sequence_axis: int = 1,
        feature_axis: int = -1,
        denominator_dim: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if rope_type not in ROPE_TYPES:
            raise ValueError(f"rope_type must be one of {ROPE_TYPES}, not {rope_type!r}")
        self.max_wavelength = positive_number("max_wavelength", max_wavelength)
        self.scaling_factor = positive_number("scaling_factor", scaling_factor)
        self.rope_type = rope_type
        self.beta_fast = positive_number("beta_fast", beta_fast)
        self.beta_slow = positive_number("beta_slow", beta_slow)
        self.original_max_position_embeddings = positive_int(
            "original_max_position_embeddings", original_max_position_embeddings
        )
        self.truncate = bool(truncate)
        self.sequence_axis = sequence_axis
        self.feature_axis = feature_axis
        self.denominator_dim = denominator_dim
        if denominator_dim is not None:
            positive_int("denominator_dim", denominator_dim)
        self.built = True

    def call(self, inputs: Any, start_index: Any = 0, positions: Any = None) -> Tensor:
        x = as_tensor(inputs)
        time = normalize_axis(self.sequence_axis, x.ndim)
        features = normalize_axis(self.feature_axis, x.ndim)
        size = x.shape[features]
        if time == features or x.ndim < 3:
            raise ValueError(
                f"inputs of {self.name} must have axes for batch, time and features, "
                f"not shape {x.shape} with axes {self.sequence_axis} and {self.feature_axis}"
            )
        if size % 2:
            raise ValueError(
                f"inputs of {self.name} must have an even number of features, not {size}"
            )
        moved = ops.moveaxis(x, (features, time), (-1, 1))
        batch, steps = moved.shape[:2]
        heads = math.prod(moved.shape[2:-1])
        turned = ops.rotary_embedding(
            ops.reshape(moved, (batch, steps, heads, size)),
            start_index=start_index,
            positions=positions,
            frequencies=self._frequencies(size),
        )
        if self.rope_type == "yarn":
            turned = ops.multiply(turned, 0.1 * math.log(self.scaling_factor) + 1.0)
        return ops.moveaxis(ops.reshape(turned, moved.shape), (-1, 1), (features, time))

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        super().initial_cache(batch_size, max_length)
        if self.sequence_axis != 1:
            raise not_stepwise(self, "its axis of time is not the one behind the batch's")
        return 0

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        return with_positions(self, inputs, cache, args, kwargs)

    def _frequencies(self, size: int) -> Array:
        """The angles per step of all pairs."""
        pairs = np.arange(0, size, 2)
        if self.rope_type == "yarn":
            return self._yarn(float(self.max_wavelength) ** -(pairs / size), size)
        exponent = size / max(1, size - 2) if self.rope_type == "dynamic" else 1.0
        slowest = float(self.max_wavelength) ** -(pairs / (self.denominator_dim or size))
        found: Array = slowest / self.scaling_factor**exponent
        return found

    def _yarn(self, plain: Array, size: int) -> Array:
        """Fast pairs as they are, slow ones slowed down, those between partly."""

        def pair_that_turns(times: float) -> float:
            wavelength = self.original_max_position_embeddings / (times * 2 * math.pi)
            return size * math.log(wavelength) / (2 * math.log(self.max_wavelength))

        low, high = pair_that_turns(self.beta_fast), pair_that_turns(self.beta_slow)
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, size - 1)
        slowed = np.clip((np.arange(size // 2) - low) / max(high - low, 0.001), 0, 1)
        found: Array = plain * (1 - slowed) + plain / self.scaling_factor * slowed
        return found

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return tuple(inputs_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_wavelength": self.max_wavelength,
            "scaling_factor": self.scaling_factor,
            "rope_type": self.rope_type,
            "beta_fast": self.beta_fast,
            "beta_slow": self.beta_slow,
            "original_max_position_embeddings": self.original_max_position_embeddings,
            "truncate": self.truncate,
            "sequence_axis": self.sequence_axis,
            "feature_axis": self.feature_axis,
            "denominator_dim": self.denominator_dim,
        }
