"""The matrix product and the dense layer."""

from .activations import activation as find_activation
from .array import Array


def gemm(
    a: Array, b: Array, trans_a: bool = False, trans_b: bool = False, bias: Array | None = None
) -> Array:
    """op(a) op(b) + bias for 2-D a and b; op transposes where asked."""
    c: Array = (a.T if trans_a else a) @ (b.T if trans_b else b)
    return c if bias is None else c + bias


def column_sum(x: Array) -> Array:
    """Σ_n x[n, :] of x (N, C)."""
    total: Array = x.sum(axis=0)
    return total


def dense_forward(
    x: Array, kernel: Array, bias: Array | None, activation: str
) -> tuple[Array, Array]:
    """y = φ(a), a = x W + b: x (N, I), W (I, H), b (H,). Returns (y, a), both (N, H)."""
    pre = gemm(x, kernel, bias=bias)
    return find_activation(activation).value(pre), pre


def dense_backward(
    x: Array, kernel: Array, pre: Array, dy: Array, activation: str
) -> tuple[Array, Array, Array]:
    """The gradients of (x, kernel, bias) given dy (N, H) and the ``pre`` of the forward pass."""
    da = dy * find_activation(activation).slope(pre)
    return gemm(da, kernel, trans_b=True), gemm(x, da, trans_a=True), column_sum(da)
