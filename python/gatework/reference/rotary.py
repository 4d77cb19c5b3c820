"""Rotary position embedding (Su et al. 2021, "RoFormer")."""

import numpy as np

from .array import Array


def rotary_angles(
    positions: Array, features: int, max_wavelength: float, scaling_factor: float
) -> Array:
    """θ[..., i] = position / scaling_factor / max_wavelength^(2i / features), i < features / 2."""
    frequency = max_wavelength ** -(np.arange(0, features, 2) / features)
    return positions[..., np.newaxis] / scaling_factor * frequency


def rotary(x: Array, cosine: Array, sine: Array, inverse: bool = False) -> Array:
    """Turns the pairs (x[..., i], x[..., i + D/2]) of x (B, T, N, D) by θ (B or 1, T, D/2).

    ``inverse`` turns back, which is the gradient.
    """
    first, second = np.split(x, 2, axis=-1)
    c, s = cosine[:, :, np.newaxis], (-sine if inverse else sine)[:, :, np.newaxis]
    return np.concatenate([first * c - second * s, second * c + first * s], axis=-1)
