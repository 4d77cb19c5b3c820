"""The .gwp file: what was saved is what is loaded, and what is damaged is refused."""

import json
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.inference import compile, load
from gatework.inference.file import ALIGN, HEADER, MAGIC

from tests.inference.models import shaken


@pytest.fixture(scope="module")
def model() -> Any:
    words, extra = layers.Input((None,), name="words"), layers.Input((2,), name="extra")
    x = layers.Embedding(9, 4, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True), merge_mode="ave")(x)
    x = layers.BatchNormalization()(layers.Conv1D(6, 2, padding="same")(x))
    y = layers.GRU(4)(x)
    both = layers.Concatenate()([y, extra])
    return shaken(gatework.Model([words, extra], {"a": layers.Dense(3)(both), "b": [y, x]}), 7)


@pytest.fixture
def saved(model: Any, tmp_path: Path) -> Path:
    path = tmp_path / "model.gwp"
    compile(model).save(path)
    return path


INPUTS = [np.array([[1, 2, 0], [3, 8, 5]]), np.array([[0.5, -1], [2, 0]], "float32")]


def test_what_is_loaded_is_what_was_saved(model: Any, saved: Path, isa: str) -> None:
    program = load(saved, verify=True)
    found, wanted = program(INPUTS), compile(model)(INPUTS)
    assert found.keys() == wanted.keys()
    np.testing.assert_array_equal(found["a"], wanted["a"])
    for one, two in zip(found["b"], wanted["b"], strict=True):
        np.testing.assert_array_equal(one, two)
    again = saved.with_name("again.gwp")
    program.save(again)
    assert load(again, verify=True).name == model.name


def test_streams_and_reasons_survive(tmp_path: Path, saved: Path) -> None:
    with pytest.raises(ValueError, match="reads the sequence backwards"):
        load(saved).session()
    model = gatework.Sequential([layers.Input((None, 3)), layers.LSTM(4)])
    compile(model).save(tmp_path / "s.gwp")
    x = np.ones((1, 3), "float32")
    session = load(tmp_path / "s.gwp").session()
    np.testing.assert_array_equal(session.step(x), compile(model)(x[:, None]))


def refused(path: Path, why: str = "must be a whole program file") -> None:
    with pytest.raises(ValueError, match=why):
        load(path)


def test_truncated_files_are_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for part in range(50):
        saved.write_bytes(whole[: len(whole) * part // 50])
        refused(saved)
    saved.write_bytes(whole + b"\0")
    refused(saved, "bytes, not")


def test_every_flipped_bit_is_seen(saved: Path) -> None:
    whole = saved.read_bytes()
    rng = random.Random(0)
    places = [*range(ALIGN), *(rng.randrange(len(whole)) for _ in range(300))]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.randrange(8)
        saved.write_bytes(damaged)
        refused(saved)


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name, content in (("a", b""), ("b", b"<html>" * 40), ("c", b"version https://git-lfs" * 9)):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name)
    refused(tmp_path, "not a folder")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.gwp")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "pipe")


def rewritten(path: Path, change: Any, version: int = 1) -> Path:
    """The file with another text, all checksums right."""
    whole = path.read_bytes()
    _, _, size, *_ = HEADER.unpack(whole[: HEADER.size])
    document = json.loads(whole[ALIGN : ALIGN + size])
    document = change(document) or document
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    text += b" " * (-len(text) % ALIGN)
    data = whole[ALIGN + size :]
    begin = (MAGIC, version, len(text), len(data), zlib.crc32(text), zlib.crc32(data))
    header = HEADER.pack(*begin, zlib.crc32(HEADER.pack(*begin, 0)[:-4]))
    other = path.with_name("other.gwp")
    other.write_bytes(header.ljust(ALIGN, b"\0") + text + data)
    return other


def field(*path: Any, value: Any) -> Any:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


HOSTILE: dict[str, Any] = {
    "depth": lambda _: b"[" * 100_000,
    "twice": lambda _: b'{"name": "a", "name": "b"}',
    "list": lambda _: b"[]",
    "nan": lambda d: json.dumps({**d, "name": float("nan")}).encode(),
    "missing": lambda d: {k: v for k, v in d.items() if k != "steps"},
    "kinds": field("kinds", value=["floats"] * 3),
    "many kinds": field("kinds", value=["floats"] * 100_000),
    "kind": field("kinds", 5, value="ids"),
    "huge array": field("arrays", 0, "shape", value=[1 << 40, 1 << 40]),
    "negative": field("arrays", 0, "shape", value=[-1, -36]),
    "transposed": lambda d: field(
        "arrays", d["steps"][0]["arrays"]["table"], "shape", value=[4, 9]
    )(d),
    "bool size": field("arrays", 0, "shape", value=[True]),
    "array twice": lambda d: field(
        "steps", 0, "arrays", "table", value=next(iter(d["steps"][2]["arrays"].values()))
    )(d),
    "no array": field("steps", 0, "arrays", "table", value=10_000),
    "ids as floats": lambda d: field("steps", 0, "arrays", "table", value=d["test"][0][0])(d),
    "op": field("steps", 0, "op", value="system"),
    "place": field("steps", 1, "inputs", value=[1 << 20]),
    "negative place": field("steps", 1, "inputs", value=[-1]),
    "big place": field("steps", 1, "inputs", value=[1 << 70]),
    "later": field("steps", 0, "inputs", value=[9]),
    "units": lambda d: field("steps", 2, "args", "activation", value=7)(d),
    "no activation": field("steps", 2, "args", value={}),
    "outputs": field("outputs", value=[0]),
    "structure": field("structure", value=[0, 0, 1]),
    "deep structure": field("structure", value=json.loads("[" * 60 + "0" + "]" * 60)),
    "test": field("test", value=[[0], []]),
    "input shape": field("inputs", 0, "shape", value=[None, "x"]),
    "limit": field("inputs", 0, "limit", value=0),
    "no time": field("inputs", 0, "shape", value=[None]),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_texts_are_refused(case: str, saved: Path) -> None:
    refused(rewritten(saved, HOSTILE[case]))


def test_a_newer_version_says_so(saved: Path) -> None:
    refused(rewritten(saved, lambda d: None, version=3), "of version 3, and this reads versions 1")
    assert load(rewritten(saved, lambda d: None)).name


def test_the_self_test_is_a_test(saved: Path) -> None:
    def softer(document: Any) -> None:
        for step in document["steps"]:
            if step["op"] == "recurrent":
                step["args"]["activation"] = "softsign"

    other = rewritten(saved, softer)
    load(other)
    with pytest.raises(ValueError, match="must pass its self-test, but output"):
        load(other, verify=True)


def test_a_program_that_asks_for_too_much_memory_is_refused(tmp_path: Path) -> None:
    model = gatework.Sequential(
        [
            layers.Input((64,)),
            layers.RepeatVector(3),
            layers.GlobalMaxPooling1D(),
        ]
    )
    compile(model).save(tmp_path / "m.gwp")
    bomb = rewritten(tmp_path / "m.gwp", field("steps", 0, "args", "times", value=1 << 22))
    refused(bomb, "memory in proportion")


def test_an_interrupted_save_leaves_the_old_file(model: Any, saved: Path, monkeypatch: Any) -> None:
    before = saved.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        compile(model).save(saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_loading_needs_no_model_code(tmp_path: Path) -> None:
    compile(gatework.Sequential([layers.Input((2,)), layers.Dense(1)])).save(tmp_path / "m.gwp")
    code = (
        "import sys, numpy, gatework.inference as i\n"
        f"print(i.load({str(tmp_path / 'm.gwp')!r})(numpy.ones((1, 2))).shape)\n"
        "assert 'h5py' not in sys.modules\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.stdout.strip() == "(1, 1)", found.stderr


@pytest.fixture
def saved8(model: Any, tmp_path: Path) -> Path:
    path = tmp_path / "model8.gwp"
    compile(model, dtype="int8").save(path)
    return path


def test_int8_is_stored_as_int8(tmp_path: Path) -> None:
    inner = [layers.Embedding(1000, 64), layers.LSTM(64), layers.Dense(500)]
    model = shaken(gatework.Sequential([layers.Input((None,)), *inner]), 0)
    program = compile(model, dtype="int8")
    program.save(tmp_path / "small.gwp")
    compile(model).save(tmp_path / "large.gwp")
    small, large = (os.path.getsize(tmp_path / f"{name}.gwp") for name in ("small", "large"))
    assert small < 0.3 * large
    again = load(tmp_path / "small.gwp", verify=True)
    ids = np.arange(12).reshape(2, 6)
    np.testing.assert_array_equal(again(ids), program(ids))
    assert again.report() == program.report()
    versions = [
        HEADER.unpack((tmp_path / f"{name}.gwp").read_bytes()[: HEADER.size])[1]
        for name in ("small", "large")
    ]
    assert versions == [2, 1]  # what does not need the new version is read by those of the old


def of_first(name: str, key: str) -> Any:
    """The number of an array of the first step that has it."""

    def find(document: Any) -> Any:
        return next(s["arrays"][key] for s in document["steps"] if s["op"] == name)

    return find


HOSTILE8: dict[str, Any] = {
    "floats": lambda d: field("arrays", of_first("recurrent", "kernel")(d), "int8", value=False)(d),
    "type": lambda d: field("arrays", of_first("dense", "kernel")(d), "int8", value=8)(d),
    "scale as numbers": lambda d: field(
        "arrays", of_first("dense", "kernel_scale")(d), "int8", value=True
    )(d),
    "scale of another": lambda d: field(
        "arrays", of_first("dense", "kernel_scale")(d), "shape", value=[2]
    )(d),
    "no scale": lambda d: field("steps", -1, "arrays", "kernel_scale", value=None)(d),
    "shape": lambda d: field("arrays", of_first("conv", "kernel")(d), "shape", value=[5, 2, 6])(d),
    "groups": lambda d: next(s for s in d["steps"] if s["op"] == "conv")["args"].update(groups=2),
    "dilation": lambda d: next(s for s in d["steps"] if s["op"] == "conv")["args"].update(
        dilation=2
    ),
    "bf16": lambda d: next(s for s in d["steps"] if s["op"] == "recurrent")["args"].update(
        bf16=True
    ),
    "one scale": lambda d: (
        next(s for s in d["steps"] if s["op"] == "recurrent")["arrays"].pop("recurrent_scale")
        and None
    ),
    "cell": lambda d: next(s for s in d["steps"] if s["op"] == "recurrent")["args"].update(
        cell="gru_layer_norm"
    ),
}


@pytest.mark.parametrize("case", HOSTILE8)
def test_hostile_texts_of_int8_are_refused(case: str, saved8: Path) -> None:
    load(rewritten(saved8, lambda d: None, version=2), verify=True)
    refused(rewritten(saved8, HOSTILE8[case], version=2))


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("kernel", np.int8(-128), r"kernel must be in \[-127, 127\], not -128"),
        ("kernel_scale", np.float32(-1), "kernel_scale must be finite and not negative"),
        ("kernel_scale", np.float32(np.nan), "kernel_scale must be finite and not negative"),
    ],
)
def test_numbers_that_int8_does_not_have_are_refused(
    name: str, values: Any, sentence: str, tmp_path: Path
) -> None:
    program = compile(gatework.Sequential([layers.Input((3,)), layers.Dense(4)]), dtype="int8")
    array = program._steps[0].arrays[name]
    assert array is not None
    array.reshape(-1)[1] = values
    program.save(tmp_path / "a.gwp")
    refused(tmp_path / "a.gwp", sentence)


def test_every_flipped_bit_of_int8_is_seen(saved8: Path) -> None:
    whole = saved8.read_bytes()
    rng = random.Random(1)
    for _ in range(100):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        saved8.write_bytes(damaged)
        refused(saved8)


assert struct.calcsize(HEADER.format) <= ALIGN


def test_loading_imports_no_layers(tmp_path: Path) -> None:
    model = gatework.Sequential([layers.Input((None, 2)), layers.LSTM(3), layers.Dense(1)])
    compile(model).save(tmp_path / "model.gwp")
    code = (
        "import sys, numpy as np, gatework.inference as inference; "
        "inference.load(sys.argv[1], verify=True).session().step(np.zeros((1, 2))); "
        "print([m for m in ('layers', 'models', 'saving', 'utils', 'preprocessing') "
        "if f'gatework.{m}' in sys.modules], 'h5py' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.gwp")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[] False\n"
