"""Tables and columns (of pandas, or of its interface) as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_table(value: Any) -> bool:
    """True for a data frame, a series or an index."""
    return hasattr(value, "to_numpy") and (hasattr(value, "dtypes") or hasattr(value, "dtype"))


def table_to_array(value: Any, name: str) -> Any:
    """The values of a table `(rows, columns)` or of a column `(rows,)`; missing ones become NaN.

    A column of lists stays one: an array of objects.

    Raises:
        TypeError: for a column that holds no numbers; the message names it.
    """
    columns = getattr(value, "columns", None)
    if columns is None:
        return _numbers(value) if _is_numeric(value.dtype) else value.to_numpy()
    for column, dtype in zip(columns, value.dtypes, strict=True):
        if not _is_numeric(dtype):
            raise TypeError(
                f"{name}[{column!r}] must hold numbers, not {dtype}: encode the column first"
            )
    return _numbers(value)


def _is_numeric(dtype: Any) -> bool:
    return getattr(dtype, "kind", "") in tuple("biuf") or bool(
        getattr(dtype, "is_numeric", lambda: False)()
    )


def _numbers(value: Any) -> Any:
    array = value.to_numpy()
    # Booleans beside numbers, or missing values, give objects.
    return array if array.dtype.kind in "biuf" else value.to_numpy(np.float64, na_value=np.nan)
