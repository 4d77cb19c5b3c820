"""The ``.keras`` file: a zip of metadata.json, config.json and model.weights.h5."""

from __future__ import annotations

import datetime
import io
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

from ..layers.allowance import weights_at_most
from ..utils.files import atomic_write
from .serialization import deserialize_keras_object, serialize_keras_object
from .weights_h5 import load_weights_from_h5, save_weights_to_h5

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]

KERAS_VERSION = "3.15.1"  # whose format this is
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_JSON_BYTES = 1 << 26
HDF5_PACKING = 4  # how far HDF5's own compression, where somebody applied it, may shrink weights
SMALL_WEIGHTS = 1 << 20  # what any file may ask for
MAX_RATIO = 100  # real weights shrink by a tenth, text by a factor of ten
SMALL_MEMBER = 1 << 24  # up to here the ratio does not matter: weights may all be zero


def save_model(
    model: Any, filepath: str | os.PathLike[str], overwrite: bool = True, **unused: Any
) -> None:
    """Writes a model: configuration, weights, compile arguments and the optimizer's state.

    Args:
        model: a built model.
        filepath: name of the file, ending in ".keras".
        overwrite: whether an existing file may be replaced.

    Raises:
        ValueError: for another ending, or a model that cannot be described.
        FileExistsError: if the file exists and overwrite is False.
        OSError: where the file system refuses; an old file is then as it was.
    """
    path = os.fspath(filepath)
    if unused:
        raise TypeError(f"save_model has no argument {next(iter(unused))!r}")
    if not path.endswith(".keras"):
        raise ValueError(f"filepath must end in '.keras', not {path!r}")
    _check_overwrite(path, overwrite)
    if not model.built:
        raise ValueError(f"{model.name} must be built before it is saved: give it an input shape")
    config = json.dumps(serialize_keras_object(model), allow_nan=False)
    metadata = {
        "keras_version": KERAS_VERSION,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
    }
    weights = io.BytesIO()
    save_weights_to_h5(model, weights)
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(METADATA, json.dumps(metadata))
        archive.writestr(CONFIG, config)
        archive.writestr(WEIGHTS, weights.getbuffer())


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Reads a model that ``save_model`` or Keras 3 wrote.

    Args:
        filepath: name of the file.
        custom_objects: the user's classes and functions by name.
        compile: whether to restore the compile arguments and the optimizer's state.
        safe_mode: accepted; code in a file is never run.

    Raises:
        ValueError: if the file is no such file, is damaged, or names an unknown class.
        FileNotFoundError: if there is none.
    """
    path = os.fspath(filepath)
    members = _read_archive(path, _read_bytes(path))
    config = _read_json(members[CONFIG], f"{CONFIG} of {path!r}")
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError(f"{CONFIG} of {path!r} must describe a model")
    if not compile:
        config.pop("compile_config", None)
    with weights_at_most(len(members[WEIGHTS]) * HDF5_PACKING + SMALL_WEIGHTS):
        model = deserialize_keras_object(config, custom_objects=custom_objects, safe_mode=safe_mode)
    if not hasattr(model, "save_weights"):
        raise ValueError(f"{CONFIG} of {path!r} must describe a model, not {model!r}")
    load_weights_from_h5(model, members[WEIGHTS], path)
    return model


def save_weights(model: Any, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Writes the weights of a model to a file whose name ends in ".weights.h5"."""
    path = os.fspath(filepath)
    if not path.endswith(".weights.h5"):
        raise ValueError(f"filepath must end in '.weights.h5', not {path!r}")
    _check_overwrite(path, overwrite)
    buffer = io.BytesIO()
    save_weights_to_h5(model, buffer)
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())


def load_weights(
    model: Any, filepath: str | os.PathLike[str], skip_mismatch: bool = False, **unused: Any
) -> None:
    """Reads weights from a ".weights.h5" or ".keras" file into a built model.

    Raises:
        ValueError: if they do not fit; the model is then as before.
    """
    if unused.pop("by_name", False):
        raise ValueError("by_name must be False: weights are found by the structure of the model")
    if unused:
        raise TypeError(f"load_weights has no argument {next(iter(unused))!r}")
    path = os.fspath(filepath)
    data = _read_bytes(path)
    if zipfile.is_zipfile(io.BytesIO(data)):
        data = _read_archive(path, data)[WEIGHTS]
    elif data[:8] != b"\x89HDF\r\n\x1a\n":
        raise ValueError(_what_it_is(path, data))
    load_weights_from_h5(model, data, path, skip_mismatch)


def _check_overwrite(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"filepath must not exist when overwrite is False: {path!r}")


def _read_bytes(path: str) -> bytes:
    """The file's bytes, read once: what was checked is what is used."""
    if os.path.isdir(path):
        raise ValueError(f"filepath must name a file, not a folder: {path!r}")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"filepath must name a file, not a pipe or device: {path!r}")
    with open(path, "rb") as file:
        return file.read()


def _what_it_is(path: str, data: bytes) -> str:
    start = data[:200].lstrip().lower()
    if not data:
        found = "an empty file"
    elif start.startswith(b"version https://git-lfs"):
        found = "a git-lfs pointer: fetch the file itself"
    elif start.startswith((b"<!doctype", b"<html")):
        found = "a web page, perhaps an error of the server it came from"
    elif data[:8] == b"\x89HDF\r\n\x1a\n":
        found = "HDF5: models of Keras 1 and 2 in this form cannot be read yet"
    else:
        found = "of another kind"
    return f"{path!r} must be a .keras file or HDF5 weights; it is {found}"


def _read_archive(path: str, data: bytes) -> dict[str, bytes]:
    """The three members of a .keras file, sizes checked before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = _checked_infos(archive, path, len(data))
            return {name: archive.read(info) for name, info in infos.items()}
    except (zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        if data[:2] != b"PK":
            raise ValueError(_what_it_is(path, data)) from error
        raise ValueError(f"{path!r} is damaged: {error}") from error
    except (EOFError, OSError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise ValueError(f"{path!r} is damaged: {error}") from error
    except Exception as error:
        if type(error).__module__ == "zlib":
            raise ValueError(f"{path!r} is damaged: {error}") from error
        raise


def _checked_infos(archive: zipfile.ZipFile, path: str, size: int) -> dict[str, zipfile.ZipInfo]:
    infos: dict[str, zipfile.ZipInfo] = {}
    packed = 0
    for info in archive.infolist():
        if info.filename not in (CONFIG, METADATA, WEIGHTS):
            raise ValueError(f"{path!r} must hold no member {info.filename!r}")
        if info.filename in infos:
            raise ValueError(f"{path!r} must hold one {info.filename!r}, not two")
        if info.flag_bits & 0x1:
            raise ValueError(f"{path!r} must not be encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{path!r} must be stored or deflated, not packed otherwise")
        if (info.external_attr >> 16) & 0o170000 == 0o120000:
            raise ValueError(f"{path!r} must not hold links: {info.filename!r}")
        if info.file_size > max(MAX_RATIO * info.compress_size, SMALL_MEMBER) or (
            info.filename != WEIGHTS and info.file_size > MAX_JSON_BYTES
        ):
            raise ValueError(
                f"{info.filename!r} of {path!r} must not unpack to {info.file_size} bytes"
            )
        packed += info.compress_size
        infos[info.filename] = info
    if packed > size:
        raise ValueError(f"{path!r} is damaged: its members overlap")
    for name in (CONFIG, WEIGHTS):
        if name not in infos:
            raise ValueError(f"{path!r} must hold {name!r}")
    return infos


def _read_json(data: bytes, label: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError(f"{label} must not name a key twice")
        return found

    def refuse(name: str) -> Any:
        raise ValueError(f"{label} must hold finite numbers, not {name}")

    try:
        return json.loads(data, object_pairs_hook=unique, parse_constant=refuse)
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{label} must be readable JSON: {error}") from error
