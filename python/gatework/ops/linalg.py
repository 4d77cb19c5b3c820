"""Products. Those of float32 matrices run on the compiled kernel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _core
from ..autograd import Array, Tensor, as_tensor, needs_gradient, record, wrap
from .broadcast import binary_operands, normalize_axes, sum_to
from .math import multiply
from .precision import precision
from .reduce import sum
from .shape import reshape, transpose

__all__ = ["dot", "einsum", "matmul", "tensordot"]


def product(a: Array, b: Array, bf16: bool = False) -> Array:
    """a·b over the last two axes of both, with NumPy's broadcasting of the others.

    With ``bf16``, float32 operands are rounded to bfloat16.
    """
    if a.dtype != np.float32 or b.dtype != np.float32 or 0 in a.shape or 0 in b.shape:
        return np.asarray(np.matmul(a, b))
    if b.ndim == 2:
        rows, trans_a = _plain(a) if a.ndim == 2 else (_matrix(a), False)
        right, trans_b = _plain(b)
        flat: Array = _core.gemm(rows, right, trans_a=trans_a, trans_b=trans_b, bf16=bf16)
        return flat.reshape(a.shape[:-1] + (b.shape[1],))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    out = np.empty(batch + (a.shape[-2], b.shape[-1]), np.float32)
    a = np.broadcast_to(a, batch + a.shape[-2:])
    b = np.broadcast_to(b, batch + b.shape[-2:])
    for index in np.ndindex(*batch):
        left, trans_a = _plain(a[index])
        right, trans_b = _plain(b[index])
        _core.gemm(left, right, trans_a=trans_a, trans_b=trans_b, out=out[index], bf16=bf16)
    return out


def _matrix(x: Array) -> Array:
    """All axes but the last as one: (..., n) becomes (rows, n)."""
    return np.ascontiguousarray(x).reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _plain(matrix: Array) -> tuple[Array, bool]:
    """A C-contiguous matrix and whether it is the transpose of the one given."""
    if matrix.flags.c_contiguous:
        return matrix, False
    if matrix.T.flags.c_contiguous:
        return matrix.T, True
    return np.ascontiguousarray(matrix), False


def matmul(x1: Any, x2: Any) -> Tensor:
    """The matrix product over the last two axes, vectors and broadcasting as in numpy.matmul."""
    a, b = binary_operands(x1, x2)
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
    shape_x, shape_y = a.shape, b.shape
    bf16 = precision.bf16
    value = product(x, y, bf16)
    for_x = y if needs_gradient(a) else None  # what each gradient needs, and nothing else
    for_y = x if needs_gradient(b) else None
    if for_x is None and for_y is None:
        return wrap(value)

    def vjp(dy: Array) -> tuple[Array | None, Array | None]:
        dx = dw = None
        if for_x is not None:
            dx = sum_to(product(dy, for_x.swapaxes(-1, -2), bf16), shape_x)
        if for_y is not None:
            if len(shape_y) == 2:  # one product over all leading axes, not a sum of products
                dw = product(_matrix(for_y).T, _matrix(dy), bf16)
            else:
                dw = sum_to(product(for_y.swapaxes(-1, -2), dy, bf16), shape_y)
        return dx, dw

    return record(value, (a, b), vjp)


def tensordot(x1: Any, x2: Any, axes: int | Any = 2) -> Tensor:
    """The sum of products over the axes named, as numpy.tensordot."""
    a, b = as_tensor(x1), as_tensor(x2)
    if isinstance(axes, int):
        axes = (range(-axes, 0), range(axes))
    left, right = normalize_axes(axes[0], a.ndim), normalize_axes(axes[1], b.ndim)
    summed = [a.shape[n] for n in left]
    if summed != [b.shape[n] for n in right]:
        raise ValueError(
            f"x2 must have size {', '.join(map(str, summed))} along the axes summed over, "
            f"not {', '.join(str(b.shape[n]) for n in right)}"
        )
    free_a = [n for n in range(a.ndim) if n not in left]
    free_b = [n for n in range(b.ndim) if n not in right]
    rows, columns = [a.shape[n] for n in free_a], [b.shape[n] for n in free_b]
    depth = math.prod(summed)
    x = reshape(transpose(a, [*free_a, *left]), (math.prod(rows), depth))
    y = reshape(transpose(b, [*right, *free_b]), (depth, math.prod(columns)))
    return reshape(matmul(x, y), rows + columns)


def dot(x1: Any, x2: Any) -> Tensor:
    """The product over the last axis of x1 and the last but one of x2, as numpy.dot."""
    a, b = as_tensor(x1), as_tensor(x2)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return tensordot(a, b, ([a.ndim - 1], [max(b.ndim - 2, 0)]))


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """A sum of products in Einstein's notation, as numpy.einsum with an explicit output.

    Operands are taken in pairs from the left, each pair as one (batched) matrix product.

    Raises:
        ValueError: ``subscripts`` does not name its output, repeats a letter within a term, uses an
            ellipsis, or does not fit the operands.
    """
    ts = [as_tensor(x) for x in operands]
    terms, output = _terms(subscripts, ts)
    term, t = terms[0], ts[0]
    for i in range(1, len(ts)):
        kept = output + "".join(terms[i + 1 :])
        term, t = _contract(term, t, terms[i], ts[i], kept)
    term, t = _summed(term, t, output)
    return transpose(t, [term.index(c) for c in output])


def _terms(subscripts: str, ts: list[Tensor]) -> tuple[list[str], str]:
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow or "." in subscripts:
        raise ValueError(f"subscripts must name the output after '->', not {subscripts!r}")
    if any(len(set(term)) != len(term) for term in [*terms, output]):
        raise ValueError(f"subscripts must not repeat a letter within one term: {subscripts!r}")
    if len(terms) != len(ts):
        raise ValueError(f"subscripts must have one term per operand ({len(ts)}), not {len(terms)}")
    sizes: dict[str, int] = {}
    for term, t in zip(terms, ts, strict=True):
        if len(term) != t.ndim:
            raise ValueError(f"term '{term}' must have one letter per axis of shape {t.shape}")
        for c, n in zip(term, t.shape, strict=True):
            if sizes.setdefault(c, n) != n:
                raise ValueError(f"letter '{c}' must have one size, not {sizes[c]} and {n}")
    for c in output:
        if c not in sizes:
            raise ValueError(f"output letter '{c}' must occur in an operand")
    return terms, output


def _summed(term: str, t: Tensor, kept: str) -> tuple[str, Tensor]:
    """Without the axes whose letters nobody needs."""
    gone = [i for i, c in enumerate(term) if c not in kept]
    return ("".join(c for c in term if c in kept), sum(t, gone)) if gone else (term, t)


def _contract(ta: str, a: Tensor, tb: str, b: Tensor, kept: str) -> tuple[str, Tensor]:
    """The product of two operands, summed over the letters that are not kept."""
    ta, a = _summed(ta, a, kept + tb)
    tb, b = _summed(tb, b, kept + ta)
    size = dict(zip(ta + tb, a.shape + b.shape, strict=True))
    batch = [c for c in ta if c in tb and c in kept]
    inner = [c for c in ta if c in tb and c not in kept]
    left = [c for c in ta if c not in tb]
    right = [c for c in tb if c not in ta]

    def shape(*groups: list[str]) -> list[int]:
        return [size[c] for group in groups for c in group]

    a = transpose(a, [ta.index(c) for c in batch + left + inner])
    b = transpose(b, [tb.index(c) for c in batch + inner + right])
    if inner and (left or right):
        rows, depth, columns = (math.prod(shape(g)) for g in (left, inner, right))
        x = reshape(a, [*shape(batch), rows, depth])
        y = reshape(b, [*shape(batch), depth, columns])
        t = matmul(x, y)
    else:  # one of many small products: elementwise
        ones = [1] * len(right), [1] * len(left)
        t = multiply(
            reshape(a, shape(batch, left, inner) + ones[0]),
            reshape(b, shape(batch) + ones[1] + shape(inner, right)),
        )
        t = sum(t, list(range(len(batch), t.ndim))) if inner else t
    return "".join(batch + left + right), reshape(t, shape(batch, left, right))
