"""Where batches come from: arrays, a PyDataset, a loader, or a generator.

Every source has `num_batches` (None when unknown), `restartable`, and `batches(epoch, skip)`, an
iterator of batches `x`, `(x, y)` or `(x, y, sample_weight)` whose leaves are tensors.
"""

from __future__ import annotations

from typing import Any

from ..preprocessing.py_dataset import PyDataset
from .array_source import ArraySource
from .arrays import holds_arrays, to_arrays
from .expected import Expected
from .iterable_source import IterableSource
from .no_numbers import refuse_strings

Source = ArraySource | IterableSource


def get_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict[Any, float] | None = None,
    sparse_labels: bool = False,
    expected: Expected | None = None,
    any_order: bool = False,
) -> Source:
    """Returns the source of batches for what a user passed.

    Raises:
        ValueError: for data of the wrong shape, or labels beside a source that has its own.
        TypeError: for data that is none of the kinds known.
    """
    if x is None:
        raise ValueError("x must be given, not None")
    if holds_arrays(x):
        for name, part in (("y", y), ("sample_weight", sample_weight)):
            if part is not None and not holds_arrays(part):
                refuse_strings(part, name)
                raise TypeError(f"{name} must be an array, not {type(part).__name__}")
        return ArraySource(
            x, y, sample_weight, batch_size, shuffle, class_weight, sparse_labels, expected,
            any_order,
        )  # fmt: skip
    if isinstance(x, str | bytes) or not (hasattr(x, "__iter__") or isinstance(x, PyDataset)):
        raise TypeError(
            f"x must be arrays, a generator, a PyDataset or a loader, not {type(x).__name__}"
        )
    if isinstance(x, list | tuple | dict):
        # Neither numbers nor arrays inside: let the conversion say which item is wrong.
        refuse_strings(x, "x")
        to_arrays(x, "x")
    for name, part in (("y", y), ("sample_weight", sample_weight)):
        if part is not None:
            raise ValueError(
                f"{name} must not be given beside a {type(x).__name__}, which yields its own"
            )
    return IterableSource(x, shuffle, class_weight, sparse_labels, expected)
