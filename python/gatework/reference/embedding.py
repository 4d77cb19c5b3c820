"""Embedding: rows of a table looked up by id. V rows, D columns."""

import numpy as np

from .array import Array, Integers


def check_ids(ids: Integers, rows: int, argument: str) -> None:
    """Refuses the first of ``ids`` that is not in [0, rows).

    Raises:
        ValueError: names the id and its position: an index, or a tuple of indices.
    """
    wrong = np.argwhere((ids < 0) | (ids >= rows))
    if len(wrong):
        position = tuple(wrong[0].tolist())
        where = position if len(position) > 1 else position[0] if position else 0
        raise ValueError(
            f"{argument} must be in [0, {rows}), not {ids[position]} at position {where}"
        )


def embedding_forward(table: Array, ids: Integers) -> Array:
    """y[..., :] = table[ids[...]]: table (V, D), ids of any shape.

    Raises:
        ValueError: an id is not in [0, V).
    """
    check_ids(ids, table.shape[0], "embedding ids")
    return table[ids]


def embedding_backward(ids: Integers, dy: Array, rows: int) -> Array:
    """The gradient of the table (V, D): the sum of dy (..., D) over the places of each id.

    Raises:
        ValueError: an id is not in [0, V).
    """
    check_ids(ids, rows, "embedding ids")
    dtable = np.zeros((rows, dy.shape[-1]), dy.dtype)
    np.add.at(dtable, ids, dy)
    return dtable
