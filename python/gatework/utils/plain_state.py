"""Nests of numbers, strings and arrays as bytes, without pickle."""

from __future__ import annotations

import io
import json
import math
import zipfile
from typing import Any

import numpy as np

__all__ = ["pack_state", "unpack_state"]

_ARRAY = "array in this file"


def pack_state(state: Any) -> bytes:
    """A nest of dictionaries, lists, numbers, strings and arrays as bytes.

    Raises:
        TypeError: for anything else.
    """
    arrays: dict[str, Any] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            name = f"a{len(arrays)}"
            arrays[name] = value
            return {_ARRAY: name}
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return value

    text = json.dumps(plain(state))
    buffer = io.BytesIO()
    np.savez(buffer, state=np.frombuffer(text.encode(), np.uint8), **arrays)
    return buffer.getvalue()


def unpack_state(data: bytes) -> Any:
    """What `pack_state` was given; tuples have become lists.

    Raises:
        ValueError: for damaged bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            arrays = {
                info.filename.removesuffix(".npy"): _read_array(file, info)
                for info in file.infolist()
            }
        return _full(json.loads(arrays["state"].tobytes()), arrays)
    except (
        EOFError, KeyError, NotImplementedError, OSError, RecursionError, RuntimeError, ValueError,
        zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise ValueError(f"data must be a whole saved state: {error}") from error


def _read_array(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    """An array whose size is that of the bytes there are: what a header says takes no memory."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{info.filename!r} must be stored as it is")
    content = io.BytesIO(file.read(info))
    version = np.lib.format.read_magic(content)
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, fortran_order, dtype = read_header(content)
    count = math.prod(shape)
    if dtype.hasobject or count * dtype.itemsize != len(content.getbuffer()) - content.tell():
        raise ValueError(f"{info.filename!r} must hold {count} values of {dtype}")
    array = np.frombuffer(content.getbuffer()[content.tell() :], dtype, count)
    return array.reshape(shape, order="F" if fortran_order else "C").copy()


def _full(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if _ARRAY in value:
            return arrays[value[_ARRAY]]
        return {key: _full(item, arrays) for key, item in value.items()}
    return [_full(item, arrays) for item in value] if isinstance(value, list) else value
