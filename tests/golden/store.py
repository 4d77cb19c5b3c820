"""One compressed file for many small arrays beside the JSON that describes them.

A `.npz` member costs a few hundred bytes, so thousands of tiny members would weigh more than their
numbers. Here every float array lies in one flat float32 member, `data`; the JSON in the other
member, `index`, names each by `{"@": [offset, *shape]}`. Equal arrays are stored once, which lets
every case carry its own weights and inputs at no cost.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent


class Writer:
    """Collects a tree of dicts, lists, scalars and arrays, and writes it as one file."""

    def __init__(self) -> None:
        self._chunks: list[np.ndarray] = []
        self._offsets: dict[bytes, int] = {}
        self._size = 0

    def _pack(self, node: Any) -> Any:
        if isinstance(node, dict):
            return {key: self._pack(value) for key, value in node.items()}
        if isinstance(node, (list, tuple)):
            return [self._pack(value) for value in node]
        if isinstance(node, np.ndarray) and node.dtype.kind == "f":
            return {"@": [self._store(node.astype(np.float32)), *node.shape]}
        if isinstance(node, (np.ndarray, np.generic)):
            return node.tolist()
        return node

    def _store(self, array: np.ndarray) -> int:
        key = array.tobytes()
        if key not in self._offsets:
            self._offsets[key] = self._size
            self._chunks.append(array.reshape(-1))
            self._size += array.size
        return self._offsets[key]

    def write(self, path: Path, tree: Any) -> int:
        """Writes `tree` to `path`; returns the size of the file in bytes."""
        text = json.dumps(self._pack(tree), separators=(",", ":"))
        flat = np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.float32)
        index = np.frombuffer(text.encode(), np.uint8)
        np.savez_compressed(path, index=index, data=flat)
        return path.stat().st_size


def read(name: str) -> Any:
    """The tree in `name` beside this file, its arrays restored as float32."""
    with np.load(FOLDER / name, allow_pickle=False) as archive:
        data = archive["data"]
        tree = json.loads(archive["index"].tobytes())

    def unpack(node: Any) -> Any:
        if isinstance(node, list):
            return [unpack(value) for value in node]
        if not isinstance(node, dict):
            return node
        if set(node) == {"@"}:
            offset, *shape = node["@"]
            return data[offset : offset + int(np.prod(shape))].reshape(shape).copy()
        return {key: unpack(value) for key, value in node.items()}

    return unpack(tree)
