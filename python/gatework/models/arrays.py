"""What users give as data, made into arrays and checked before any training starts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor, as_array
from ..tree import flatten, is_nested, map_structure

Array = npt.NDArray[Any]


def is_array_like(value: Any) -> bool:
    """True for what converts to an array by itself: arrays, tensors, data frames, sparse arrays."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        # A NumPy number converts as well, but in a list it is a number among others.
        return not isinstance(value, np.generic)
    return hasattr(value, "shape") and (hasattr(value, "__array__") or hasattr(value, "toarray"))


def holds_arrays(value: Any) -> bool:
    """True for arrays, nests of arrays, and lists of numbers."""
    if isinstance(value, dict):
        return bool(value) and all(holds_arrays(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(map(_belongs_in_array, value))
    return is_array_like(value)


def _belongs_in_array(item: Any) -> bool:
    """True for a number, an array, or a list that begins with such: long lists stay cheap."""
    if isinstance(item, list | tuple):
        return not item or _belongs_in_array(item[0])
    return isinstance(item, int | float | np.number | np.bool_) or holds_arrays(item)


def _nests_arrays(value: Any) -> bool:
    """True for a list of several inputs, False for a list of numbers or of lists of them."""
    return any(
        _nests_arrays(item[:1]) if isinstance(item, list | tuple) else holds_arrays(item)
        for item in value
    )


def to_arrays(value: Any, name: str) -> Any:
    """Converts each leaf of `value` to a NumPy array, keeping the nest.

    A list whose items are arrays is a nest of several inputs; a list of numbers, or of lists of
    them, is one array.

    Raises:
        TypeError: for data that is not numeric.
        ValueError: for sequences of unequal length, or numbers without a sample axis.
    """
    if isinstance(value, dict):
        return {key: to_arrays(item, f"{name}[{key!r}]") for key, item in value.items()}
    if isinstance(value, list | tuple) and _nests_arrays(value):
        items = [to_arrays(item, f"{name}[{i}]") for i, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    return _to_array(value, name)


def _to_array(value: Any, name: str) -> Array:
    if hasattr(value, "toarray"):
        value = value.toarray()
    elif hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, list | tuple):
        try:
            value = np.asarray(value)
        except ValueError as error:
            raise ValueError(
                f"{name} must hold sequences of one length, not of several; "
                "make them equal with pad_sequences"
            ) from error
    array: Array = value if isinstance(value, np.ndarray) else as_array(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, not {array.dtype}")
    if array.ndim == 0:
        raise ValueError(f"{name} must have a sample axis, not be the single number {array}")
    return array


def count_samples(**named: Any) -> int:
    """Returns the common length of all arrays.

    Raises:
        ValueError: when they differ; the message names the argument and both lengths.
    """
    first_name, expected = "", -1
    for name, value in named.items():
        for array in flatten(value):
            if array is None:
                continue
            if expected < 0:
                first_name, expected = name, len(array)
            elif len(array) != expected:
                raise ValueError(
                    f"{name} must have as many samples as {first_name} ({expected}), "
                    f"not {len(array)}"
                )
    return max(expected, 0)


def take(value: Any, chosen: slice | Array) -> Any:
    """Returns the chosen samples of each array: views for a slice, copies for indices."""
    if isinstance(value, np.ndarray):
        if isinstance(chosen, slice) or not value.flags.c_contiguous:
            return value[chosen]
        return value.take(chosen, axis=0)  # quicker, but copies all of a strided array first
    if is_nested(value):
        return map_structure(lambda leaf: take(leaf, chosen), value)
    return value


def split_validation(
    x: Any, y: Any, sample_weight: Any, validation_split: float
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """Splits off the last `validation_split` of the samples, before any shuffling.

    Raises:
        ValueError: when the data is not in arrays, or one part would be empty.
    """
    if not 0 <= validation_split < 1:
        raise ValueError(f"validation_split must be in [0, 1), not {validation_split!r}")
    if not all(holds_arrays(part) for part in (x, y, sample_weight) if part is not None):
        raise ValueError(
            f"validation_split must be used with arrays, not {type(x).__name__}; "
            "pass validation_data instead"
        )
    parts = [
        None if part is None else to_arrays(part, name)
        for part, name in ((x, "x"), (y, "y"), (sample_weight, "sample_weight"))
    ]
    total = count_samples(x=parts[0], y=parts[1], sample_weight=parts[2])
    at = math.floor(total * (1.0 - validation_split))
    if at in (0, total):
        raise ValueError(
            f"validation_split must leave samples on both sides, not {at} and {total - at} "
            f"of {total}"
        )
    before, after = slice(None, at), slice(at, None)
    train = tuple(take(part, before) for part in parts)
    held = tuple(take(part, after) for part in parts)
    return (train[0], train[1], train[2]), (held[0], held[1], held[2])


def class_weights(y: Any, class_weight: dict[Any, float], sparse: bool = False) -> Array:
    """Returns the weight of each sample by its class; classes without a weight have 1.

    Args:
        y: labels: class indices, or one-hot in the last axis.
        class_weight: class index -> weight.
        sparse: labels of more than one axis are class indices per step, not one-hot.
    """
    labels = as_array(y)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    elif labels.ndim > 1 and not sparse:
        labels = labels.argmax(axis=-1)
    classes, index = np.unique(np.rint(labels).astype(np.int64), return_inverse=True)
    weights = np.array([class_weight.get(int(c), 1.0) for c in classes], np.float32)
    return weights[index.reshape(labels.shape)]
