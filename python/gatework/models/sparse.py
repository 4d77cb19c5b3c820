"""Sparse matrices (of SciPy, or of its interface): rows become dense only batch by batch."""

from __future__ import annotations

from typing import Any

from .no_numbers import no_numbers


def is_sparse(value: Any) -> bool:
    """True for a sparse matrix or sparse array."""
    return hasattr(value, "toarray") and hasattr(value, "tocsr")


def by_rows(value: Any, name: str) -> Any:
    """The matrix in the form in which rows are taken quickly.

    Raises:
        TypeError: for other than numbers.
    """
    if value.dtype.kind not in "biuf":
        raise no_numbers(name, value.dtype)
    return value.tocsr()
