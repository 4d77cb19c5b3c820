"""Damaged and hostile ``.h5`` files: each refused with a sentence, nothing run, nothing changed."""

from __future__ import annotations

import contextlib
import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gatework.saving import load_model

from tests.saving.hostile import edited, replace, same, small_model
from tests.saving.legacy_files import layer, sequential, write_model

KERNEL = "model_weights/classes"
WORDS = "model_weights/words"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a saved model that loads."""
    path = tmp_path_factory.mktemp("good") / "good.h5"
    model = small_model()
    model.train_on_batch(np.array([[1, 2, 3, 4, 5]]), np.array([1]))
    model.save(path)
    return path.read_bytes()


def kernel_path(h5: Any) -> str:
    """Where the file keeps the kernel of the Dense layer."""
    return f"{KERNEL}/{h5[KERNEL].attrs['weight_names'][0].decode()}"


def change_json(h5: Any, attribute: str, change: Callable[[Any], Any]) -> None:
    config = json.loads(h5.attrs[attribute])
    text = change(config)
    h5.attrs[attribute] = text if isinstance(text, (str, bytes)) else json.dumps(config)


def layer_entry(config: Any, name: str) -> Any:
    return next(e for e in config["config"]["layers"] if e["config"].get("name") == name)


@pytest.fixture
def attempt(good: bytes, tmp_path: Path) -> Callable[..., None]:
    def attempt(
        change: Callable[[Any], None], sentence: str | None = None, weights: bool = True
    ) -> None:
        """Refused by load_model and, where weights are concerned, by load_weights."""
        path = tmp_path / "evil.h5"
        path.write_bytes(edited(good, change))
        tracemalloc.start()
        try:
            with pytest.raises(ValueError, match=sentence):
                load_model(path)
            assert tracemalloc.get_traced_memory()[1] < 100 << 20
        finally:
            tracemalloc.stop()
        if not weights:
            return
        model = small_model()
        before = model.get_weights()
        with pytest.raises(ValueError, match=sentence):
            model.load_weights(path)
        same(model, before)

    return attempt


def test_the_good_file_loads(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "good.h5"
    path.write_bytes(good)
    assert load_model(path).predict(np.array([[1, 2, 3, 4, 5]]), verbose=0).shape == (1, 2)


class TestConfiguration:
    @pytest.mark.parametrize("name", ["Lambda", "TorchModuleWrapper", "TFSMLayer", "NoSuchLayer"])
    @pytest.mark.parametrize("version", ["1.2.2", "2.2.4", "3.15.1"])
    def test_classes_of_code(self, tmp_path: Path, name: str, version: str) -> None:
        entry = layer(name, name="it", function=["4wEAAAA=", None, None], function_type="lambda")
        path = write_model(tmp_path / "evil.h5", sequential(entry), {}, version)
        for safe_mode in (True, False):
            with pytest.raises(ValueError, match=name):
                load_model(path, safe_mode=safe_mode)

    @pytest.mark.parametrize("key", ["optimizer_config", "loss", "metrics"])
    @pytest.mark.parametrize("module", ["os", "subprocess", "builtins"])
    def test_compiled_with_something_else(self, attempt: Any, key: str, module: str) -> None:
        def change(config: Any) -> None:
            evil = {"module": module, "class_name": "system", "config": {"value": "x"}}
            config[key] = [evil] if key == "metrics" else evil

        attempt(lambda h5: change_json(h5, "training_config", change), "system", weights=False)

    @pytest.mark.parametrize(
        "text",
        ["", "null", "[]", "{", "[" * 100_000, '{"class_name": 1, "config": {}}',
         '{"class_name": "Sequential", "config": NaN}',
         '{"class_name": "Sequential", "config": {"layers": 3}}',
         '{"class_name": "Sequential", "config": [[]]}',
         '{"class_name": "Sequential", "config": [{"class_name": "Dense", "config": 3}]}',
         '{"class_name": "Functional", "config": {"layers": [{}]}}'],
        ids=lambda text: repr(text[:40]),
    )  # fmt: skip
    def test_text(self, attempt: Any, text: str) -> None:
        attempt(lambda h5: change_json(h5, "model_config", lambda _: text), weights=False)

    def test_layers_within_layers_without_end(self, tmp_path: Path) -> None:
        entry = layer("Dense", units=1)
        for _ in range(300):
            entry = layer("TimeDistributed", layer=entry)
        path = write_model(tmp_path / "evil.h5", sequential(entry), {})
        with pytest.raises(ValueError, match="nested"):
            load_model(path)

    @pytest.mark.parametrize("version", ["0.9", "4.0", "", "x"])
    def test_versions_nobody_knows(self, attempt: Any, version: str) -> None:
        def change(h5: Any) -> None:
            h5.attrs["keras_version"] = version
            h5["model_weights"].attrs["keras_version"] = version

        attempt(change, "keras_version")

    def test_weights_larger_than_the_file(self, attempt: Any) -> None:
        def change(config: Any) -> None:
            layer_entry(config, "words")["config"]["units"] = 50_000_000

        attempt(lambda h5: change_json(h5, "model_config", change), "words", weights=False)

    @pytest.mark.parametrize("value", [3, [1.5, 2.5], np.zeros(3, "c8")])
    @pytest.mark.parametrize("attribute", ["model_config", "keras_version", "training_config"])
    def test_attributes_that_are_no_text(self, attempt: Any, attribute: str, value: Any) -> None:
        attempt(lambda h5: h5.attrs.__setitem__(attribute, value), attribute, weights=False)


class TestWeights:
    @pytest.mark.parametrize("shape", [(2, 3), (3, 3), (6,), (), (3, 2, 1)])
    def test_another_shape(self, attempt: Any, shape: tuple[int, ...]) -> None:
        attempt(
            lambda h5: replace(h5, kernel_path(h5), np.zeros(shape, np.float32)),
            rf"classes.*\(3, 2\).*\({', '.join(map(str, shape))}",
        )

    def test_a_shape_larger_than_memory(self, attempt: Any) -> None:
        def change(h5: Any) -> None:
            path = kernel_path(h5)
            del h5[path]
            h5.create_dataset(path, (50_000_000, 50_000_000), "f4", chunks=(1000, 1000))

        attempt(change, "classes")

    def test_one_large_array_many_times(self, attempt: Any) -> None:
        """Each is small enough; together they are not."""

        def change(h5: Any) -> None:
            group = h5[KERNEL]
            group.create_dataset("a0", data=np.zeros((500, 500), "f4"), compression="gzip")
            names = [f"a{i}" for i in range(100)]
            for name in names[1:]:
                group[name] = group["a0"]
            group.attrs["weight_names"] = [name.encode() for name in names]

        attempt(change, "classes")

    def test_one_long_text_many_times(self, good: bytes, tmp_path: Path) -> None:
        """2,000 names, each of them the same megabyte: two gigabytes from a small file."""

        def change(h5: Any) -> None:
            del h5[WORDS].attrs["weight_names"]
            h5[WORDS].attrs.create("weight_names", ["b"] * 2000, dtype=h5py.string_dtype())
            h5.attrs.create("long", "a" * (1 << 20), dtype=h5py.string_dtype())

        data = bytearray(edited(good, change))
        long = data.rfind(b"GCOL", 0, data.find(b"a" * 1000))
        short = next(
            at for at in range(len(data) - 16) if data[at : at + 4] == b"\x01\x00\x00\x00"
            and data[int.from_bytes(data[at + 4 : at + 12], "little") :][:4] == b"GCOL"
        )  # fmt: skip
        reference = (1 << 20).to_bytes(4, "little") + long.to_bytes(8, "little")
        for i in range(2000):
            data[short + 16 * i : short + 16 * i + 16] = reference + b"\x01\x00\x00\x00"
        path = tmp_path / "evil.h5"
        path.write_bytes(data)
        with pytest.raises(ValueError, match="long texts"):
            load_model(path)

    def test_missing(self, attempt: Any) -> None:
        attempt(lambda h5: h5.__delitem__(kernel_path(h5)), "classes")
        attempt(lambda h5: h5.__delitem__(KERNEL), "classes")
        attempt(lambda h5: h5[KERNEL].attrs.__delitem__("weight_names"), "weight_names")
        attempt(lambda h5: h5["model_weights"].attrs.__delitem__("layer_names"), "layer_names")
        attempt(lambda h5: h5.__delitem__("model_weights"), "model_weights")

    def test_names_twice(self, attempt: Any) -> None:
        def twice(holder: Any, attribute: str) -> None:
            names = list(holder.attrs[attribute])
            holder.attrs[attribute] = [names[0], *names[:-1]]

        attempt(lambda h5: twice(h5["model_weights"], "layer_names"), "layer_names")
        attempt(lambda h5: twice(h5[WORDS], "weight_names"), "weight_names")

    def test_names_that_lead_elsewhere(self, attempt: Any) -> None:
        for name in (b"../../x", b"/model_weights/words", b"", b"a//b", b"."):
            attempt(
                lambda h5, name=name: h5[KERNEL].attrs.__setitem__("weight_names", [name, b"b"])
            )

    @pytest.mark.parametrize("kind", ["soft", "external", "cycle"])
    @pytest.mark.parametrize("place", ["dataset", "layer", "all"])
    def test_links(self, attempt: Any, tmp_path: Path, kind: str, place: str) -> None:
        with h5py.File(tmp_path / "secret.h5", "w") as secret:
            secret["x"] = np.zeros((3, 2), np.float32)

        def change(h5: Any) -> None:
            path = {"dataset": kernel_path(h5), "layer": KERNEL, "all": "model_weights"}[place]
            h5.move(path, "elsewhere")
            h5[path] = {
                "soft": h5py.SoftLink("/elsewhere"),
                "external": h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x"),
                "cycle": h5py.SoftLink(f"/{path}"),
            }[kind]

        attempt(change, "link")

    def test_external_storage(self, attempt: Any, tmp_path: Path) -> None:
        (tmp_path / "secret.bin").write_bytes(bytes(24))

        def change(h5: Any) -> None:
            path = kernel_path(h5)
            del h5[path]
            h5.create_dataset(path, (3, 2), "f4", external=[(str(tmp_path / "secret.bin"), 0, 24)])

        attempt(change, "within the file")

    def test_virtual_dataset(self, attempt: Any, tmp_path: Path) -> None:
        def change(h5: Any) -> None:
            path = kernel_path(h5)
            del h5[path]
            layout = h5py.VirtualLayout((3, 2), "f4")
            layout[...] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", (3, 2))
            h5.create_virtual_dataset(path, layout)

        attempt(change, "within the file")

    def test_no_numbers(self, attempt: Any) -> None:
        for kind in ("S3", "c8", h5py.string_dtype()):
            attempt(
                lambda h5, kind=kind: replace(
                    h5, kernel_path(h5), np.full((3, 2), b"1", object if kind != "c8" else "S1")
                    .astype("S3" if kind != "c8" else "S1").astype(kind), dtype=kind
                ),
                "classes",
            )  # fmt: skip


def test_cut_or_flipped(good: bytes, tmp_path: Path) -> None:
    draw = random.Random(1)
    model = small_model()
    before = model.get_weights()
    path = tmp_path / "w.h5"
    for i in range(150):
        changed = bytearray(good)
        if i % 4 == 0:
            del changed[draw.randrange(len(good)) :]
        else:
            for _ in range(8):
                changed[draw.randrange(len(good))] = draw.randrange(256)
        path.write_bytes(changed)
        try:
            model.load_weights(path)
        except ValueError:
            same(model, before)
        else:
            model.set_weights(before)


@pytest.mark.filterwarnings("ignore:the optimizer starts anew:UserWarning")
def test_whole_models_cut_or_flipped(good: bytes, tmp_path: Path) -> None:
    draw = random.Random(2)
    path = tmp_path / "m.h5"
    for i in range(100):
        changed = bytearray(good)
        if i % 4 == 0:
            del changed[draw.randrange(len(good)) :]
        else:
            for _ in range(4):
                changed[draw.randrange(len(good))] = draw.randrange(256)
        path.write_bytes(changed)
        with contextlib.suppress(ValueError):
            load_model(path)
