"""Making, rearranging and picking from tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..autograd import Array, Tensor, Variable, as_array, as_tensor, record, record_many, wrap
from .broadcast import normalize_axes, normalize_axis, sum_to

__all__ = [
    "arange",
    "broadcast_to",
    "concatenate",
    "expand_dims",
    "flip",
    "full",
    "getitem",
    "moveaxis",
    "one_hot",
    "ones",
    "ones_like",
    "pad",
    "repeat",
    "reshape",
    "shape",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "take",
    "tile",
    "transpose",
    "unstack",
    "zeros",
    "zeros_like",
]


def _rearranged(t: Tensor, value: Array, back: Callable[[Array], Array]) -> Tensor:
    """A result that holds the values of ``t``; ``back`` brings its gradient into their place.

    NumPy often returns a view. Of a variable that must be a copy: its array is written to in place.
    """
    if isinstance(t, Variable):
        value = value.copy(order="K")
    return record(value, (t,), lambda dy: (back(dy),))


def _alike(xs: Sequence[Any]) -> list[Tensor]:
    """Tensors of one dtype, where integers beside floats become floats of that type."""
    ts = [as_tensor(x) for x in xs]
    if not ts:
        raise ValueError("xs must hold at least one tensor, not none")
    floats = [t._value.dtype for t in ts if t._value.dtype.kind == "f"]
    if floats and len({t._value.dtype for t in ts}) > 1:
        return [as_tensor(t, np.result_type(*floats)) for t in ts]
    return ts


def shape(x: Any) -> tuple[int, ...]:
    """The shape as a tuple; of a symbolic tensor, None where a size is unknown."""
    found = getattr(x, "shape", None)
    return as_array(x).shape if found is None else tuple(found)


def zeros(shape: Sequence[int], dtype: Any = "float32") -> Tensor:
    """A tensor of zeros."""
    return wrap(np.zeros(shape, dtype))


def ones(shape: Sequence[int], dtype: Any = "float32") -> Tensor:
    """A tensor of ones."""
    return wrap(np.ones(shape, dtype))


def full(shape: Sequence[int], fill_value: Any, dtype: Any = "float32") -> Tensor:
    """A tensor of one value."""
    return wrap(np.full(shape, as_array(fill_value), dtype))


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of the shape and dtype of x."""
    return wrap(np.zeros_like(as_array(x), dtype))


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones of the shape and dtype of x."""
    return wrap(np.ones_like(as_array(x), dtype))


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Tensor:
    """Evenly spaced values from start (or zero) to below stop."""
    start, stop = (0, start) if stop is None else (start, stop)
    values: Array = np.arange(start, stop, step, dtype=dtype)
    return wrap(values) if dtype is not None else as_tensor(values)


def reshape(x: Any, newshape: int | Sequence[int]) -> Tensor:
    """The same values in another shape; one size may be -1."""
    t = as_tensor(x)
    shape = t.shape
    return _rearranged(t, t._value.reshape(newshape), lambda dy: dy.reshape(shape))


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order, reversed by default."""
    t = as_tensor(x)
    inverse = None if axes is None else np.argsort([a % t.ndim for a in axes])
    return _rearranged(t, t._value.transpose(axes), lambda dy: dy.transpose(inverse))


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged."""
    t = as_tensor(x)
    value = t._value.swapaxes(axis1, axis2)
    return _rearranged(t, value, lambda dy: dy.swapaxes(axis1, axis2))


def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places."""
    t = as_tensor(x)
    value = np.moveaxis(t._value, source, destination)
    return _rearranged(t, value, lambda dy: np.moveaxis(dy, destination, source))


def expand_dims(x: Any, axis: int | Sequence[int]) -> Tensor:
    """New axes of size one."""
    t = as_tensor(x)
    shape = t.shape
    return _rearranged(t, np.expand_dims(t._value, axis), lambda dy: dy.reshape(shape))


def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """Without axes of size one: all of them, or those named."""
    t = as_tensor(x)
    axes = None if axis is None else normalize_axes(axis, t.ndim)
    shape = t.shape
    return _rearranged(t, t._value.squeeze(axes), lambda dy: dy.reshape(shape))


def broadcast_to(x: Any, shape: Sequence[int]) -> Tensor:
    """x repeated to a shape by NumPy's rules."""
    t = as_tensor(x)
    value = np.broadcast_to(t._value, tuple(shape))
    old = t.shape
    return _rearranged(t, value, lambda dy: sum_to(dy, old))


def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors one after another along an existing axis."""
    ts = _alike(xs)
    axis = normalize_axis(axis, ts[0].ndim)
    value = np.concatenate([t._value for t in ts], axis=axis)
    ends = np.cumsum([t.shape[axis] for t in ts])[:-1]
    return record(value, ts, lambda dy: np.split(dy, ends, axis=axis))


def stack(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors side by side along a new axis."""
    ts = _alike(xs)
    value = np.stack([t._value for t in ts], axis=axis)
    return record(value, ts, lambda dy: list(np.moveaxis(dy, axis, 0)))


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Equal parts along an axis, or the parts between indices."""
    t = as_tensor(x)
    axis = normalize_axis(axis, t.ndim)
    size = t.shape[axis]
    if isinstance(indices_or_sections, int):
        if indices_or_sections < 1 or size % indices_or_sections:
            raise ValueError(
                f"indices_or_sections must divide the axis's size {size}, not {indices_or_sections}"
            )
        step = size // indices_or_sections
        bounds = list(range(0, size + 1, step)) if step else [0] * (indices_or_sections + 1)
    else:
        bounds = [0, *indices_or_sections, size]
    before = (slice(None),) * axis
    return [getitem(t, (*before, slice(a, b))) for a, b in pairwise(bounds)]


def unstack(x: Any, axis: int = 0) -> list[Tensor]:
    """The slices along an axis, without it."""
    t = as_tensor(x)
    axis = normalize_axis(axis, t.ndim)
    value = t._value.copy() if isinstance(t, Variable) else t._value
    parts = np.moveaxis(value, axis, 0)

    def vjp(dys: tuple[Array | None, ...]) -> list[Array]:
        dx = np.zeros(value.shape, value.dtype)
        for part, dy in zip(np.moveaxis(dx, axis, 0), dys, strict=True):
            if dy is not None:
                part[...] = dy
        return [dx]

    return list(record_many(list(parts), (t,), vjp))


def getitem(x: Any, key: Any) -> Tensor:
    """x[key] with NumPy's rules for slices, integers, masks and index arrays."""
    t = as_tensor(x)
    parts = key if isinstance(key, tuple) else (key,)
    basic = all(k is None or k is Ellipsis or isinstance(k, int | slice) for k in parts)
    if not basic:  # copied, for the caller may change an index before the gradient is computed
        parts = tuple(np.array(k) if isinstance(k, _INDICES) else k for k in parts)
    shape = t.shape

    def back(dy: Array) -> Array:
        dx = np.zeros(shape, dy.dtype)
        if basic:
            dx[parts] = dy
        else:
            np.add.at(dx, parts, dy)
        return dx

    return _rearranged(t, np.asarray(t._value[parts]), back)


_INDICES = (Tensor, list, np.ndarray)


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The entries at indices along an axis, or of the flattened array."""
    t = as_tensor(x)
    if axis is None:
        return take(t.reshape(-1), indices, 0)
    before = (slice(None),) * normalize_axis(axis, t.ndim)
    return getitem(t, (*before, as_array(indices)))


def flip(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """The order reversed along axes, all by default."""
    t = as_tensor(x)
    axes = normalize_axes(axis, t.ndim)
    return _rearranged(t, np.flip(t._value, axes), lambda dy: np.flip(dy, axes))


def pad(x: Any, pad_width: Any, constant_values: float = 0.0) -> Tensor:
    """Constants added before and after each axis: ``pad_width`` as in numpy.pad."""
    t = as_tensor(x)
    widths = np.broadcast_to(np.asarray(pad_width), (t.ndim, 2))
    inner = tuple(slice(int(a), int(a) + n) for (a, _), n in zip(widths, t.shape, strict=True))
    value = np.pad(t._value, widths, constant_values=constant_values)
    return record(value, (t,), lambda dy: (dy[inner],))


def tile(x: Any, repeats: int | Sequence[int]) -> Tensor:
    """x repeated as a whole along its axes."""
    t = as_tensor(x)
    counts = (repeats,) if isinstance(repeats, int) else tuple(repeats)
    counts = (1,) * (t.ndim - len(counts)) + counts
    old = (1,) * (len(counts) - t.ndim) + t.shape
    value = np.tile(t._value, counts)
    grid = [n for pair in zip(counts, old, strict=True) for n in pair]
    return record(
        value,
        (t,),
        lambda dy: (dy.reshape(grid).sum(axis=tuple(range(0, len(grid), 2))).reshape(t.shape),),
    )


def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
    """Every entry along an axis, or of the flattened array, repeated: all alike or each its own."""
    t = as_tensor(x)
    if axis is None:
        return repeat(t.reshape(-1), repeats, 0)
    at = normalize_axis(axis, t.ndim)
    if not isinstance(repeats, int):
        return take(t, np.repeat(np.arange(t.shape[at]), as_array(repeats)), at)
    grid = t.shape[: at + 1] + (repeats,) + t.shape[at + 1 :]
    value = np.repeat(t._value, repeats, axis=at)
    return record(value, (t,), lambda dy: (dy.reshape(grid).sum(axis=at + 1),))


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = "float32") -> Tensor:
    """A one at each index and zeros elsewhere; an index out of range gives zeros only."""
    indices = as_array(x)
    hot = (indices[..., None] == np.arange(num_classes)).astype(dtype)
    return wrap(hot if axis == -1 else np.moveaxis(hot, -1, axis))
