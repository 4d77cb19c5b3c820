"""The bytes of an ONNX file, and the arrays in it, checked before anything is allocated."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ....utils.files import open_file
from ..library import load_onnx

__all__ = ["read_array", "read_proto"]

LARGEST_FILE = (1 << 31) - 1  # protobuf's own bound

# Names of element types, the NumPy type of raw data, the field of values that are not raw and the
# values per entry of the field.
FIELDS: dict[str, tuple[str, str]] = {
    "FLOAT": ("<f4", "float_data"),
    "DOUBLE": ("<f8", "double_data"),
    "FLOAT16": ("<f2", "int32_data"),
    "INT64": ("<i8", "int64_data"),
    "INT32": ("<i4", "int32_data"),
    "INT16": ("<i2", "int32_data"),
    "INT8": ("<i1", "int32_data"),
    "UINT8": ("<u1", "int32_data"),
    "UINT16": ("<u2", "int32_data"),
    "BOOL": ("|b1", "int32_data"),
}


def read_proto(source: Any) -> tuple[Any, Path | None]:
    """The model of a file, of bytes or of a ``ModelProto``; and the folder of the file.

    Raises:
        ValueError: if it is no ONNX model.
        FileNotFoundError: if there is no such file.
    """
    onnx = load_onnx()
    if isinstance(source, onnx.ModelProto):
        return source, None
    folder = None
    if isinstance(source, (bytes, bytearray, memoryview)):
        label, data = "the bytes", bytes(source)
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source)
        label, data = repr(os.fspath(source)), _read_file(path)
        folder = path.resolve().parent
    else:
        raise ValueError(
            f"source must be a path, bytes or an onnx.ModelProto, not {type(source).__name__}"
        )
    if not data:
        raise ValueError(f"{label} must be an ONNX model, not empty")
    try:
        proto = onnx.ModelProto.FromString(data)
    except Exception as error:  # protobuf's classes of errors differ between its versions
        raise ValueError(f"{label} must be an ONNX model: {error}") from error
    return proto, folder


def _read_file(path: Path) -> bytes:
    """The file's bytes, read once: what was checked is what is used."""
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST_FILE:
            raise ValueError(f"{str(path)!r} must have at most {LARGEST_FILE} bytes, not {size}")
        return file.read()


def read_array(tensor: Any, folder: Path | None) -> np.ndarray:
    """The values of a ``TensorProto``.

    Args:
        tensor: the tensor.
        folder: where files beside the model may lie; None if there is no such place.

    Raises:
        ValueError: if the sizes are negative, do not fit the data, or the data lies elsewhere.
    """
    onnx = load_onnx()
    label = f"tensor '{tensor.name}'"
    known = onnx.TensorProto.DataType
    kind = known.Name(tensor.data_type) if tensor.data_type in known.values() else "UNDEFINED"
    if kind not in FIELDS:
        raise ValueError(f"{label} must have a type of {', '.join(FIELDS)}, not {kind}")
    dtype, field = np.dtype(FIELDS[kind][0]), FIELDS[kind][1]
    dims = list(tensor.dims)
    if len(dims) > 32 or any(size < 0 for size in dims):
        raise ValueError(f"sizes of {label} must not be negative nor more than 32, not {dims[:33]}")
    count = math.prod(dims)  # of Python's integers: it does not overflow
    if tensor.HasField("segment"):
        raise ValueError(f"{label} must be whole, not a segment")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raw = _external(tensor, folder, count * dtype.itemsize)
    elif tensor.HasField("raw_data"):
        raw = tensor.raw_data
    else:
        values = getattr(tensor, field)
        if len(values) != count:
            raise ValueError(f"{label} of sizes {dims} must have {count} values, not {len(values)}")
        array = np.array(values, np.uint16 if kind == "FLOAT16" else dtype)
        return array.view(dtype).reshape(dims) if kind == "FLOAT16" else array.reshape(dims)
    if len(raw) != count * dtype.itemsize:
        raise ValueError(
            f"{label} of sizes {dims} must have {count * dtype.itemsize} bytes, not {len(raw)}"
        )
    array = np.frombuffer(raw, dtype).reshape(dims)
    return array.astype(dtype.newbyteorder("="))


def _external(tensor: Any, folder: Path | None, size: int) -> bytes:
    """Data in a file beside the model, never of any other."""
    label = f"tensor '{tensor.name}'"
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if folder is None:
        raise ValueError(
            f"{label} lies in another file, {location!r}: give the path of the model, not bytes"
        )
    name = PurePosixPath(location)
    if (
        not location
        or name.is_absolute()
        or ".." in name.parts
        or "\\" in location
        or ("\0" in location or ":" in location)
    ):
        raise ValueError(f"{label} must lie in the folder of the model, not at {location!r}")
    path = folder / name
    if path.resolve() != path or not path.resolve().is_relative_to(folder):
        raise ValueError(f"{label} must lie in the folder of the model, not at {location!r}")
    offset = _whole(entries, "offset", 0, label)
    length = _whole(entries, "length", size, label)
    if length != size:
        raise ValueError(f"{label} must have {size} bytes, not {length}")
    if not path.exists():
        raise ValueError(f"{label} lies in {location!r}, which is missing")
    with open_file(path, follow_link=False) as file:
        end = os.fstat(file.fileno()).st_size
        if offset + size > end:
            raise ValueError(
                f"{label} must lie inside of {location!r}, which ends at {end}, not {offset + size}"
            )
        file.seek(offset)
        return file.read(size)


def _whole(entries: Mapping[str, str], key: str, default: int, label: str) -> int:
    text = entries.get(key, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError(f"{key} of {label} must be a whole number, not {text[:40]!r}")
    return int(text)
