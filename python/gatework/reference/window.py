"""What looks at windows over time: pooling, and convolution of each channel by itself.

Window w is the steps [begins[w], ends[w]) of x (B, T, C).
"""

import numpy as np
import numpy.typing as npt

from .array import Array

Steps = npt.NDArray[np.int64]
Winners = npt.NDArray[np.int32]


def max_pool_forward(x: Array, begins: Steps, ends: Steps) -> tuple[Array, Winners]:
    """The largest value of every window (B, W, C), and the step that holds it, the first of equal
    ones. NaN counts as the largest."""
    steps = [b + np.argmax(x[:, b:e], axis=1) for b, e in zip(begins, ends, strict=True)]
    winner = np.stack(steps, axis=1).astype(np.int32)
    return np.take_along_axis(x, winner, axis=1), winner


def average_pool_forward(x: Array, begins: Steps, ends: Steps) -> Array:
    """The mean of every window (B, W, C)."""
    means = [x[:, b:e].mean(axis=1) for b, e in zip(begins, ends, strict=True)]
    return np.stack(means, axis=1)


def pool_backward(
    begins: Steps, ends: Steps, winner: Winners | None, dy: Array, time: int
) -> Array:
    """The gradient of x (B, time, C): to the winner of each window, or to all its steps alike."""
    dx = np.zeros((dy.shape[0], time, dy.shape[2]), dy.dtype)
    for w, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        if winner is None:
            dx[:, begin:end] += dy[:, w : w + 1] / (end - begin)
        else:
            b, c = np.indices(dy[:, w].shape)
            dx[b, winner[:, w], c] += dy[:, w]
    return dx


def depthwise_forward(
    x: Array, w: Array, outputs: int, stride: int, dilation: int, left: int
) -> Array:
    """y[b, t, c] = Σ_k x[b, t·stride + k·dilation - left, c] w[k, c], x being zero outside."""
    y = np.zeros((x.shape[0], outputs, x.shape[2]), x.dtype)
    for t in range(outputs):
        for k in range(len(w)):
            step = t * stride + k * dilation - left
            if 0 <= step < x.shape[1]:
                y[:, t] += x[:, step] * w[k]
    return y


def depthwise_backward(
    x: Array, w: Array, stride: int, dilation: int, left: int, dy: Array
) -> tuple[Array, Array]:
    """The gradients of x and w."""
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for t in range(dy.shape[1]):
        for k in range(len(w)):
            step = t * stride + k * dilation - left
            if 0 <= step < x.shape[1]:
                dx[:, step] += dy[:, t] * w[k]
                dw[k] += (dy[:, t] * x[:, step]).sum(axis=0)
    return dx, dw
