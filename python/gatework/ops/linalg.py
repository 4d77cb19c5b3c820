"""Products. Those of float32 matrices run on the compiled kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ..autograd import Tensor, as_tensor, needs_gradient, record
from .broadcast import sum_to
from .shape import reshape, transpose

__all__ = ["dot", "einsum", "matmul", "tensordot"]

Array = np.ndarray


def product(a: Array, b: Array) -> Array:
    """a·b over the last two axes, with NumPy's broadcasting of the others."""
    if a.dtype != np.float32 or b.dtype != np.float32:
        return np.asarray(np.matmul(a, b))
    if b.ndim == 2 and a.ndim >= 2 and a.shape[-1] == b.shape[0]:
        rows = np.ascontiguousarray(a).reshape(-1, a.shape[-1])
        left, trans_b = _plain(b)
        return _core.gemm(rows, left, trans_b=trans_b).reshape(a.shape[:-1] + (b.shape[1],))
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        return np.asarray(np.matmul(a, b))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    out = np.empty(batch + (a.shape[-2], b.shape[-1]), np.float32)
    a = np.broadcast_to(a, batch + a.shape[-2:])
    b = np.broadcast_to(b, batch + b.shape[-2:])
    for index in np.ndindex(*batch):
        left, trans_a = _plain(a[index])
        right, trans_b = _plain(b[index])
        _core.gemm(left, right, trans_a=trans_a, trans_b=trans_b, out=out[index])
    return out


def _plain(matrix: Array) -> tuple[Array, bool]:
    """A C-contiguous matrix and whether it is the transpose of the one given."""
    if matrix.flags.c_contiguous:
        return matrix, False
    if matrix.T.flags.c_contiguous:
        return matrix.T, True
    return np.ascontiguousarray(matrix), False


def matmul(x1: Any, x2: Any) -> Tensor:
    """The matrix product over the last two axes, vectors and broadcasting as in numpy.matmul."""
    a, b = as_tensor(x1), as_tensor(x2)
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("x1 and x2 must have at least one axis, not be numbers")
    if a.ndim == 1:
        row = matmul(reshape(a, (1, -1)), b)
        return reshape(row, row.shape[:-2] + row.shape[-1:] if b.ndim > 1 else ())
    if b.ndim == 1:
        column = matmul(a, reshape(b, (-1, 1)))
        return reshape(column, column.shape[:-1])
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(
            f"x2 must have {a.shape[-1]} rows to be multiplied by x1 {a.shape}, not shape {b.shape}"
        )
    x, y = a._value, b._value

    def vjp(dy: Array) -> tuple[Array | None, Array | None]:
        dx = dw = None
        if needs_gradient(a):
            dx = sum_to(product(dy, y.swapaxes(-1, -2)), a.shape)
        if needs_gradient(b):
            if b.ndim == 2:  # one product over all leading axes instead of a sum of products
                rows, grads = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
                dw = product(rows.T, grads)
            else:
                dw = sum_to(product(x.swapaxes(-1, -2), dy), b.shape)
        return dx, dw

    return record(product(x, y), (a, b), vjp)


def tensordot(x1: Any, x2: Any, axes: int | Any = 2) -> Tensor:
    """The sum of products over the axes named, as numpy.tensordot."""
    a, b = as_tensor(x1), as_tensor(x2)
    if isinstance(axes, int):
        left, right = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        left, right = ([n] if isinstance(n, int) else list(n) for n in axes)
    left, right = [n % a.ndim for n in left], [n % b.ndim for n in right]
    free_a = [n for n in range(a.ndim) if n not in left]
    free_b = [n for n in range(b.ndim) if n not in right]
    size = int(np.prod([a.shape[n] for n in left]))
    rows = reshape(transpose(a, free_a + left), (-1, size))
    columns = reshape(transpose(b, right + free_b), (size, -1))
    shape = [a.shape[n] for n in free_a] + [b.shape[n] for n in free_b]
    return reshape(matmul(rows, columns), shape)


def dot(x1: Any, x2: Any) -> Tensor:
    """The product over the last axis of x1 and the last but one of x2, as numpy.dot."""
    a, b = as_tensor(x1), as_tensor(x2)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return tensordot(a, b, ([a.ndim - 1], [max(b.ndim - 2, 0)]))


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """A sum of products in Einstein's notation, as numpy.einsum with an explicit output.

    Raises ValueError for repeated letters within an operand or subscripts without "->".
    """
    ts = [as_tensor(x) for x in operands]
    if "->" not in subscripts or "." in subscripts:
        raise ValueError(f"subscripts must name the output after '->', not {subscripts!r}")
    inputs, output = subscripts.replace(" ", "").split("->")
    terms = inputs.split(",")
    if any(len(set(term)) != len(term) for term in [*terms, output]):
        raise ValueError(f"subscripts must not repeat a letter within one term: {subscripts!r}")
    sizes = {c: n for term, t in zip(terms, ts, strict=True) for c, n in zip(term, t.shape, strict=True)}
    value = np.einsum(subscripts, *[t._value for t in ts], optimize=True)

    def vjp(dy: Array) -> list[Array | None]:
        found: list[Array | None] = []
        for i, t in enumerate(ts):
            if not needs_gradient(t):
                found.append(None)
                continue
            others = [terms[j] for j in range(len(ts)) if j != i]
            arrays = [ts[j]._value for j in range(len(ts)) if j != i]
            reachable = set(output).union(*others) if others else set(output)
            kept = "".join(c for c in terms[i] if c in reachable)
            inner = ",".join([output, *others]) + "->" + kept
            grad = np.einsum(inner, dy, *arrays, optimize=True)
            at = tuple(k for k, c in enumerate(terms[i]) if c not in reachable)
            full = np.broadcast_to(np.expand_dims(grad, at), [sizes[c] for c in terms[i]])
            found.append(np.asarray(full, t._value.dtype))
        return found

    return record(np.asarray(value), ts, vjp)
