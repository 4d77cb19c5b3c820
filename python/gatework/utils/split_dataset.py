"""A dataset in two parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import as_array
from ..random import numpy_generator
from ..tree import flatten, is_nested, map_structure

__all__ = ["split_dataset"]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Splits samples into a left and a right part, such as for training and testing.

    Args:
        dataset: an array, a list, tuple or dict of arrays of one length, or a PyTorch dataset or
            any object with a length and items.
        left_size, right_size: a share in (0, 1) or a number of samples; the other part is the rest
            when one is None.
        shuffle: puts the samples into a random order first.
        seed: of that order.
        preferred_backend: only None: the parts are of the kind of the dataset.

    Returns:
        Two datasets of the structure of `dataset`; of an object with items two lists of them.

    Raises:
        TypeError: for what has no length.
        ValueError: for sizes that do not fit, or arrays of different lengths.
    """
    if preferred_backend is not None:
        raise ValueError(f"preferred_backend must be None, not {preferred_backend!r}")
    arrays = is_nested(dataset) or hasattr(dataset, "__array__")
    if not arrays and not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise TypeError(
            f"dataset must be arrays or an object with a length, not {type(dataset).__name__}"
        )
    parts = map_structure(as_array, dataset) if arrays else dataset
    lengths = {len(part) for part in flatten(parts)}
    if len(lengths) != 1:
        raise ValueError(f"dataset must hold arrays of one length, not {sorted(lengths)}")
    [total] = lengths
    left, right = _sizes(left_size, right_size, total)
    order = numpy_generator(seed).permutation(total) if shuffle else np.arange(total)
    chosen = order[:left], order[total - right :]
    if arrays:
        halves = [_taken(parts, part) for part in chosen]
    else:
        halves = [[dataset[int(i)] for i in part] for part in chosen]
    return halves[0], halves[1]


def _taken(parts: Any, chosen: Any) -> Any:
    return map_structure(lambda part: part[chosen], parts)


def _sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    if left is None and right is None:
        raise ValueError("left_size or right_size must be given, not None for both")
    counts: list[int | None] = []
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            counts.append(None)
        elif isinstance(size, float) and 0 < size < 1:
            counts.append(round(size * total))
        elif isinstance(size, int) and not isinstance(size, bool) and 0 < size < total:
            counts.append(size)
        else:
            raise ValueError(f"{name} must be in (0, 1) or in 1 to {total - 1}, not {size!r}")
    first, second = counts
    first = total - (second or 0) if first is None else first
    second = total - first if second is None else second
    if first + second > total or not first or not second:
        raise ValueError(
            f"left_size and right_size must be at least 1 and at most {total} together, "
            f"not {first} and {second}"
        )
    return first, second
