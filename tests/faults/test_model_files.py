"""Faults 1 to 34: model files and the folders around them. See table.py for the rest."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import random
import struct
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers, models, saving
from gatework.saving import load_model
from gatework.utils.files import read_file
from gatework.utils.plain_state import pack_state, unpack_state

from tests.faults.programs import run
from tests.saving.hostile import (
    layer_config,
    members,
    same,
    small_model,
    with_config,
    with_weights,
    write,
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.keras"
    small_model().save(path)
    return path


LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "4wE="}}},
    "registered_name": None,
}
SYSTEM = {"module": "os", "class_name": "system", "config": {"command": "x"}}
UNSAFE = {
    "module": "keras.config",
    "class_name": "function",
    "config": "enable_unsafe_deserialization",
    "registered_name": "enable_unsafe_deserialization",
}


def test_05_a_switch_before_the_code(good: Path, tmp_path: Path) -> None:
    """The first object would turn the checks off, the second needs them off."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1:1] = [UNSAFE, LAMBDA]

    path = with_config(good, tmp_path / "evil.keras", change)
    for _ in range(2):  # nor does the first attempt leave anything behind
        with pytest.raises(ValueError, match="enable_unsafe_deserialization"):
            load_model(path)
    with pytest.raises(ValueError, match="Lambda"):
        saving.deserialize_keras_object(LAMBDA)
    assert not any("unsafe" in name for name in dir(gatework.config))


ENTRIES: dict[str, Callable[[Any], Any]] = {
    "deserialize_keras_object": saving.deserialize_keras_object,
    "layers.deserialize": layers.deserialize,
    "Sequential.from_config": lambda evil: models.Sequential.from_config({"layers": [evil]}),
    "Model.from_config": lambda evil: models.Model.from_config(
        {
            "name": "m",
            "layers": [{**evil, "name": "l", "inbound_nodes": []}],
            "input_layers": [["l", 0, 0]],
            "output_layers": [["l", 0, 0]],
        }
    ),
    "model_from_json": lambda evil: saving.model_from_json(
        json.dumps({"module": "keras", "class_name": "Sequential", "config": {"layers": [evil]}})
    ),
    "TimeDistributed.from_config": lambda evil: layers.TimeDistributed.from_config({"layer": evil}),
    "Bidirectional.from_config": lambda evil: layers.Bidirectional.from_config({"layer": evil}),
    "RNN.from_config": lambda evil: layers.RNN.from_config({"cell": evil}),
    "Dense.from_config": lambda evil: layers.Dense.from_config({"units": 1, "activation": evil}),
    "activations.deserialize": gatework.activations.deserialize,
    "constraints.deserialize": gatework.constraints.deserialize,
    "initializers.deserialize": gatework.initializers.deserialize,
    "losses.deserialize": gatework.losses.deserialize,
    "metrics.deserialize": gatework.metrics.deserialize,
    "optimizers.deserialize": gatework.optimizers.deserialize,
    "optimizers.schedules.deserialize": gatework.optimizers.schedules.deserialize,
    "regularizers.deserialize": gatework.regularizers.deserialize,
    "activations.get": gatework.activations.get,
    "constraints.get": gatework.constraints.get,
    "initializers.get": gatework.initializers.get,
    "losses.get": gatework.losses.get,
    "metrics.get": gatework.metrics.get,
    "optimizers.get": gatework.optimizers.get,
    "regularizers.get": gatework.regularizers.get,
}


@pytest.mark.parametrize("evil", [LAMBDA, SYSTEM, UNSAFE], ids=["code", "os.system", "switch"])
@pytest.mark.parametrize("entry", ENTRIES)
def test_06_every_entry_point_has_one_policy(entry: str, evil: dict[str, Any]) -> None:
    name = evil["config"] if evil is UNSAFE else evil["class_name"]
    with pytest.raises((ValueError, TypeError), match=name):
        ENTRIES[entry](json.loads(json.dumps(evil)))


def test_08_no_file_or_address_of_a_configuration_is_opened(good: Path, tmp_path: Path) -> None:
    """Python tells of every file and every connection that it opens."""
    for i, (name, key) in enumerate([("StringLookup", "vocabulary"), ("Dense", "name")]):
        for j, value in enumerate(
            ["/etc/hostname", "http://127.0.0.1:9/words", "file:///etc/hosts"]
        ):

            def change(
                config: dict[str, Any], name: str = name, key: str = key, value: str = value
            ) -> None:
                layer_config(config, "classes").update(
                    class_name=name, config={"units": 2, key: value}
                )

            with_config(good, tmp_path / f"evil{i}{j}.keras", change)
    program = """
        seen = []
        sys.addaudithook(lambda event, arguments: seen.append((event, str(arguments))))
        from gatework.saving import load_model
        for name in sorted(os.listdir(sys.argv[1])):
            try:
                load_model(os.path.join(sys.argv[1], name))
            except ValueError:
                print("refused")
        assert any("evil00" in arguments for event, arguments in seen if event == "open")
        for event, arguments in seen:
            assert not event.startswith(("socket.", "subprocess.", "os.system", "urllib.")), event
            assert event != "open" or "/etc/host" not in arguments, arguments
    """
    assert run(program, str(tmp_path)).count("refused") >= 3


NAMES = ["../../x", "/x", "..\\x", "C:\\x", "a/../../x", "config.json\0.txt", "extra", "a" * 60_000]


@pytest.mark.parametrize("name", NAMES)
def test_09_zip_member_outside(good: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    path = write(folder / "evil.keras", {**members(good), name.replace("\0", "?"): b"x"})
    path.write_bytes(path.read_bytes().replace(b"config.json?.txt", b"config.json\0.txt"))
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=r"evil\.keras"):
        load_model(path)
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "layers/dense", "vars", "_", " ", "́"])
def test_11_layer_names(good: Path, tmp_path: Path, name: str) -> None:
    """Half a character, a NUL, a path, a name of the file's groups: refused or round-tripped."""

    def change(config: dict[str, Any]) -> None:
        layer_config(config, "classes")["config"]["name"] = name

    path = with_config(good, tmp_path / "odd.keras", change)
    with contextlib.suppress(ValueError):
        model = load_model(path)
        model.save(tmp_path / "again.keras")
        model.save(tmp_path / "again.h5")
        for again in ("again.keras", "again.h5"):
            same(load_model(tmp_path / again), model.get_weights())
    assert {file.name for file in tmp_path.iterdir()} <= {"odd.keras", "again.keras", "again.h5"}


def test_13_members_that_overlap(good: Path, tmp_path: Path) -> None:
    """Two members that are one place in the file: a bomb without compression between files."""
    whole = bytearray(write(tmp_path / "evil.keras", members(good)).read_bytes())
    at = whole.find(b"PK\x01\x02")  # the directory
    offsets = []
    while at >= 0:
        offsets.append(at + 42)
        at = whole.find(b"PK\x01\x02", at + 4)
    assert len(offsets) == 3
    for other in offsets[1:]:
        struct.pack_into("<I", whole, other, 0)
    (tmp_path / "evil.keras").write_bytes(whole)
    with pytest.raises(ValueError, match=r"evil\.keras"):
        load_model(tmp_path / "evil.keras")


def test_13_a_zip_within_the_weights(good: Path, tmp_path: Path) -> None:
    parts = members(good)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(1 << 24))
    parts["model.weights.h5"] = inner.getvalue()
    with pytest.raises(ValueError, match=r"evil\.keras"):
        load_model(write(tmp_path / "evil.keras", parts))


@pytest.mark.long
def test_16_two_thousand_flipped_bits(good: Path, tmp_path: Path) -> None:
    data, draw = good.read_bytes(), random.Random(16)
    expected = load_model(good).get_weights()
    path = tmp_path / "flipped.keras"
    refused = 0
    for _ in range(2000):
        changed = bytearray(data)
        changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        try:
            model = load_model(path)
        except ValueError:
            refused += 1
        else:
            same(model, expected)
    assert refused > 1000  # most of the file is weights, which have a checksum


@pytest.mark.parametrize("size", [0, 1, 0xFFFFFFFE, 0xFFFFFFFF])
@pytest.mark.parametrize("field", [20, 24], ids=["packed", "unpacked"])
def test_17_sizes_that_lie(good: Path, tmp_path: Path, field: int, size: int) -> None:
    """Sizes of the directory; 0xFFFFFFFF says that a longer field has it, which is missing."""
    for member in range(3):
        data = bytearray(good.read_bytes())
        at = -1
        for _ in range(member + 1):
            at = data.find(b"PK\x01\x02", at + 1)
        struct.pack_into("<I", data, at + field, size)
        path = tmp_path / "evil.keras"
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"evil\.keras"):
            load_model(path)


@pytest.mark.parametrize(
    "text",
    [b'{"units": 1e400}', b'{"units": -1e999}', b'{"units": ' + b"9" * 1_000_000 + b"}"],
    ids=["1e400", "-1e999", "a million digits"],
)
def test_24_numbers_beyond_all_types(good: Path, tmp_path: Path, text: bytes) -> None:
    units = text.partition(b": ")[2].rstrip(b"}")

    def change(config: dict[str, Any]) -> bytes:
        layer_config(config, "classes")["config"]["units"] = "HERE"
        return json.dumps(config).encode().replace(b'"HERE"', units)

    with pytest.raises(ValueError, match=r"units|finite|config\.json"):
        load_model(with_config(good, tmp_path / "evil.keras", change))


class Pickled:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("canary",)


def test_31_no_pickles_in_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays of objects, as data and in the file that BackupAndRestore reads."""
    monkeypatch.chdir(tmp_path)
    objects = np.empty(3, object)
    objects[:] = Pickled()
    model = small_model()
    with pytest.raises((TypeError, ValueError), match="numbers, not dtype object"):
        model.fit(objects, np.zeros(3), verbose=0)
    file = io.BytesIO()
    np.savez(file, state=objects)
    with pytest.raises(ValueError, match="whole saved state"):
        unpack_state(file.getvalue())
    file = io.BytesIO()
    np.savez(file, state=np.frombuffer(b'{"array in this file": "a0"}', np.uint8), a0=objects)
    with pytest.raises(ValueError, match="whole saved state"):
        unpack_state(file.getvalue())
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-40],
        lambda data: data.replace(b"a0.npy", b"a9.npy"),
        lambda data: b"",
        lambda data: b"\x80\x04.",
    ],
)
def test_31_damaged_backups(damage: Callable[[bytes], bytes]) -> None:
    data = pack_state({"weights": [np.arange(1000.0)], "epoch": 3})
    with pytest.raises(ValueError, match="whole saved state"):
        unpack_state(damage(data))


def test_31_backups_that_ask_for_memory() -> None:
    """An array of 10**15 values in a few bytes, and zeros packed a thousandfold."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w") as archive:
        archive.writestr("state.npy", array)
    packed = io.BytesIO()
    np.savez_compressed(packed, state=np.zeros(1 << 27, np.uint8))
    for data in (bomb.getvalue(), packed.getvalue()):
        with pytest.raises(ValueError, match="whole saved state"):
            unpack_state(data)


def test_32_pickles_of_models() -> None:
    """Not promised, as SECURITY.md says: whoever reads a pickle trusts its writer. It fails when it
    is written, or gives the same model."""
    model = small_model()
    x = np.array([[1, 2, 3, 4, 5]])
    with contextlib.suppress(pickle.PicklingError):
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    security = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
    assert "pickle" in security


def test_33_a_name_that_changes_hands(tmp_path: Path) -> None:
    """While another thread makes it a file, a pipe, a folder, nothing: the file's bytes, whole, or
    an error; no wait for a pipe nobody writes to."""
    path, content, done = tmp_path / "thing", b"good" * 10_000, threading.Event()

    def file() -> None:
        (tmp_path / "spare").write_bytes(content)
        os.replace(tmp_path / "spare", path)

    def swap() -> None:
        while not done.is_set():
            for make, unmake in (
                (file, path.unlink),
                (lambda: os.mkfifo(path), path.unlink),
                (path.mkdir, path.rmdir),
            ):
                make()
                time.sleep(draw.random() * 1e-3)
                unmake()

    draw = random.Random(33)
    thread = threading.Thread(target=swap)
    thread.start()
    outcomes = set()
    end = time.monotonic() + 20
    try:
        while len(outcomes) < 4 and time.monotonic() < end:
            try:
                assert read_file(path) == content
                outcomes.add("read")
            except FileNotFoundError:
                outcomes.add("missing")
            except ValueError as error:
                outcomes.add(str(error).partition(":")[0])
    finally:
        done.set()
        thread.join()
    assert outcomes == {
        "read",
        "missing",
        "filepath must name a file, not a pipe or device",
        "filepath must name a file, not a folder",
    }


def test_34_threads_save_and_load(tmp_path: Path) -> None:
    """Also: what other threads write meanwhile keeps its permissions."""
    model = small_model()
    expected = model.get_weights()
    before = os.umask(0o022)
    os.umask(before)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(10):
                path = tmp_path / f"{number}-{i % 2}.keras"
                model.save(path)
                same(load_model(path), expected)
                assert path.stat().st_mode & 0o777 == 0o666 & ~before
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = os.umask(before)
    assert failures == []
    assert after == before
    assert not list(tmp_path.glob(".*"))
    with_weights(tmp_path / "0-0.keras", tmp_path / "still.keras", lambda h5: None)
