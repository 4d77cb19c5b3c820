"""What is fuzzed: readers of files, with files of our own to start from.

A target takes any bytes. It may read them or raise ValueError; anything else is a finding.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import random
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gatework
import numpy as np
from gatework import layers, models
from gatework.saving import load_model, model_from_json
from gatework.utils.plain_state import pack_state, unpack_state

from tests.fuzz.mutations import mutated, mutated_json


@dataclass(frozen=True)
class Target:
    """A reader: its files to start from, what it does with bytes, how bytes are changed."""

    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes], Any]
    mutate: Callable[[bytes, random.Random], bytes] = mutated

    def __call__(self, data: bytes) -> bool:
        """Whether the bytes could be read. Raises what is no ValueError."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.read(data)
            except ValueError:
                return False
            return True


@functools.cache
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="gatework-fuzz-"))


def small_models() -> list[Any]:
    gatework.utils.set_random_seed(1)
    first = models.Sequential(
        [
            layers.Input((5,)),
            layers.Embedding(10, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, dropout=0.1, kernel_regularizer="l2")),
            layers.BatchNormalization(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    first.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    first.train_on_batch(np.ones((2, 5), int), np.zeros(2, int))
    x = layers.Input((6, 3))
    y = layers.TimeDistributed(layers.Dense(4))(x)
    y = layers.Concatenate()([layers.GRU(2)(y), layers.GlobalAveragePooling1D()(y)])
    second = models.Model(x, [layers.Dense(1)(y), layers.Activation("relu")(y)])
    second.compile("sgd", ["mse", "mae"])
    return [first, second]


@functools.cache
def saved(ending: str) -> list[bytes]:
    found = []
    for i, model in enumerate(small_models()):
        path = folder() / f"seed{i}.{ending}"
        if ending == "onnx":
            model.export(path, "onnx", verbose=False)
        else:
            (model.save_weights if ending == "weights.h5" else model.save)(path)
        found.append(path.read_bytes())
    return found


def written(data: bytes, name: str) -> Path:
    path = folder() / name
    path.write_bytes(data)
    return path


def with_member(name: str, data: bytes) -> bytes:
    """The first model's file with another member in the place of one."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved("keras")[0])) as source, zipfile.ZipFile(out, "w") as to:
        for member in source.namelist():
            to.writestr(member, data if member == name else source.read(member))
    return out.getvalue()


def member(name: str) -> list[bytes]:
    found = []
    for data in saved("keras"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found.append(archive.read(name))
    return found


def read_keras(data: bytes) -> None:
    """Loads a model; what could be loaded can be saved and loaded again."""
    model = load_model(written(data, "x.keras"))
    with contextlib.suppress(TypeError):
        model.save(folder() / "y.keras")


@functools.cache
def built() -> tuple[Any, list[Any]]:
    model = small_models()[0]
    return model, model.get_weights()


def read_weights(data: bytes) -> None:
    """Reads weights into a model, which is as before where they do not fit."""
    model, before = built()
    try:
        model.load_weights(written(data, "x.weights.h5"))
    except ValueError:
        for now, then in zip(model.get_weights(), before, strict=True):
            assert np.array_equal(now, then, equal_nan=True), "a refused file changed the model"
        raise
    model.set_weights(before)


def read_json(data: bytes) -> None:
    model_from_json(data.decode("utf-8"))


def read_onnx(data: bytes) -> None:
    from gatework.interop.onnx import import_model

    import_model(data)


def read_safetensors(data: bytes) -> None:
    from gatework.interop.safetensors import load_model as load_tensors

    load_tensors(written(data, "x.safetensors"))


def safetensors_seeds() -> list[bytes]:
    from gatework.interop.safetensors import save_model

    path = folder() / "seed.safetensors"
    save_model(small_models()[0], path)
    return [path.read_bytes()]


def state_seeds() -> list[bytes]:
    state = {"weights": [np.arange(6.0), np.ones((2, 3), np.float32)], "epoch": 3, "names": ["a"]}
    return [pack_state(state)]


def configurations() -> list[bytes]:
    return [json.dumps(json.loads(model.to_json())).encode() for model in small_models()]


def _available(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


TARGETS: dict[str, Target] = {
    "archive": Target(lambda: saved("keras"), read_keras),
    "config": Target(
        lambda: member("config.json")[:1],
        lambda data: read_keras(with_member("config.json", data)),
        mutated_json,
    ),
    "weights": Target(
        lambda: member("model.weights.h5")[:1],
        lambda data: read_keras(with_member("model.weights.h5", data)),
    ),
    "weights-file": Target(lambda: saved("weights.h5")[:1], read_weights),
    "legacy": Target(lambda: saved("h5"), lambda data: load_model(written(data, "x.h5"))),
    "json": Target(configurations, read_json, mutated_json),
    "state": Target(state_seeds, unpack_state),
}
if _available("onnx"):
    TARGETS["onnx"] = Target(lambda: saved("onnx"), read_onnx)
if _available("safetensors"):
    TARGETS["safetensors"] = Target(safetensors_seeds, read_safetensors)
