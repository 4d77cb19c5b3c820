"""Normalization of the rows and of the columns of a matrix (N, D)."""

import numpy as np

from .array import Array


def row_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, epsilon: float, centered: bool
) -> tuple[Array, Array | None, Array]:
    """y = (x - m) r γ + β, r = 1 / √(mean((x - m)²) + ε), m = mean(x) (Ba et al. 2016) or 0
    (Zhang & Sennrich 2019). Returns (y, m (N,) or None, r (N,))."""
    mean = x.mean(axis=1) if centered else None
    d = x if mean is None else x - mean[:, None]
    rstd: Array = 1 / np.sqrt((d * d).mean(axis=1) + epsilon)
    y = d * rstd[:, None] * (1 if gamma is None else gamma) + (0 if beta is None else beta)
    return y, mean, rstd


def row_norm_backward(
    x: Array, gamma: Array | None, mean: Array | None, rstd: Array, dy: Array
) -> tuple[Array, Array, Array]:
    """The gradients of (x, γ, β): with z = (x - m) r and g = dy γ,
    dx = r (g - mean(g) - z mean(g z)), the first mean only where x was centered."""
    z = (x if mean is None else x - mean[:, None]) * rstd[:, None]
    g = dy if gamma is None else dy * gamma
    offset = 0 if mean is None else g.mean(axis=1, keepdims=True)
    dx = rstd[:, None] * (g - offset - z * (g * z).mean(axis=1, keepdims=True))
    return dx, (dy * z).sum(axis=0), dy.sum(axis=0)


def column_moments(x: Array, mask: Array | None, divisor: float) -> tuple[Array, Array]:
    """Mean and variance (D,) over the rows that mask (N,) keeps, sums divided by ``divisor``."""
    kept = np.ones(len(x), bool) if mask is None else mask
    mean = x[kept].sum(axis=0) / divisor
    return mean, ((x[kept] - mean) ** 2).sum(axis=0) / divisor


def column_norm_forward(x: Array, mean: Array, factor: Array, shift: Array) -> Array:
    """(x - mean) factor + shift, each (D,) (Ioffe & Szegedy 2015)."""
    return (x - mean) * factor + shift


def column_norm_backward(
    x: Array,
    mean: Array,
    rstd: Array,
    gamma: Array | None,
    mask: Array | None,
    divisor: float,
    dy: Array,
) -> tuple[Array, Array, Array]:
    """The gradients of (x, γ, β) of (x - mean) rstd γ + β. With a divisor the statistics are those
    of ``column_moments``: every row it kept moves them."""
    z = (x - mean) * rstd
    dgamma, dbeta = (dy * z).sum(axis=0), dy.sum(axis=0)
    moved = np.zeros_like(x)
    if divisor > 0:
        kept = np.ones(len(x), bool) if mask is None else mask
        moved[kept] = (dbeta + z[kept] * dgamma) / divisor
    return rstd * (1 if gamma is None else gamma) * (dy - moved), dgamma, dbeta
