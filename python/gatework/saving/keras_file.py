"""The ``.keras`` file: a zip of metadata.json, config.json and model.weights.h5."""

from __future__ import annotations

import datetime
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from .._json_text import read_json
from ..layers.allowance import weights_at_most
from ..utils.files import atomic_write, read_file
from ..utils.steady_weights import reads_weights
from .hdf5 import PACKING, SIGNATURE, SMALL
from .legacy_compile import modern_compile
from .legacy_config import major_version, modern_config
from .legacy_h5 import (
    is_legacy_weights,
    load_legacy_weights,
    load_model_from_h5,
    save_model_to_h5,
)
from .registry import custom_object_scope
from .serialization import deserialize_keras_object, serialize_keras_object
from .weights_h5 import load_weights_from_h5, save_weights_to_h5

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]

KERAS_VERSION = "3.15.1"  # whose format this is
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
LEGACY = (".h5", ".hdf5")
MAX_JSON_BYTES = 1 << 26
MAX_RATIO = 100  # real weights shrink by a tenth, text by a factor of ten
SMALL_MEMBER = 1 << 24  # up to here the ratio does not matter: weights may all be zero


@reads_weights
def save_model(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    zipped: bool | None = None,
    include_optimizer: bool = True,
    save_format: str | None = None,
) -> None:
    """Writes a model: configuration, weights, compile arguments and the optimizer's state.

    Args:
        model: a built model.
        filepath: name of the file, ending in ".keras", or in ".h5" or ".hdf5" for the form of
            Keras 1 and 2, which Keras 3 reads as well.
        overwrite: whether an existing file may be replaced.
        zipped: accepted; a .keras file is one zip.
        include_optimizer: whether an ".h5" holds the compile arguments and the optimizer's state.
        save_format: "keras" or "h5", as older programs say it; the ending of the name decides.

    Raises:
        ValueError: for another ending, or a model that cannot be described.
        FileExistsError: if the file exists and overwrite is False.
        OSError: where the file system refuses; an old file is then as it was.
    """
    path = os.fspath(filepath)
    legacy = path.endswith(LEGACY)
    if not (legacy or path.endswith(".keras")):
        raise ValueError(f"filepath must end in '.keras', '.h5' or '.hdf5', not {path!r}")
    if zipped is False:
        raise ValueError("zipped must not be False: a .keras file here is one zip, not a folder")
    if save_format not in (None, "h5" if legacy else "keras"):
        raise ValueError(f"save_format must be that of {path!r}, not {save_format!r}")
    _check_overwrite(path, overwrite)
    if not model.built:
        raise ValueError(f"{model.name} must be built before it is saved: give it an input shape")
    if legacy:
        whole = io.BytesIO()
        save_model_to_h5(model, whole, include_optimizer, KERAS_VERSION)
        with atomic_write(path) as file:
            file.write(whole.getbuffer())
        return
    config = json.dumps(serialize_keras_object(model), allow_nan=False)
    metadata = {
        "keras_version": KERAS_VERSION,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
    }
    weights = io.BytesIO()
    save_weights_to_h5(model, weights)
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, data in (
            (METADATA, json.dumps(metadata)),
            (CONFIG, config),
            (WEIGHTS, weights.getbuffer()),
        ):
            # With a date of its own: a zip has none before 1980, as a wrong clock may.
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o600 << 16
            archive.writestr(member, data)


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Reads a model that ``save_model``, Keras 3, tf.keras, Keras 2 or Keras 1 wrote.

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
    data = read_file(path)
    if data[:8] == SIGNATURE:
        return load_model_from_h5(data, path, custom_objects, compile)
    members = _read_archive(path, data)
    config = read_json(members[CONFIG], f"{CONFIG} of {path!r}")
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError(f"{CONFIG} of {path!r} must describe a model")
    if not compile:
        config.pop("compile_config", None)
    version = _version(members, path)
    if major_version(version) < 3:  # the last tf.keras had this file already
        with custom_object_scope(custom_objects or {}):
            config = {**modern_config(config, version), "compile_config": modern_compile(config)}
    with weights_at_most(len(members[WEIGHTS]) * PACKING + SMALL):
        model = deserialize_keras_object(config, custom_objects=custom_objects, safe_mode=safe_mode)
    if not hasattr(model, "save_weights"):
        raise ValueError(f"{CONFIG} of {path!r} must describe a model, not {model!r}")
    load_weights_from_h5(model, members[WEIGHTS], path)
    return model


def _version(members: Mapping[str, bytes], path: str) -> str:
    """The version of Keras that wrote the file; where it does not say, this form's own."""
    metadata = read_json(members.get(METADATA, b"{}"), f"{METADATA} of {path!r}")
    if not isinstance(metadata, dict):
        raise ValueError(f"{METADATA} of {path!r} must be a dictionary, not {metadata!r:.80}")
    return str(metadata.get("keras_version", KERAS_VERSION))


@reads_weights
def save_weights(model: Any, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Writes the weights of a model to a file whose name ends in ".weights.h5".

    Raises:
        ValueError: for another name, or a model that is not built yet.
    """
    path = os.fspath(filepath)
    if not path.endswith(".weights.h5"):
        raise ValueError(f"filepath must end in '.weights.h5', not {path!r}")
    if not model.built:
        raise ValueError(
            f"model {model.name!r} must have weights to be saved: build(input_shape) or a first "
            "batch makes them"
        )
    _check_overwrite(path, overwrite)
    buffer = io.BytesIO()
    save_weights_to_h5(model, buffer)
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())


def load_weights(
    model: Any,
    filepath: str | os.PathLike[str],
    skip_mismatch: bool = False,
    by_name: bool | None = None,
    objects_to_skip: Sequence[Any] | None = None,
) -> None:
    """Reads weights from a ".weights.h5", ".keras" or older ".h5" file into a built model.

    Args:
        model: a built model.
        filepath: name of the file.
        skip_mismatch: leave out layers whose weights do not fit, instead of raising.
        by_name: find layers by name and leave out those only one side has; for older ".h5" files.
        objects_to_skip: layers that keep their weights; for ".weights.h5" and ".keras" files.

    Raises:
        ValueError: if they do not fit; the model is then as before.
    """
    path = os.fspath(filepath)
    data = read_file(path)
    if data[:8] == SIGNATURE and is_legacy_weights(data, path):
        if objects_to_skip:
            raise ValueError(f"objects_to_skip must be None for {path!r}, which is an older .h5")
        load_legacy_weights(model, data, path, bool(by_name), skip_mismatch)
        return
    if by_name:
        raise ValueError(
            f"by_name must be False: the weights in {path!r} are found by the model's structure"
        )
    if zipfile.is_zipfile(io.BytesIO(data)):
        data = _read_archive(path, data)[WEIGHTS]
    elif data[:8] != SIGNATURE:
        raise ValueError(_what_it_is(path, data))
    load_weights_from_h5(model, data, path, skip_mismatch, objects_to_skip or ())


def _check_overwrite(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"filepath must not exist when overwrite is False: {path!r}")


def _what_it_is(path: str, data: bytes) -> str:
    start = data[:200].lstrip().lower()
    if not data:
        found = "an empty file"
    elif start.startswith(b"version https://git-lfs"):
        found = "a git-lfs pointer: fetch the file itself"
    elif start.startswith((b"<!doctype", b"<html")):
        found = "a web page, perhaps an error of the server it came from"
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
