"""Damaged and hostile model files: each refused with a sentence, nothing run, nothing changed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import stat
import struct
import sys
import threading
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gatework.models import Sequential
from gatework.saving import deserialize_keras_object, load_model

from tests.saving.hostile import (
    edited,
    layer_config,
    members,
    replace,
    same,
    small_model,
    with_config,
    with_weights,
    write,
)

IDS = np.array([[1, 2, 3, 4, 5]])


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model that loads."""
    path = tmp_path_factory.mktemp("good") / "good.keras"
    small_model().save(path)
    return path


def refused(path: Path, sentence: str | None = None, peak_mb: int = 100) -> str:
    """Asserts that loading raises ValueError, at small cost; returns its message."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=sentence) as caught:
            load_model(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < peak_mb << 20
    assert str(caught.value)
    return str(caught.value)


def test_the_good_file_loads(good: Path) -> None:
    assert load_model(good).predict(IDS, verbose=0).shape == (1, 2)


CALLS = [
    ("os", "system", "touch {canary}"),
    ("subprocess", "run", ["touch", "{canary}"]),
    ("builtins", "exec", "open({canary!r}, 'w')"),
    ("builtins", "eval", "open({canary!r}, 'w')"),
    ("gatework.saving", "load_model", "{canary}"),
    ("keras.utils", "get_file", "{canary}"),
    ("keras.config", "enable_unsafe_deserialization", ""),
    ("gatework.layers.base", "np", ""),
]


class TestNothingRuns:
    """Names in a file choose from a table; nothing else can be reached through them."""

    @pytest.mark.parametrize(("module", "name", "argument"), CALLS)
    @pytest.mark.parametrize("shape", ["class", "function", "registered"])
    def test_names_of_other_things(
        self, good: Path, tmp_path: Path, module: str, name: str, argument: Any, shape: str
    ) -> None:
        canary = tmp_path / "canary"
        text = json.dumps(argument).replace("{canary}", str(canary))
        given = json.loads(text.replace("{canary!r}", repr(str(canary))))
        evil = {
            "class": {"module": module, "class_name": name, "config": {"value": given}},
            "function": {"module": module, "class_name": "function", "config": name},
            "registered": {"module": None, "class_name": name, "config": {"value": given}},
        }[shape] | {"registered_name": name if shape != "class" else None}

        def change(config: dict[str, Any]) -> None:
            layer_config(config, "classes")["config"]["activation"] = evil

        refused(with_config(good, tmp_path / "evil.keras", change), name)
        assert not canary.exists()

    def test_modules_of_a_file_are_not_imported(self, good: Path, tmp_path: Path) -> None:
        (tmp_path / "planted_module.py").write_text("raise SystemExit")

        def change(config: dict[str, Any]) -> None:
            entry = layer_config(config, "classes")
            entry.update(module="planted_module", class_name="Thing", registered_name="Thing")

        sys.path.insert(0, str(tmp_path))
        try:
            refused(with_config(good, tmp_path / "evil.keras", change), "Thing")
        finally:
            sys.path.remove(str(tmp_path))
        assert "planted_module" not in sys.modules
        assert "antigravity" not in sys.modules

    @pytest.mark.parametrize(
        "name", ["Lambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "NoSuchLayer"]
    )
    def test_classes_of_code(self, good: Path, tmp_path: Path, name: str) -> None:
        def change(config: dict[str, Any]) -> None:
            entry = layer_config(config, "classes")
            code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
            entry.update(class_name=name, config={"name": "classes", "function": code})

        path = with_config(good, tmp_path / "evil.keras", change)
        refused(path, name)
        for safe_mode in (False, None):
            with pytest.raises(ValueError, match=name):
                load_model(path, safe_mode=safe_mode)

    def test_every_entry_point(self) -> None:
        evil = {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wE="}}},
            "registered_name": None,
        }
        config = {"name": "m", "layers": [evil]}
        with pytest.raises(ValueError, match="Lambda"):
            deserialize_keras_object(evil, safe_mode=False)
        with pytest.raises(ValueError, match="Lambda"):
            Sequential.from_config(config)


class TestArchive:
    @pytest.mark.parametrize(
        "name",
        ["../../escaped", "/tmp/escaped", "..\\escaped", "C:\\escaped", "a/../../b", "extra.txt"],
    )
    def test_members_elsewhere(self, good: Path, tmp_path: Path, name: str) -> None:
        folder = tmp_path / "deep" / "folder"
        folder.mkdir(parents=True)
        before = set(tmp_path.rglob("*"))
        path = folder / "evil.keras"
        write(path, {**members(good), name: b"x"})
        with contextlib.suppress(ValueError):  # a member nobody asks for may be left alone
            load_model(path)
        assert set(tmp_path.rglob("*")) - before == {path}

    def test_symbolic_link(self, good: Path, tmp_path: Path) -> None:
        path = tmp_path / "evil.keras"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members(good).items():
                info = zipfile.ZipInfo(name)
                if name == "config.json":
                    info.create_system = 3
                    info.external_attr = (stat.S_IFLNK | 0o777) << 16
                    data = b"/etc/passwd"
                archive.writestr(info, data)
        assert "root:" not in refused(path)

    @pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5"])
    def test_bomb(self, good: Path, tmp_path: Path, name: str) -> None:
        path = tmp_path / "bomb.keras"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for member, data in members(good).items():
                if member != name:
                    archive.writestr(member, data)
                    continue
                with archive.open(member, "w") as out:
                    for _ in range(250):
                        out.write(bytes(1 << 20))
        assert path.stat().st_size < 2 << 20
        refused(path)

    def test_one_name_twice(self, good: Path, tmp_path: Path) -> None:
        path = tmp_path / "evil.keras"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with zipfile.ZipFile(path, "w") as archive:
                for name, data in members(good).items():
                    archive.writestr(name, data)
                archive.writestr("config.json", b"{}")
        refused(path, "config.json")

    @pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
    def test_a_member_is_missing(self, good: Path, tmp_path: Path, name: str) -> None:
        parts = members(good)
        del parts[name]
        refused(write(tmp_path / "evil.keras", parts), name)

    def test_cut_anywhere(self, good: Path, tmp_path: Path) -> None:
        data = good.read_bytes()
        path = tmp_path / "cut.keras"
        for part in range(50):
            path.write_bytes(data[: len(data) * part // 50])
            refused(path, "cut.keras")

    def test_flipped_bits(self, good: Path, tmp_path: Path) -> None:
        data, draw = good.read_bytes(), random.Random(0)
        expected = load_model(good).get_weights()
        path = tmp_path / "flipped.keras"
        for _ in range(300):
            changed = bytearray(data)
            changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            path.write_bytes(changed)
            try:
                model = load_model(path)
            except ValueError:
                continue
            same(model, expected)

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_other_packing(self, good: Path, tmp_path: Path, method: int) -> None:
        refused(write(tmp_path / "evil.keras", members(good), method), r"evil\.keras")

    def test_encrypted(self, good: Path, tmp_path: Path) -> None:
        data = bytearray(good.read_bytes())
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = data.find(signature)
            while at >= 0:
                (flags,) = struct.unpack_from("<H", data, at + offset)
                struct.pack_into("<H", data, at + offset, flags | 1)
                at = data.find(signature, at + 4)
        path = tmp_path / "evil.keras"
        path.write_bytes(data)
        refused(path, r"evil\.keras")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
            b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
            b"\x80\x04\x95\x1f\x00\x00\x00",
            b"\x00" * 4096,
        ],
        ids=["empty", "git-lfs", "html", "pickle", "zeros"],
    )
    def test_other_files(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "thing.keras"
        path.write_bytes(content)
        refused(path, r"thing\.keras")

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="nothing"):
            load_model(tmp_path / "nothing.keras")
        (tmp_path / "folder.keras").mkdir()
        with pytest.raises((ValueError, OSError), match="folder"):
            load_model(tmp_path / "folder.keras")


class TestConfiguration:
    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"{",
            b"\xff\xfe\x00",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'{"class_name": "Sequential", "class_name": "Sequential"}',
            b'{"units": NaN}',
            b'{"units": ' + b"9" * 100_000 + b"}",
        ],
        ids=lambda text: repr(text[:24]),
    )
    def test_text(self, good: Path, tmp_path: Path, text: bytes) -> None:
        refused(with_config(good, tmp_path / "evil.keras", lambda _: text))

    @pytest.mark.parametrize("units", [1e30, -3, 2.5, "3", None, True, [], {}, 0])
    @pytest.mark.parametrize("layer", ["classes", "words"])
    def test_units(self, good: Path, tmp_path: Path, units: Any, layer: str) -> None:
        def change(config: dict[str, Any]) -> None:
            layer_config(config, layer)["config"]["units"] = units

        refused(with_config(good, tmp_path / "evil.keras", change), f"{layer}.*units")

    @pytest.mark.parametrize(
        ("layer", "key", "size"),
        [("classes", "units", 2_000_000), ("words", "units", 1_000), ("table", "input_dim", 10**6)],
    )
    def test_weights_larger_than_the_file(
        self, good: Path, tmp_path: Path, layer: str, key: str, size: int
    ) -> None:
        """Sizes in the configuration alone must not make memory be taken.

        What these sizes would take is 16 MB and more; the file is below 100 kB.
        """

        def change(config: dict[str, Any]) -> None:
            layer_config(config, layer)["config"][key] = size

        refused(with_config(good, tmp_path / "evil.keras", change), peak_mb=8)

    def test_weights_larger_than_memory(self, good: Path, tmp_path: Path) -> None:
        """10**16 values: an error of the file, not of the machine."""

        def change(config: dict[str, Any]) -> None:
            layer_config(config, "words")["config"]["units"] = 50_000_000

        refused(with_config(good, tmp_path / "evil.keras", change), peak_mb=8)

    def test_unknown_arguments(self, good: Path, tmp_path: Path) -> None:
        def change(config: dict[str, Any]) -> None:
            layer_config(config, "classes")["config"]["unitz"] = 3

        refused(with_config(good, tmp_path / "evil.keras", change), "unitz")

    @pytest.mark.parametrize("name", ["..", "a/b", "", "x" * 10_000, "🙂", 3, None])
    def test_names_of_layers(self, good: Path, tmp_path: Path, name: Any) -> None:
        """Refused, or a layer like any other."""

        def change(config: dict[str, Any]) -> None:
            layer_config(config, "classes")["config"]["name"] = name

        before = set(tmp_path.iterdir())
        path = with_config(good, tmp_path / "odd.keras", change)
        with contextlib.suppress(ValueError):
            model = load_model(path)
            model.save(tmp_path / "again.keras")
            same(load_model(tmp_path / "again.keras"), model.get_weights())
        assert {p.name for p in set(tmp_path.iterdir()) - before} <= {"odd.keras", "again.keras"}

    def test_two_layers_of_one_name(self, good: Path, tmp_path: Path) -> None:
        def change(config: dict[str, Any]) -> None:
            layer_config(config, "classes")["config"]["name"] = "words"

        refused(with_config(good, tmp_path / "evil.keras", change), "words")

    @pytest.mark.parametrize("layers", [None, 3, "x", [None], [3], [[]], [{}]])
    def test_layers_that_are_none(self, good: Path, tmp_path: Path, layers: Any) -> None:
        def change(config: dict[str, Any]) -> None:
            config["config"]["layers"] = layers

        refused(with_config(good, tmp_path / "evil.keras", change))

    @pytest.mark.parametrize("key", ["optimizer", "loss", "metrics"])
    def test_compiled_with_something_else(self, good: Path, tmp_path: Path, key: str) -> None:
        def change(config: dict[str, Any]) -> None:
            evil = {"module": "os", "class_name": "system", "config": {}, "registered_name": None}
            config["compile_config"][key] = [evil] if key == "metrics" else evil

        refused(with_config(good, tmp_path / "evil.keras", change), "system")


def dense_path(h5: Any) -> str:
    """Where the file keeps the kernel of the Dense layer."""
    return next(f"{name}/0" for name in ("layers/dense/vars", "layers/classes/vars") if name in h5)


class TestWeights:
    """Changes inside the HDF5 file, tried through load_model and through load_weights."""

    @pytest.fixture
    def attempt(self, good: Path, tmp_path: Path) -> Callable[..., None]:
        def attempt(change: Callable[[Any], None], sentence: str | None = None) -> None:
            refused(with_weights(good, tmp_path / "evil.keras", change), sentence)
            model = small_model()
            before = model.get_weights()
            path = tmp_path / "evil.weights.h5"
            path.write_bytes(edited(members(good)["model.weights.h5"], change))
            with pytest.raises(ValueError, match=sentence):
                model.load_weights(path)
            same(model, before)

        return attempt

    @pytest.mark.parametrize("shape", [(2, 3), (3, 3), (6,), (), (3, 2, 1)])
    def test_another_shape(self, attempt: Any, shape: tuple[int, ...]) -> None:
        """The sentence names the layer, what it needs and what came."""
        attempt(
            lambda h5: replace(h5, dense_path(h5), np.zeros(shape, np.float32)),
            rf"classes.*\(3, 2\).*\({', '.join(map(str, shape))}",
        )

    def test_gates_of_another_cell(self, attempt: Any) -> None:
        def change(h5: Any) -> None:
            replace(h5, "layers/lstm/cell/vars/0", np.zeros((4, 9), np.float32))

        attempt(change, r"words.*\(4, 12\).*\(4, 9\)")

    def test_a_shape_larger_than_memory(self, attempt: Any) -> None:
        def change(h5: Any) -> None:
            path = dense_path(h5)
            del h5[path]
            h5.create_dataset(path, (50_000_000, 50_000_000), "f4", chunks=(1000, 1000))

        attempt(change, "classes")

    def test_missing(self, attempt: Any) -> None:
        attempt(lambda h5: h5.__delitem__(dense_path(h5)), "classes")

    def test_a_layer_is_missing(self, attempt: Any) -> None:
        attempt(lambda h5: h5.__delitem__("layers/lstm"), "words|lstm")

    def test_one_too_many(self, attempt: Any) -> None:
        def change(h5: Any) -> None:
            h5[dense_path(h5)[:-1] + "2"] = np.zeros(2, np.float32)

        attempt(change, "classes")

    def test_group_in_the_place_of_a_dataset(self, attempt: Any) -> None:
        def change(h5: Any) -> None:
            path = dense_path(h5)
            del h5[path]
            h5.create_group(path)

        attempt(change, "classes")

    def test_dataset_in_the_place_of_a_group(self, attempt: Any) -> None:
        def change(h5: Any) -> None:
            del h5["layers/lstm"]
            h5["layers/lstm"] = np.zeros(3, np.float32)

        attempt(change, "lstm|words")

    @pytest.mark.parametrize("kind", ["soft", "external", "cycle"])
    @pytest.mark.parametrize("place", ["dataset", "group"])
    def test_links(self, attempt: Any, tmp_path: Path, kind: str, place: str) -> None:
        with h5py.File(tmp_path / "secret.h5", "w") as secret:
            secret["0"] = np.zeros((3, 2), np.float32)
            secret["1"] = np.zeros(2, np.float32)

        def change(h5: Any) -> None:
            path = dense_path(h5) if place == "dataset" else dense_path(h5)[:-2]
            del h5[path]
            h5[path] = {
                "soft": h5py.SoftLink("/layers/embedding/vars/0"),
                "external": h5py.ExternalLink(
                    str(tmp_path / "secret.h5"), "/0" if place == "dataset" else "/"
                ),
                "cycle": h5py.SoftLink(f"/{path}"),
            }[kind]

        attempt(change)

    def test_external_storage(self, attempt: Any, tmp_path: Path) -> None:
        (tmp_path / "secret.bin").write_bytes(bytes(24))

        def change(h5: Any) -> None:
            path = dense_path(h5)
            del h5[path]
            outside = [(str(tmp_path / "secret.bin"), 0, 24)]
            h5.create_dataset(path, (3, 2), "f4", external=outside)

        attempt(change, "classes")

    def test_virtual_dataset(self, attempt: Any, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "secret.h5", "w") as secret:
            secret["x"] = np.ones((3, 2), np.float32)

        def change(h5: Any) -> None:
            path = dense_path(h5)
            del h5[path]
            layout = h5py.VirtualLayout((3, 2), "f4")
            layout[...] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", (3, 2))
            h5.create_virtual_dataset(path, layout)

        attempt(change, "classes")

    @pytest.mark.parametrize("value", [b"text", "text", 1 + 2j])
    def test_no_numbers(self, attempt: Any, value: Any) -> None:
        kind = "c8" if isinstance(value, complex) else h5py.string_dtype()

        def change(h5: Any) -> None:
            replace(h5, dense_path(h5), np.full((3, 2), value, object).astype(kind), dtype=kind)

        attempt(change, "classes")

    @pytest.mark.parametrize("dtype", ["f2", "f8", ">f4", ">f8", "i4", "u1"])
    def test_other_numbers_are_converted_exactly(
        self, good: Path, tmp_path: Path, dtype: str
    ) -> None:
        value = np.array([[1, 2], [3, 4], [0, 100]])
        path = with_weights(
            good, tmp_path / "w.keras", lambda h5: replace(h5, dense_path(h5), value.astype(dtype))
        )
        np.testing.assert_array_equal(load_model(path).layers[-1].kernel.numpy(), value)

    @pytest.mark.parametrize(
        "content", [b"", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + bytes(999)]
    )
    def test_no_weights_file(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "bad.weights.h5"
        path.write_bytes(content)
        model = small_model()
        before = model.get_weights()
        with pytest.raises(ValueError, match=r"bad\.weights\.h5"):
            model.load_weights(path)
        same(model, before)

    def test_cut_or_flipped(self, good: Path, tmp_path: Path) -> None:
        data, draw = members(good)["model.weights.h5"], random.Random(1)
        model = small_model()
        before = model.get_weights()
        path = tmp_path / "w.weights.h5"
        for i in range(200):
            changed = bytearray(data)
            if i % 4 == 0:
                del changed[draw.randrange(len(data)) :]
            else:
                for _ in range(8):
                    changed[draw.randrange(len(data))] = draw.randrange(256)
            path.write_bytes(changed)
            try:
                model.load_weights(path)
            except ValueError:
                same(model, before)
            else:
                model.set_weights(before)


class TestSaving:
    def test_a_failure_leaves_the_old_file(
        self, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "model.keras"
        path.write_bytes(good.read_bytes())
        model = small_model()

        def interrupt(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(type(model.layers[-1]), "save_own_variables", interrupt)
        with pytest.raises(KeyboardInterrupt):
            model.save(path)
        assert path.read_bytes() == good.read_bytes()
        assert os.listdir(tmp_path) == ["model.keras"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_without_write_permission(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(PermissionError):
                small_model().save(tmp_path / "model.keras")
            assert os.listdir(tmp_path) == []
        finally:
            tmp_path.chmod(0o700)

    def test_no_overwriting(self, good: Path, tmp_path: Path) -> None:
        path = tmp_path / "model.keras"
        path.write_bytes(good.read_bytes())
        with pytest.raises((FileExistsError, ValueError), match=r"model\.keras"):
            small_model().save(path, overwrite=False)

    def test_many_threads_read_one_file(self, good: Path) -> None:
        expected = load_model(good).get_weights()
        failures: list[BaseException] = []

        def read() -> None:
            try:
                same(load_model(good), expected)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
