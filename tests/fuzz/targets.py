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
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gatework
import numpy as np
from gatework import inference, layers, models
from gatework.inference.file import ALIGN, HEADER, MAGIC, VERSION
from gatework.saving import load_model, model_from_json
from gatework.tokenizers import ByteTokenizer, CharacterTokenizer
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


@functools.cache
def programs() -> list[bytes]:
    """Files of compiled models: masks, both directions, windows, attention, several ends."""
    first, second = small_models()
    x = layers.Input((None, 8))
    y = layers.RMSNormalization()(layers.Conv1D(8, 3, padding="causal")(x))
    y = layers.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True)
    third = models.Model(x, layers.LSTM(3, peepholes=True)(y))
    found = []
    for i, model in enumerate((first, second, third)):
        path = folder() / f"seed{i}.gwp"
        inference.compile(model).save(path)
        found.append(path.read_bytes())
    return found


def mutated_program(data: bytes, draw: random.Random) -> bytes:
    """Another text or other arrays, mostly with the checksums and sizes that fit them."""
    if len(data) < ALIGN:
        return mutated(data, draw)
    size = HEADER.unpack(data[: HEADER.size])[2]
    text, arrays = data[ALIGN : ALIGN + size], data[ALIGN + size :]
    if draw.random() < 0.8:
        text = mutated_json(text, draw)
    else:
        arrays = mutated(arrays, draw)
    text += b" " * (-len(text) % ALIGN)
    begin = (MAGIC, VERSION, len(text), len(arrays), zlib.crc32(text), zlib.crc32(arrays))
    header = HEADER.pack(*begin, zlib.crc32(HEADER.pack(*begin, 0)[:-4]))
    found = header.ljust(ALIGN, b"\0") + text + arrays
    return found if draw.random() < 0.9 else mutated(found, draw)


def read_program(data: bytes) -> None:
    """Loads a program and runs its self-test; what passes can be saved, and streams or says why."""
    program = inference.load(written(data, "x.gwp"), verify=True)
    program.save(folder() / "y.gwp")
    try:
        session = program.session()
    except ValueError:  # it needs whole sequences
        return
    for one in program.inputs:
        if None in one.shape[2:] or len(program.inputs) > 1:
            return
        sizes = [1, *one.shape[2:]]
        session.step(np.zeros(sizes, np.int64 if one.kind == "ids" else np.float32))


def tokenizer_seeds() -> list[bytes]:
    found = []
    for tokenizer in (
        CharacterTokenizer("abc äあ", "?"),
        CharacterTokenizer("xy"),
        ByteTokenizer(),
    ):
        tokenizer.save(folder() / "seed.json")
        found.append((folder() / "seed.json").read_bytes())
    return found


def read_tokenizer(data: bytes) -> None:
    """As either class; what can be read writes and reads what it knows."""
    path = written(data, "x.json")
    try:
        tokenizer: Any = CharacterTokenizer.load(path)
    except ValueError:
        ByteTokenizer.load(path)
        return
    assert tokenizer.decode(tokenizer.encode(tokenizer.characters)) == tokenizer.characters


def huggingface_seeds() -> list[bytes]:
    from gatework.tokenizers import HuggingFaceTokenizer

    path = folder() / "tokenizer.json"
    HuggingFaceTokenizer.train_bpe("a few words, a few more", 270, ["<end>"]).save(path)
    return [json.dumps(json.loads(path.read_bytes())).encode()]


def read_huggingface(data: bytes) -> None:
    from gatework.tokenizers import HuggingFaceTokenizer

    tokenizer = HuggingFaceTokenizer.load(written(data, "x.json"))
    tokenizer.decode(tokenizer.encode("a few words"))


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
    "program": Target(programs, read_program, mutated_program),
    "tokenizer": Target(tokenizer_seeds, read_tokenizer, mutated_json),
}
if _available("onnx"):
    TARGETS["onnx"] = Target(lambda: saved("onnx"), read_onnx)
if _available("tokenizers"):
    TARGETS["huggingface"] = Target(huggingface_seeds, read_huggingface, mutated_json)
if _available("safetensors"):
    TARGETS["safetensors"] = Target(safetensors_seeds, read_safetensors)
