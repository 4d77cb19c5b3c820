"""HDF5 read with care: nothing outside the file is reached, no size is believed unseen."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..autograd import Array

__all__ = [
    "SIGNATURE",
    "Budget",
    "checked_dataset",
    "find_group",
    "names_attribute",
    "opened",
    "text_attribute",
]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
PACKING = 4  # how far HDF5's own compression, where somebody applied it, may shrink weights
SMALL = 1 << 20  # what any file may ask for
MAX_TEXT_BYTES = 1 << 26
LONG_TEXT = 1 << 16
MAX_LONG_TEXTS = 64
_HEAP = b"GCOL"
# What h5py raises where a file is no HDF5, or contradicts itself.
_DAMAGED = (
    IndexError, KeyError, OSError, OverflowError, RuntimeError, TypeError, UnicodeError,
)  # fmt: skip


@contextlib.contextmanager
def opened(data: bytes, source: str) -> Iterator[Any]:
    """The file of these bytes; whatever HDF5 finds wrong with it is a ValueError that names it."""
    import h5py

    _check_texts(data, source)
    try:
        with h5py.File(io.BytesIO(data), "r") as h5:
            yield h5
    except _DAMAGED as error:
        raise ValueError(f"{source!r} must be a readable HDF5 file of weights: {error}") from error


def _check_texts(data: bytes, source: str) -> None:
    """Refuses a file in which long texts are referred to again and again.

    Texts of any length lie in global heaps, "GCOL" and their size, and attributes refer to a heap
    by its address. HDF5 copies a text for every reference to it, and reads all at once.
    """
    heaps = 0
    total = 0
    at = data.find(_HEAP)
    while at >= 0:
        size = int.from_bytes(data[at + 8 : at + 16], "little")
        if size > LONG_TEXT:
            heaps += 1
            total += min(size, len(data)) * data.count(at.to_bytes(8, "little"))
        if heaps > MAX_LONG_TEXTS or total > MAX_TEXT_BYTES + len(data) * PACKING:
            raise ValueError(f"{source!r} must not refer to so many long texts")
        at = data.find(_HEAP, at + 1)


class Budget:
    """Bytes that all the arrays read from one file may take together."""

    def __init__(self, data: bytes) -> None:
        self._left = len(data) * PACKING + SMALL

    def read(self, group: Any, path: str, label: str, source: str) -> Array:
        """The array at a path below a group.

        Raises:
            ValueError: for anything but a plain dataset of numbers that the budget covers.
        """
        folder, _, key = path.rpartition("/")
        if folder:
            group = find_group(group, folder, source)
            if group is None:
                raise ValueError(f"{label} is missing")
        dataset = checked_dataset(group, key, label)
        if dataset.nbytes > self._left:
            raise ValueError(
                f"{label} must not be larger than the file allows, not of shape {dataset.shape}"
            )
        self._left -= dataset.nbytes
        return np.asarray(dataset[()])


def find_group(h5: Any, path: str, source: str) -> Any:
    """A group reached over hard links only; None if there is none."""
    import h5py

    group = h5
    for part in path.split("/"):
        link = group.get(part, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{source!r} must not hold links to elsewhere: '{path}'")
        group = group[part]
        if not isinstance(group, h5py.Group):
            raise ValueError(f"{source!r} must hold a group at '{path}'")
    return group


def checked_dataset(group: Any, key: str, label: str) -> Any:
    """A dataset of numbers that lies in the file itself, not read yet.

    Args:
        group: where it is.
        key: its name there.
        label: the subject of the error sentence.

    Raises:
        ValueError: if it is missing, a link, stored elsewhere, or holds no numbers.
    """
    import h5py

    link = group.get(key, getlink=True)
    if link is None:
        raise ValueError(f"{label} is missing")
    if not isinstance(link, h5py.HardLink):
        raise ValueError(f"{label} must not be a link to elsewhere")
    dataset = group[key]
    if not isinstance(dataset, h5py.Dataset) or dataset.is_virtual or dataset.external:
        raise ValueError(f"{label} must be a plain dataset within the file")
    if dataset.dtype.kind not in "fiub" or dataset.dtype.itemsize > 8:
        raise ValueError(f"{label} must hold numbers, not {dataset.dtype}")
    return dataset


def _attribute(holder: Any, name: str, source: str) -> Any:
    """The value of an attribute that holds strings; None if there is none."""
    import h5py

    if name not in holder.attrs:
        return None
    found = h5py.h5a.open(holder.id, name.encode())
    if 0 in found.shape:  # an empty list of names may be an array of numbers
        return []
    if found.get_storage_size() > MAX_TEXT_BYTES:
        raise ValueError(
            f"attribute {name!r} of {source!r} must have at most {MAX_TEXT_BYTES} bytes, "
            f"not {found.get_storage_size()}"
        )
    if found.dtype.kind != "S" and h5py.check_string_dtype(found.dtype) is None:
        raise ValueError(f"attribute {name!r} of {source!r} must hold text, not {found.dtype}")
    return holder.attrs[name]


def text_attribute(holder: Any, name: str, source: str) -> str | None:
    """A string kept as an attribute of a group or of the file; None if there is none."""
    value = _attribute(holder, name, source)
    if value is None:
        return None
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise ValueError(f"attribute {name!r} of {source!r} must be one text, not {type(value)}")
    return value


def names_attribute(holder: Any, name: str, source: str) -> list[str]:
    """A list of strings kept as an attribute, or, where it is long, as name0, name1, ..."""
    parts = [_attribute(holder, name, source)]
    if parts[0] is None:
        parts = []
        while (part := _attribute(holder, f"{name}{len(parts)}", source)) is not None:
            parts.append(part)
        if not parts:
            raise ValueError(f"{source!r} must have an attribute {name!r} at '{holder.name}'")
    flat = [item for part in parts for item in np.atleast_1d(np.asarray(part, object)).tolist()]
    return [item.decode() if isinstance(item, bytes) else str(item) for item in flat]
