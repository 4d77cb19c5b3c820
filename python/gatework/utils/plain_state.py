"""Nests of numbers, strings and arrays as bytes, without pickle."""

from __future__ import annotations

import io
import json
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
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        state = json.loads(arrays["state"].tobytes())
    except (zipfile.BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
        raise ValueError(f"data must be a whole saved state: {error}") from error

    def full(value: Any) -> Any:
        if isinstance(value, dict):
            if _ARRAY in value:
                return arrays[value[_ARRAY]]
            return {key: full(item) for key, item in value.items()}
        return [full(item) for item in value] if isinstance(value, list) else value

    return full(state)
