"""Elementwise arithmetic, comparisons and selection."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd import Tensor, as_array, as_tensor, is_recording, needs_gradient, record
from .broadcast import binary_operands, sum_to

__all__ = [
    "abs",
    "absolute",
    "add",
    "cast",
    "ceil",
    "clip",
    "cos",
    "divide",
    "equal",
    "exp",
    "expm1",
    "floor",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "logical_and",
    "logical_not",
    "logical_or",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "not_equal",
    "power",
    "reciprocal",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sqrt",
    "square",
    "stop_gradient",
    "subtract",
    "true_divide",
    "where",
]

Array = np.ndarray


def _pair(
    a: Tensor, b: Tensor, value: Array, da: Callable[[Array], Array], db: Callable[[Array], Array]
) -> Tensor:
    def vjp(dy: Array) -> tuple[Array | None, Array | None]:
        return (
            sum_to(da(dy), a.shape) if needs_gradient(a) else None,
            sum_to(db(dy), b.shape) if needs_gradient(b) else None,
        )

    return record(value, (a, b), vjp)


def add(x1: Any, x2: Any) -> Tensor:
    """x1 + x2"""
    a, b = binary_operands(x1, x2)
    return _pair(a, b, a._value + b._value, lambda dy: dy, lambda dy: dy)


def subtract(x1: Any, x2: Any) -> Tensor:
    """x1 - x2"""
    a, b = binary_operands(x1, x2)
    return _pair(a, b, np.subtract(a._value, b._value), lambda dy: dy, np.negative)


def multiply(x1: Any, x2: Any) -> Tensor:
    """x1 * x2"""
    a, b = binary_operands(x1, x2)
    x, y = a._value, b._value
    return _pair(a, b, x * y, lambda dy: dy * y, lambda dy: dy * x)


def divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2; integers are divided as float32."""
    a, b = binary_operands(x1, x2)
    x, y = a._value, b._value
    if x.dtype.kind != "f" and y.dtype.kind != "f":
        x, y = x.astype(np.float32), y.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.divide(x, y, dtype=np.float32)
    return _pair(a, b, value, lambda dy: dy / y, lambda dy: -dy * value / y)


true_divide = divide


def power(x1: Any, x2: Any) -> Tensor:
    """x1 ** x2"""
    a, b = binary_operands(x1, x2)
    x, y = a._value, b._value
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.power(x, y)

    def dx(dy: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return dy * np.where(y == 0, 0, y * np.power(x, y - 1)).astype(dy.dtype)

    def de(dy: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return dy * np.where(x > 0, value * np.log(np.maximum(x, 1e-45)), 0).astype(dy.dtype)

    return _pair(a, b, value, dx, de)


def mod(x1: Any, x2: Any) -> Tensor:
    """The remainder of x1 / x2 with the sign of x2."""
    a, b = binary_operands(x1, x2)
    x, y = a._value, b._value
    return _pair(
        a, b, np.mod(x, y), lambda dy: dy, lambda dy: -dy * np.floor_divide(x, y).astype(dy.dtype)
    )


def _choose(x1: Any, x2: Any, value: Callable[..., Array], first: Callable[..., Array]) -> Tensor:
    a, b = binary_operands(x1, x2)
    x, y = a._value, b._value
    out = value(x, y)
    if not is_recording(a, b):
        return as_tensor(out)
    takes_first = first(x, y)
    return _pair(a, b, out, lambda dy: dy * takes_first, lambda dy: dy * ~takes_first)


def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger of both, NaN where either is; at a tie the gradient goes to x1."""
    return _choose(x1, x2, np.maximum, np.greater_equal)


def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller of both, NaN where either is; at a tie the gradient goes to x1."""
    return _choose(x1, x2, np.minimum, np.less_equal)


def _unary(x: Any, value: Callable[[Array], Array], slope: Callable[[Array, Array], Any]) -> Tensor:
    """An elementwise function of one argument: ``slope(x, y)`` is its derivative."""
    t = as_tensor(x)
    v = t._value if t._value.dtype.kind == "f" else t._value.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        y = value(v)

    def vjp(dy: Array) -> tuple[Array]:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return (dy * slope(v, y),)

    return record(y, (t,), vjp)


def negative(x: Any) -> Tensor:
    """-x"""
    t = as_tensor(x)
    return record(-t._value, (t,), lambda dy: (-dy,))


def abs(x: Any) -> Tensor:
    """The absolute value; its slope at zero is zero."""
    t = as_tensor(x)
    return record(np.abs(t._value), (t,), lambda dy: (dy * np.sign(t._value),))


absolute = abs


def square(x: Any) -> Tensor:
    """x²"""
    t = as_tensor(x)
    v = t._value
    return record(v * v, (t,), lambda dy: (dy * (2 * v),))


def sqrt(x: Any) -> Tensor:
    """The square root, NaN below zero."""
    return _unary(x, np.sqrt, lambda _, y: 0.5 / y)


def rsqrt(x: Any) -> Tensor:
    """1 / sqrt(x)"""
    return _unary(x, lambda v: 1 / np.sqrt(v), lambda v, y: -0.5 * y / v)


def reciprocal(x: Any) -> Tensor:
    """1 / x"""
    return _unary(x, lambda v: 1 / v, lambda _, y: -y * y)


def exp(x: Any) -> Tensor:
    """e^x"""
    return _unary(x, np.exp, lambda _, y: y)


def expm1(x: Any) -> Tensor:
    """e^x - 1"""
    return _unary(x, np.expm1, lambda _, y: y + 1)


def log(x: Any) -> Tensor:
    """The natural logarithm: -inf at zero, NaN below."""
    return _unary(x, np.log, lambda v, _: 1 / v)


def log1p(x: Any) -> Tensor:
    """log(1 + x)"""
    return _unary(x, np.log1p, lambda v, _: 1 / (1 + v))


def sin(x: Any) -> Tensor:
    """The sine of an angle in radians."""
    return _unary(x, np.sin, lambda v, _: np.cos(v))


def cos(x: Any) -> Tensor:
    """The cosine of an angle in radians."""
    return _unary(x, np.cos, lambda v, _: -np.sin(v))


def sign(x: Any) -> Tensor:
    """-1, 0 or 1; no gradient."""
    return as_tensor(np.sign(as_array(x)))


def floor(x: Any) -> Tensor:
    """The largest whole number not above x; no gradient."""
    return as_tensor(np.floor(as_array(x)))


def ceil(x: Any) -> Tensor:
    """The smallest whole number not below x; no gradient."""
    return as_tensor(np.ceil(as_array(x)))


def round(x: Any, decimals: int = 0) -> Tensor:
    """x rounded half to even; no gradient."""
    return as_tensor(np.round(as_array(x), decimals))


def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """x limited to [x_min, x_max]; the gradient passes inside of it only. NaN stays."""
    t = as_tensor(x)
    v = t._value
    low, high = as_array(x_min).astype(v.dtype), as_array(x_max).astype(v.dtype)
    return record(np.clip(v, low, high), (t,), lambda dy: (dy * ((v >= low) & (v <= high)),))


def _compare(function: Callable[[Array, Array], Array]) -> Callable[[Any, Any], Tensor]:
    def compare(x1: Any, x2: Any) -> Tensor:
        a, b = binary_operands(x1, x2)
        return as_tensor(function(a._value, b._value))

    compare.__name__ = function.__name__
    compare.__doc__ = f"Elementwise {function.__name__.replace('_', ' ')}, as booleans."
    return compare


equal = _compare(np.equal)
not_equal = _compare(np.not_equal)
less = _compare(np.less)
less_equal = _compare(np.less_equal)
greater = _compare(np.greater)
greater_equal = _compare(np.greater_equal)
logical_and = _compare(np.logical_and)
logical_or = _compare(np.logical_or)


def logical_not(x: Any) -> Tensor:
    """Elementwise not, as booleans."""
    return as_tensor(np.logical_not(as_array(x)))


def isnan(x: Any) -> Tensor:
    """Where x is not a number."""
    return as_tensor(np.isnan(as_array(x)))


def isinf(x: Any) -> Tensor:
    """Where x is infinite."""
    return as_tensor(np.isinf(as_array(x)))


def isfinite(x: Any) -> Tensor:
    """Where x is a finite number."""
    return as_tensor(np.isfinite(as_array(x)))


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, else x2; with the condition alone, the indices where it holds."""
    chosen = as_array(condition).astype(builtins.bool, copy=False)
    if x1 is None and x2 is None:
        return tuple(as_tensor(index) for index in np.nonzero(chosen))
    a, b = binary_operands(x1, x2)
    return _pair(
        a,
        b,
        np.where(chosen, a._value, b._value),
        lambda dy: np.where(chosen, dy, 0).astype(dy.dtype, copy=False),
        lambda dy: np.where(chosen, 0, dy).astype(dy.dtype, copy=False),
    )


def cast(x: Any, dtype: Any) -> Tensor:
    """x as another dtype; the gradient passes between floating-point types."""
    t = as_tensor(x)
    wanted = np.dtype(dtype)
    if t._value.dtype == wanted:
        return t
    value = t._value.astype(wanted)
    if wanted.kind != "f" or t._value.dtype.kind != "f":
        return Tensor(value, wanted)
    return record(value, (t,), lambda dy: (dy.astype(t._value.dtype),))


def stop_gradient(variable: Any) -> Tensor:
    """The same value, through which no gradient passes."""
    return Tensor(as_array(variable))
