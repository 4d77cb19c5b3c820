"""Model files as Keras 1 and 2 wrote them, made by hand: h5py and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Arrays = dict[str, np.ndarray]


def write_model(
    path: Path,
    config: Any,
    weights: dict[str, Arrays],
    version: str | None = "2.2.4",
    training: Any = None,
    optimizer: Arrays | None = None,
) -> Path:
    """A whole model: ``weights`` holds, by layer, arrays by name."""
    with h5py.File(path, "w") as h5:
        h5.attrs["model_config"] = json.dumps(config).encode()
        if version is not None:
            h5.attrs["keras_version"] = version.encode()
        if training is not None:
            h5.attrs["training_config"] = json.dumps(training).encode()
        write_layers(h5.create_group("model_weights"), weights, version)
        if optimizer is not None:
            write_arrays(h5.create_group("optimizer_weights"), optimizer)
    return path


def write_weights(path: Path, weights: dict[str, Arrays], version: str | None = "2.2.4") -> Path:
    """Weights alone."""
    with h5py.File(path, "w") as h5:
        write_layers(h5, weights, version)
    return path


def write_layers(group: Any, weights: dict[str, Arrays], version: str | None) -> None:
    group.attrs["layer_names"] = [name.encode() for name in weights]
    if version is not None:
        group.attrs["keras_version"] = version.encode()
    for name, arrays in weights.items():
        write_arrays(group.create_group(name), arrays)


def write_arrays(group: Any, arrays: Arrays) -> None:
    group.attrs["weight_names"] = [name.encode() for name in arrays]
    for name, value in arrays.items():
        group[name] = value


def layer(class_name: str, **config: Any) -> dict[str, Any]:
    """The entry of a layer."""
    return {"class_name": class_name, "config": config}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    """A Sequential as Keras 1 and 2 wrote it: a bare list."""
    return {"class_name": "Sequential", "config": list(layers)}


def random_arrays(seed: int = 0, **shapes: tuple[int, ...]) -> Arrays:
    """Arrays of these shapes by name; "/" is spelt "__" and ":0" follows."""
    rng = np.random.default_rng(seed)
    return {
        name.replace("__", "/") + ":0": rng.normal(0, 0.5, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
