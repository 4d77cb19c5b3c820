"""A saved model, taken apart, changed, and put together again."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from gatework import layers, models

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


def small_model() -> Any:
    """Embedding, LSTM, Dense with chosen names, compiled."""
    model = models.Sequential(
        [
            layers.Input((5,)),
            layers.Embedding(10, 4, name="table"),
            layers.LSTM(3, name="words"),
            layers.Dense(2, activation="softmax", name="classes"),
        ],
        name="small",
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


def members(path: Path) -> dict[str, bytes]:
    """The files in an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """An archive of these files."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def with_config(good: Path, path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """The model with another configuration: ``change`` edits it, or returns the text of another."""
    parts = members(good)
    config = json.loads(parts["config.json"])
    text = change(config)
    parts["config.json"] = text if isinstance(text, bytes) else json.dumps(config).encode()
    return write(path, parts)


def layer_config(config: dict[str, Any], name: str) -> dict[str, Any]:
    """The entry of a layer in the configuration of a model."""
    found: dict[str, Any] = next(
        entry for entry in config["config"]["layers"] if entry["config"].get("name") == name
    )
    return found


def with_weights(good: Path, path: Path, change: Callable[[Any], None]) -> Path:
    """The model with other weights: ``change`` edits the open HDF5 file."""
    parts = members(good)
    parts["model.weights.h5"] = edited(parts["model.weights.h5"], change)
    return write(path, parts)


def edited(data: bytes, change: Callable[[Any], None]) -> bytes:
    """An HDF5 file after a change."""
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as h5:
        change(h5)
    return buffer.getvalue()


def replace(h5: Any, key: str, value: Any, **options: Any) -> None:
    """Puts another dataset in the place of one."""
    del h5[key]
    h5.create_dataset(key, data=value, **options)


def same(model: Any, before: list[np.ndarray]) -> None:
    """Asserts that the weights are as they were, to the bit."""
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
