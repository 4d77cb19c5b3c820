"""What users give as data, made into arrays and checked before any training starts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor, as_array, as_tensor
from ..tree import flatten, is_nested, map_structure
from .expected import Expected
from .no_numbers import no_numbers, refuse_strings
from .ragged import Ragged, lengths_differ
from .sparse import by_rows, is_sparse
from .tables import is_table, table_to_array

Array = npt.NDArray[Any]


def is_array_like(value: Any) -> bool:
    """True for what converts to an array by itself: arrays, tensors, data frames, sparse arrays."""
    if isinstance(value, Tensor | np.ndarray | np.generic | Ragged):
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


def to_arrays(
    value: Any, name: str, expected: Expected | None = None, samples: int | None = None
) -> Any:
    """Converts each leaf of `value` to a NumPy array, keeping the nest.

    A list whose items are arrays is a nest of several inputs, unless their lengths differ or the
    model takes such arrays one by one: then they are sequences, as lists of unequal length are, and
    become a `Ragged`. Sparse matrices stay sparse. A list of numbers, or of lists of them, is one
    array.

    Args:
        value: what the user gave.
        name: the argument, for messages.
        expected: what the model takes; given for inputs.
        samples: how many sequences the inputs are; given for labels and weights beside such inputs.

    Raises:
        TypeError: for data that is not numeric.
        ValueError: for numbers without a sample axis, or steps of different shapes.
    """
    if isinstance(value, dict):
        return {
            key: to_arrays(item, f"{name}[{key!r}]", samples=samples) for key, item in value.items()
        }
    if isinstance(value, list | tuple) and _nests_arrays(value):
        if not _are_sequences(value, expected, samples):
            items = [to_arrays(item, f"{name}[{i}]") for i, item in enumerate(value)]
            return items if isinstance(value, list) else tuple(items)
        value = [as_array(item) if is_array_like(item) else item for item in value]
    return _to_array(value, name)


def _are_sequences(
    items: list[Any] | tuple[Any, ...], expected: Expected | None, samples: int | None
) -> bool:
    """Tells arrays that are the sequences of one input from the arrays of several inputs."""
    inputs = None if expected is None else expected.inputs
    if inputs is not None and len(inputs) > 1:
        return False
    if not all(map(is_array_like, items)):
        # Samples whose steps are arrays; or several inputs in such lists, which are equally long.
        return inputs is not None or lengths_differ(items)
    if inputs is not None:
        return len(items[0].shape) == len(inputs[0]) - 1
    if samples is not None and len(items) == samples and len(items) > 1:
        return True
    return lengths_differ(items) and len({tuple(item.shape[1:]) for item in items}) == 1


def _to_array(value: Any, name: str) -> Any:
    if isinstance(value, Ragged):
        return value
    if is_sparse(value):
        return by_rows(value, name)
    if is_table(value):
        value = table_to_array(value, name)
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(f"{name} must hold a number everywhere, not masked values: fill them first")
    if isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 1:
        value = value.tolist()
    if isinstance(value, list | tuple):
        refuse_strings(value, name)
        if lengths_differ(value):
            return Ragged.of(value, name)
        try:
            value = np.asarray(value)
        except ValueError as error:
            raise ValueError(
                f"{name} must hold sequences whose steps have one shape, not several"
            ) from error
    array: Array = value if isinstance(value, np.ndarray) else as_array(value)
    if array.dtype.kind not in "biuf":
        raise no_numbers(name, array.dtype)
    if array.ndim == 0:
        raise ValueError(f"{name} must have a sample axis, not be the single number {array}")
    return array


def to_tensors(value: Any) -> Any:
    """Tensors of the arrays of one batch: padded with a mask, or made dense, where need be."""
    return map_structure(_to_tensor, value)


def _to_tensor(leaf: Any) -> Any:
    if leaf is None:
        return None
    if isinstance(leaf, Ragged):
        return leaf.tensor()
    return as_tensor(leaf.toarray() if is_sparse(leaf) else leaf)


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
            count = array.shape[0] if is_sparse(array) else len(array)
            if expected < 0:
                first_name, expected = name, count
            elif count != expected:
                raise ValueError(
                    f"{name} must have as many samples as {first_name} ({expected}), not {count}"
                )
    return max(expected, 0)


def take(value: Any, chosen: slice | Array) -> Any:
    """Returns the chosen samples of each array: views for a slice, copies for indices."""
    if isinstance(value, np.ndarray):
        if isinstance(chosen, slice) or not value.flags.c_contiguous:
            return value[chosen]
        return value.take(chosen, axis=0)  # quicker, but copies all of a strided array first
    if isinstance(value, Ragged) or is_sparse(value):
        return value[chosen]
    if is_nested(value):
        return map_structure(lambda leaf: take(leaf, chosen), value)
    return value


def convert_parts(
    x: Any, y: Any, sample_weight: Any, expected: Expected | None = None
) -> tuple[Any, Any, Any]:
    """Inputs, labels and weights as nests of arrays of one length.

    Raises:
        TypeError, ValueError: see `to_arrays` and `count_samples`.
    """
    inputs = to_arrays(x, "x", expected)
    if is_nested(inputs) and len(inputs) == 1 and expected is not None and expected.single:
        [inputs] = flatten(inputs)
    in_list = isinstance(x, list | tuple) and not is_nested(inputs)
    samples = count_samples(x=inputs) if in_list else None
    if expected is not None:
        expected.check_lengths(inputs)
    labels, weights = (
        None if part is None else to_dense(to_arrays(part, name, samples=samples))
        for part, name in ((y, "y"), (sample_weight, "sample_weight"))
    )
    count_samples(x=inputs, y=labels, sample_weight=weights)
    return inputs, labels, weights


def to_dense(value: Any) -> Any:
    """Sparse matrices made dense: labels and weights are looked at as a whole."""
    return map_structure(lambda leaf: leaf.toarray() if is_sparse(leaf) else leaf, value)


def split_validation(
    x: Any,
    y: Any,
    sample_weight: Any,
    validation_split: float,
    expected: Expected | None = None,
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
    parts = convert_parts(x, y, sample_weight, expected)
    total = count_samples(x=parts[0])
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


def class_weights(y: Any, class_weight: dict[Any, float], sparse: bool = False) -> Any:
    """Returns the weight of each sample by its class; classes without a weight have 1.

    Args:
        y: labels: class indices, or one-hot in the last axis.
        class_weight: class index -> weight.
        sparse: labels of more than one axis are class indices per step, not one-hot.
    """
    if isinstance(y, Ragged):
        return y.with_values(class_weights(y.values, class_weight, sparse))
    labels = as_array(y)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    elif labels.ndim > 1 and not sparse:
        labels = labels.argmax(axis=-1)
    classes, index = np.unique(np.rint(labels).astype(np.int64), return_inverse=True)
    weights = np.array([class_weight.get(int(c), 1.0) for c in classes], np.float32)
    return weights[index.reshape(labels.shape)]
