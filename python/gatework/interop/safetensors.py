"""Weights in ``.safetensors`` files: a header of names and shapes, then the values.

A weight is named by the layers that lead to it, "words/lstm_cell/kernel". ``save_model`` puts the
model's configuration beside them, as the text "config" of the header's metadata.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._json_text import read_json
from ..autograd import Array
from ..layers.allowance import weights_at_most
from ..saving import deserialize_keras_object, serialize_keras_object
from ..saving.weights_h5 import named_variables
from ..utils.files import atomic_write, read_file
from ..utils.steady_weights import reads_weights
from .extras import load_extra

__all__ = [
    "load_model", "load_weights", "read_tensors", "save_model", "save_weights", "write_tensors",
]  # fmt: skip

Path = str | os.PathLike[str]
FORMAT = "gatework"
MAX_HEADER_BYTES = 100_000_000  # the format's own limit
_DTYPES = {
    "BOOL": "?", "F16": "<f2", "F32": "<f4", "F64": "<f8", "I16": "<i2", "I32": "<i4",
    "I64": "<i8", "I8": "i1", "U16": "<u2", "U32": "<u4", "U64": "<u8", "U8": "u1",
}  # fmt: skip


def save_model(model: Any, filepath: Path, overwrite: bool = True) -> None:
    """Writes the weights of a model, and its configuration beside them.

    What ``compile`` was given and the optimizer's state stay out: a ``.keras`` file holds them.

    Args:
        model: a built model.
        filepath: name of the file.
        overwrite: whether an existing file may be replaced.

    Raises:
        ImportError: without the safetensors package.
        ValueError: if the model is not built.
        FileExistsError: if the file exists and overwrite is False.
    """
    form = serialize_keras_object(model)
    form.pop("compile_config", None)
    _save(model, filepath, overwrite, {"config": json.dumps(form, allow_nan=False)})


def save_weights(model: Any, filepath: Path, overwrite: bool = True) -> None:
    """Writes the weights of a model alone; arguments and errors as in ``save_model``."""
    _save(model, filepath, overwrite, {})


@reads_weights
def _save(model: Any, filepath: Path, overwrite: bool, metadata: dict[str, str]) -> None:
    if not model.built:
        raise ValueError(f"{model.name} must be built before it is saved: give it an input shape")
    arrays = {name: variable.numpy() for name, variable in named_variables(model).items()}
    write_tensors(filepath, arrays, {"format": FORMAT, **metadata}, overwrite)


def load_model(filepath: Path, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model, not compiled, of a file that ``save_model`` wrote.

    Raises:
        ImportError: without the safetensors package.
        ValueError: if the file has no configuration, is damaged, or names an unknown class.
    """
    path = os.fspath(filepath)
    arrays, metadata = read_tensors(path)
    if "config" not in metadata:
        raise ValueError(f"{path!r} must hold a model's config; weights alone need load_weights")
    config = read_json(metadata["config"].encode(), f"config of {path!r}")
    with weights_at_most(sum(value.nbytes for value in arrays.values())):
        model = deserialize_keras_object(config, custom_objects=custom_objects)
    if not hasattr(model, "save_weights"):
        raise ValueError(f"config of {path!r} must describe a model, not {model!r}")
    _assign(model, arrays, path)
    return model


def load_weights(model: Any, filepath: Path) -> None:
    """Reads weights into a built model, found by their names.

    Raises:
        ImportError: without the safetensors package.
        ValueError: if a weight is missing, left over or of another shape; the model is as before.
    """
    path = os.fspath(filepath)
    _assign(model, read_tensors(path)[0], path)


def _assign(model: Any, arrays: Mapping[str, Array], path: str) -> None:
    variables = named_variables(model)
    missing, more = sorted(variables.keys() - arrays), sorted(arrays.keys() - variables)
    if missing or more:
        raise ValueError(
            f"{path!r} must hold the weights of {model.name}: missing {missing}, not known {more}"
        )
    for name, variable in variables.items():
        if arrays[name].shape != variable.shape:
            raise ValueError(
                f"weight {name!r} in {path!r} must have shape {tuple(variable.shape)}, "
                f"not {arrays[name].shape}"
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def write_tensors(
    filepath: Path,
    arrays: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
    overwrite: bool = True,
) -> None:
    """Writes arrays by name, and texts by name in the header.

    Raises:
        ImportError: without the safetensors package.
        FileExistsError: if the file exists and overwrite is False.
    """
    package = load_extra("safetensors", "safetensors files", "numpy")
    path = os.fspath(filepath)
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"filepath must not exist when overwrite is False: {path!r}")
    plain = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    # What is contiguous and zero-dimensional becomes one-dimensional on the way.
    plain = {name: value.reshape(np.shape(arrays[name])) for name, value in plain.items()}
    data = package.numpy.save(plain, dict(metadata or {}) or None)
    with atomic_write(path) as file:
        file.write(data)


def read_tensors(filepath: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays by name and the metadata of a file; bfloat16 becomes float32.

    Raises:
        ImportError: without the safetensors package.
        ValueError: if it is no such file, is damaged, or has numbers of a kind NumPy lacks.
    """
    package = load_extra("safetensors", "safetensors files", "numpy")
    path = os.fspath(filepath)
    data = read_file(path)
    try:
        entries = package.deserialize(data)
    except package.SafetensorError as error:
        raise ValueError(f"{path!r} must be a safetensors file: {error}") from error
    arrays = {name: _array(name, entry, path) for name, entry in entries}
    size = int.from_bytes(data[:8], "little")
    header = read_json(data[8 : 8 + min(size, MAX_HEADER_BYTES)], f"header of {path!r}")
    return arrays, dict(header.get("__metadata__") or {})


def _array(name: str, entry: Mapping[str, Any], path: str) -> Array:
    kind, shape, data = entry["dtype"], entry["shape"], entry["data"]
    if kind == "BF16":  # the upper half of a float32
        upper = np.frombuffer(data, "<u2").astype(np.uint32) << np.uint32(16)
        return upper.view(np.float32).reshape(shape)
    if kind not in _DTYPES:
        raise ValueError(f"tensor {name!r} in {path!r} must hold numbers NumPy has, not {kind}")
    return np.frombuffer(data, _DTYPES[kind]).reshape(shape)
