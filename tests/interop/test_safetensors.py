"""Weights in ``.safetensors`` files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import layers, models

from tests.saving.hostile import same, small_model

pytest.importorskip("safetensors", reason="an extra, which is not installed")
from gatework.interop import safetensors

IDS = np.array([[1, 2, 3, 4, 5]])


def nested() -> Any:
    return models.Sequential(
        [
            layers.Input((None, 2)),
            models.Sequential(
                [layers.Input((None, 2)), layers.Bidirectional(layers.GRU(3, name="g"), name="b")],
                name="inner",
            ),
            layers.Dense(2, name="d"),
        ]
    )


def header(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    found: dict[str, Any] = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return found


def test_a_whole_model(tmp_path: Path) -> None:
    model, path = small_model(), tmp_path / "m.safetensors"
    safetensors.save_model(model, path)
    again = safetensors.load_model(path)
    assert not again.compiled
    np.testing.assert_array_equal(again.predict(IDS, verbose=0), model.predict(IDS, verbose=0))


def test_names(tmp_path: Path) -> None:
    safetensors.save_weights(nested(), tmp_path / "m.safetensors")
    found = header(tmp_path / "m.safetensors")
    assert found.pop("__metadata__") == {"format": "gatework"}
    assert sorted(found)[:4] == [
        "d/bias", "d/kernel", "inner/b/backward_g/gru_cell/bias",
        "inner/b/backward_g/gru_cell/kernel",
    ]  # fmt: skip
    assert found["d/kernel"]["shape"] == [6, 2]
    assert found["d/kernel"]["dtype"] == "F32"


def test_weights_find_their_places(tmp_path: Path) -> None:
    model, other = nested(), nested()
    safetensors.save_weights(model, tmp_path / "m.safetensors")
    safetensors.load_weights(other, tmp_path / "m.safetensors")
    same(other, model.get_weights())
    with pytest.raises(ValueError, match="load_weights"):
        safetensors.load_model(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: a.pop("d/bias"), "d/bias"),
        (lambda a: a.update(more=np.zeros(3)), "more"),
        (lambda a: a.update({"d/kernel": np.zeros((2, 6))}), r"d/kernel.*\(6, 2\).*\(2, 6\)"),
    ],
)
def test_what_does_not_fit(tmp_path: Path, change: Any, sentence: str) -> None:
    path, model = tmp_path / "m.safetensors", nested()
    safetensors.save_weights(model, path)
    arrays, _ = safetensors.read_tensors(path)
    change(arrays)
    safetensors.write_tensors(path, arrays)
    before = model.get_weights()
    with pytest.raises(ValueError, match=sentence):
        safetensors.load_weights(model, path)
    same(model, before)


def test_numbers_of_every_kind(tmp_path: Path) -> None:
    arrays = {
        kind: np.array([[1, 0], [1, 1]]).astype(kind)
        for kind in ("?", "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
    }
    arrays |= {"scalar": np.float32(2.5), "turned": np.arange(6.0).reshape(2, 3).T}
    safetensors.write_tensors(tmp_path / "m.safetensors", arrays, {"a": "b"})
    found, metadata = safetensors.read_tensors(tmp_path / "m.safetensors")
    assert metadata == {"a": "b"}
    for name, value in arrays.items():
        np.testing.assert_array_equal(found[name], value, strict=True)


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, 3e38], np.float32)
    upper = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    entry = {"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}
    text = json.dumps(entry).encode()
    path = tmp_path / "m.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + upper)
    np.testing.assert_allclose(safetensors.read_tensors(path)[0]["x"], values, rtol=2**-7)


def raw(text: bytes, data: bytes = b"", size: int | None = None) -> bytes:
    return (len(text) if size is None else size).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        raw(b"{}", size=1 << 62),
        raw(b"{"),
        raw(b"[]"),
        raw(b'{"x":{"dtype":"F32","shape":[1000000000,1000000000],"data_offsets":[0,4]}}', b"1234"),
        raw(b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"12"),
        raw(b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', b"12345678"),
        raw(b'{"x":{"dtype":"ODD","shape":[1],"data_offsets":[0,4]}}', b"1234"),
        b"\x89HDF\r\n\x1a\n" + bytes(100),
    ],
    ids=range(10),
)
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    for read in (safetensors.load_model, safetensors.read_tensors):
        with pytest.raises(ValueError, match=r"bad\.safetensors"):
            read(path)


def test_configurations_run_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    evil = {"module": "os", "class_name": "system", "config": {"command": "x"}}
    safetensors.write_tensors(path, {"x": np.zeros(1)}, {"config": json.dumps(evil)})
    with pytest.raises(ValueError, match="system"):
        safetensors.load_model(path)


def test_sizes_of_a_configuration_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    safetensors.save_model(small_model(), path)
    arrays, metadata = safetensors.read_tensors(path)
    config = metadata["config"].replace('"units": 3', '"units": 50000000')
    assert config != metadata["config"]
    safetensors.write_tensors(path, arrays, {"config": config})
    with pytest.raises(ValueError, match="words"):
        safetensors.load_model(path)


def test_overwriting(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    safetensors.save_weights(small_model(), path)
    with pytest.raises(FileExistsError, match=r"m\.safetensors"):
        safetensors.save_weights(small_model(), path, overwrite=False)
