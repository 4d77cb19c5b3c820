"""Elementwise arithmetic, comparisons and selection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _core
from ..autograd import Array, Tensor, Variable, as_array, as_tensor, needs_gradient, record, wrap
from ..autograd.adding import add_large_arrays_by, added
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
    "floor_divide",
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
    "logical_xor",
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

Slope = Callable[[Array], Array]

# Infinities and NaNs come out as IEEE 754 says, without NumPy's warnings. The tape computes all
# gradients under the same rule.
_quiet = np.errstate(all="ignore")

add_large_arrays_by(_core.add)


def _pair(a: Tensor, b: Tensor, value: Array, da: Slope | None, db: Slope | None) -> Tensor:
    """The result of an operation on two tensors; ``da`` and ``db`` turn dy into their gradients."""
    shape_a, shape_b = a.shape, b.shape
    da = da if needs_gradient(a) else None  # frees what the closure of one not needed would keep
    db = db if needs_gradient(b) else None
    if da is None and db is None:
        return wrap(value)

    def vjp(dy: Array) -> tuple[Array | None, Array | None]:
        return (
            None if da is None else sum_to(da(dy), shape_a),
            None if db is None else sum_to(db(dy), shape_b),
        )

    return record(value, (a, b), vjp)


def _same(dy: Array) -> Array:
    return dy


def _opposite(dy: Array) -> Array:
    return np.asarray(-dy)


@_quiet
def add(x1: Any, x2: Any) -> Tensor:
    """x1 + x2"""
    a, b = binary_operands(x1, x2)
    return _pair(a, b, added(a._value, b._value), _same, _same)


@_quiet
def subtract(x1: Any, x2: Any) -> Tensor:
    """x1 - x2"""
    a, b = binary_operands(x1, x2)
    return _pair(a, b, np.subtract(a._value, b._value), _same, _opposite)


@_quiet
def multiply(x1: Any, x2: Any) -> Tensor:
    """x1 * x2"""
    a, b = binary_operands(x1, x2)
    x, y = a._value, b._value
    return _pair(a, b, np.multiply(x, y), lambda dy: dy * y, lambda dy: dy * x)


@_quiet
def divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2; integers are divided as float32."""
    a, b = binary_operands(x1, x2)
    if a._value.dtype.kind != "f":
        a, b = as_tensor(a, "float32"), as_tensor(b, "float32")
    y = b._value
    value = np.divide(a._value, y)
    return _pair(a, b, value, lambda dy: dy / y, lambda dy: -dy * value / y)


true_divide = divide


@_quiet
def power(x1: Any, x2: Any) -> Tensor:
    """x1 ** x2; a negative power of an integer is computed as float32."""
    a, b = binary_operands(x1, x2)
    if b._value.dtype.kind == "i" and np.any(b._value < 0):
        a, b = as_tensor(a, "float32"), as_tensor(b, "float32")
    x, y = a._value, b._value
    value = np.power(x, y)

    def dx(dy: Array) -> Array:
        # x ** 0 is 1 everywhere, so its slope is 0 also where x ** -1 is infinite.
        slope: Array = np.where(y == 0, x.dtype.type(0), y * np.power(x, y - 1))
        return dy * slope

    def de(dy: Array) -> Array:
        slope: Array = np.where(x > 0, value * np.log(x), x.dtype.type(0))
        return dy * slope

    return _pair(a, b, value, dx, de)


@_quiet
def mod(x1: Any, x2: Any) -> Tensor:
    """The remainder of x1 / x2 with the sign of x2."""
    a, b = binary_operands(x1, x2)
    x, y = a._value, b._value
    return _pair(a, b, np.mod(x, y), _same, lambda dy: -dy * np.floor_divide(x, y))


@_quiet
def floor_divide(x1: Any, x2: Any) -> Tensor:
    """The largest whole number not above x1 / x2; no gradient."""
    a, b = binary_operands(x1, x2)
    return wrap(np.floor_divide(a._value, b._value))


def _choose(x1: Any, x2: Any, value: Any, first: Any) -> Tensor:
    a, b = binary_operands(x1, x2)
    out = value(a._value, b._value)
    if not (needs_gradient(a) or needs_gradient(b)):
        return wrap(out)
    takes_first = first(a._value, b._value)
    return _pair(a, b, out, lambda dy: dy * takes_first, lambda dy: dy * ~takes_first)


def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger of both, NaN where either is; at a tie the gradient goes to x1."""
    return _choose(x1, x2, np.maximum, np.greater_equal)


def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller of both, NaN where either is; at a tie the gradient goes to x1."""
    return _choose(x1, x2, np.minimum, np.less_equal)


@_quiet
def _unary(x: Any, value: Callable[[Array], Array], slope: Callable[[Array, Array], Any]) -> Tensor:
    """An elementwise function of one argument: ``slope(x, y)`` is its derivative."""
    t = as_tensor(x)
    v = t._value if t._value.dtype.kind == "f" else t._value.astype(np.float32)
    y = np.asarray(value(v))
    return record(y, (t,), lambda dy: (dy * slope(v, y),))


def negative(x: Any) -> Tensor:
    """-x"""
    t = as_tensor(x)
    return record(-t._value, (t,), lambda dy: (-dy,))


def abs(x: Any) -> Tensor:
    """The absolute value; its slope at zero is zero."""
    t = as_tensor(x)
    v = t._value
    return record(np.abs(v), (t,), lambda dy: (dy * np.sign(v),))


absolute = abs


@_quiet
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
    return wrap(np.sign(as_array(x)))


def floor(x: Any) -> Tensor:
    """The largest whole number not above x; no gradient."""
    return wrap(np.floor(as_array(x)))


def ceil(x: Any) -> Tensor:
    """The smallest whole number not below x; no gradient."""
    return wrap(np.ceil(as_array(x)))


def round(x: Any, decimals: int = 0) -> Tensor:
    """x rounded half to even; no gradient."""
    return wrap(np.round(as_array(x), decimals))


def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """x limited to [x_min, x_max]; the gradient passes where x lies inside. NaN stays."""
    t = as_tensor(x)
    v = t._value
    low, high = as_array(x_min, v.dtype), as_array(x_max, v.dtype)
    value = np.clip(v, low, high)
    if not needs_gradient(t):
        return wrap(value)
    inside, shape = (v >= low) & (v <= high), t.shape
    return record(value, (t,), lambda dy: (sum_to(dy * inside, shape),))


def _predicate(function: Any, doc: str) -> Callable[[Any, Any], Tensor]:
    def predicate(x1: Any, x2: Any) -> Tensor:
        return wrap(function(as_array(x1), as_array(x2)))

    predicate.__name__ = predicate.__qualname__ = function.__name__
    predicate.__doc__ = doc
    return predicate


equal = _predicate(np.equal, "Where x1 = x2.")
not_equal = _predicate(np.not_equal, "Where x1 and x2 differ; NaN differs from everything.")
less = _predicate(np.less, "Where x1 < x2.")
less_equal = _predicate(np.less_equal, "Where x1 ≤ x2.")
greater = _predicate(np.greater, "Where x1 > x2.")
greater_equal = _predicate(np.greater_equal, "Where x1 ≥ x2.")
logical_and = _predicate(np.logical_and, "Where both are true (not zero).")
logical_or = _predicate(np.logical_or, "Where either is true (not zero).")
logical_xor = _predicate(np.logical_xor, "Where exactly one is true (not zero).")


def logical_not(x: Any) -> Tensor:
    """Where x is false (zero)."""
    return wrap(np.logical_not(as_array(x)))


def isnan(x: Any) -> Tensor:
    """Where x is not a number."""
    return wrap(np.isnan(as_array(x)))


def isinf(x: Any) -> Tensor:
    """Where x is infinite."""
    return wrap(np.isinf(as_array(x)))


def isfinite(x: Any) -> Tensor:
    """Where x is a finite number."""
    return wrap(np.isfinite(as_array(x)))


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, else x2; with the condition alone, the indices where it holds.

    The value that is not chosen gets no gradient, whatever it is: a NaN there stays without effect.

    Raises:
        ValueError: only one of ``x1`` and ``x2`` is given.
    """
    chosen = as_array(condition, "bool")
    if x1 is None and x2 is None:
        return tuple(wrap(index) for index in np.nonzero(chosen))
    if x1 is None or x2 is None:
        raise ValueError("x1 and x2 must be given both or not at all, not one of them")
    a, b = binary_operands(x1, x2)
    zero = a._value.dtype.type(0)
    return _pair(
        a,
        b,
        np.where(chosen, a._value, b._value),
        lambda dy: np.where(chosen, dy, zero),
        lambda dy: np.where(chosen, zero, dy),
    )


@_quiet
def cast(x: Any, dtype: Any) -> Tensor:
    """x as another dtype; the gradient passes between floating-point types."""
    t = as_tensor(x)
    before, after = t._value.dtype, np.dtype(dtype)
    if before == after:
        return t
    value = t._value.astype(after)
    if before.kind != "f" or after.kind != "f":
        return wrap(value)
    return record(value, (t,), lambda dy: (dy.astype(before),))


def stop_gradient(variable: Any) -> Tensor:
    """The same value, through which no gradient passes."""
    value = as_array(variable)
    return wrap(value.copy() if isinstance(variable, Variable) else value)
