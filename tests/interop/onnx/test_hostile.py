"""Damaged and hostile ONNX models: each refused with a sentence, at small cost."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import layers, models
from gatework.interop.onnx import export_model, import_model

from tests.interop.onnx.nodes import model_of

onnx = pytest.importorskip("onnx", reason="ONNX files need the onnx package, not installed")

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


def refused(source: Any, sentence: str, peak_mb: int = 200) -> str:
    """Asserts that importing raises ValueError, at small cost; returns its message."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=sentence) as caught:
            import_model(source)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < peak_mb << 20
    return str(caught.value)


def node(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs, outputs, name=f"the_{kind}", **attributes)


def product(**changes: Any) -> Any:
    """y = x · W."""
    given: dict[str, Any] = {
        "nodes": [node("MatMul", ["x", "W"], ["y"])],
        "inputs": {"x": ["batch", 4]},
        "outputs": ["y"],
        "constants": {"W": TABLE},
    }
    return model_of(**(given | changes))


def test_the_good_model_is_read() -> None:
    model = import_model(product())
    x = np.eye(4, dtype=np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), TABLE)


def changed(change: Callable[[Any], None]) -> Any:
    proto = product()
    change(proto.graph.initializer[0])
    return proto


def set_dims(*dims: int) -> Callable[[Any], None]:
    def change(tensor: Any) -> None:
        del tensor.dims[:]
        tensor.dims.extend(dims)

    return change


def set_raw(data: bytes) -> Callable[[Any], None]:
    def change(tensor: Any) -> None:
        tensor.raw_data = data

    return change


def set_type(code: int) -> Callable[[Any], None]:
    def change(tensor: Any) -> None:
        tensor.data_type = code

    return change


def as_field(count: int) -> Callable[[Any], None]:
    def change(tensor: Any) -> None:
        tensor.ClearField("raw_data")
        tensor.float_data.extend([0.0] * count)

    return change


TENSORS = [
    (set_dims(-4, -3), "tensor 'W' must not be negative"),
    (set_dims(4, -3), "tensor 'W' must not be negative"),
    (set_dims(1 << 62, 1 << 62, 1 << 62), "tensor 'W' of sizes .* bytes, not 48"),
    (set_dims(1 << 32, 1 << 32), "tensor 'W' of sizes .* bytes, not 48"),
    (set_dims(50_000_000, 50_000_000), "tensor 'W' of sizes .* bytes, not 48"),
    (set_dims(*[1] * 100), "nor more than 32"),
    (set_dims(4, 2), "tensor 'W' of sizes .* must have 32 bytes, not 48"),
    (set_raw(b""), "tensor 'W' of sizes .* must have 48 bytes, not 0"),
    (set_raw(bytes(1 << 20)), "must have 48 bytes, not 1048576"),
    (set_type(8), "must have a type of FLOAT, .*, not STRING"),
    (set_type(0), "not UNDEFINED"),
    (set_type(999), "not UNDEFINED"),
    (as_field(11), "must have 12 values, not 11"),
    (as_field(1 << 20), "must have 12 values, not 1048576"),
]


@pytest.mark.parametrize(("change", "sentence"), TENSORS)
def test_tensors(change: Callable[[Any], None], sentence: str) -> None:
    refused(changed(change), sentence)


GRAPHS = [
    (
        product(nodes=[node("MatMul", ["x", "W"], ["y"]), node("Bogus", ["y"], ["z"])]),
        "operators that cannot be imported: Bogus",
    ),
    (
        product(
            nodes=[
                onnx.helper.make_node("Attention", ["x"], ["a"], domain="com.microsoft"),
                node("NonMaxSuppression", ["x"], ["b"]),
                node("Loop", ["x"], ["y"]),
            ]
        ),
        "cannot be imported: Loop, NonMaxSuppression, com.microsoft.Attention",
    ),
    (product(opset=99), "version of the operators must be 7 to 24, not 99"),
    (product(opset=1), "version of the operators must be 7 to 24, not 1"),
    (
        product(
            nodes=[node("Add", ["x", "b"], ["a"]), node("Add", ["x", "a"], ["b"])], outputs=["b"]
        ),
        "not in a cycle or before: b",
    ),
    (product(nodes=[node("Add", ["x", "y"], ["y"])]), "not in a cycle or before: y"),
    (product(nodes=[node("MatMul", ["x", "V"], ["y"])]), "every name it needs, but not V"),
    (product(outputs=["missing"]), "every name it needs, but not missing"),
    (product(nodes=[node("Relu", ["x"], ["y"])] * 2), "must be made once .* not twice: y"),
    (product(nodes=[node("Relu", ["W"], ["x"])]), "must be made once .* not twice: x"),
    (product(outputs=["y", "y"]), "must be made once .* not twice: y"),
    (product(inputs={"x": ["batch", -4]}), "sizes above zero"),
    (product(inputs={"x": ["batch", 0]}), "sizes above zero"),
    (product(inputs={"x": [1 << 40, 1 << 40]}), "input 'x' must have at most"),
    (product(inputs={"x": ["batch", 5]}), "'the_MatMul' .* fit each other"),
    (product(inputs={}, nodes=[node("Identity", ["W"], ["y"])]), "must depend on the inputs"),
    (product(nodes=[node("Identity", ["W"], ["y"])]), "output 'y' must depend on the inputs"),
]


@pytest.mark.parametrize(("proto", "sentence"), GRAPHS)
def test_graphs(proto: Any, sentence: str) -> None:
    refused(proto, sentence)


SHAPES = [
    ("Reshape", np.array([-1, -1]), {}, "at most one -1"),
    ("Reshape", np.array([-2, 4]), {}, "at most one -1"),
    ("Reshape", np.array([1 << 62, 1 << 62]), {}, "unknown size"),
    ("Reshape", np.array([0, 5]), {}, "must not have an axis of size 5"),
    ("Reshape", np.array([0, 0, 0]), {}, "0 must stand for an axis that there is"),
    ("Squeeze", np.array([1]), {}, "axis 1 must have size 1, not 4"),
    ("Squeeze", np.array([7]), {}, "axes must differ and lie in"),
    ("Unsqueeze", np.array([1, 1]), {}, "axes must differ and lie in"),
    ("Gather", np.array(9), {"axis": 1}, r"indices must lie in \[-4, 4\), not be 9"),
    ("Gather", np.array([0, 0, 3]), {"axis": 1}, "evenly spaced"),
    ("Transpose", None, {"perm": [0, 0]}, "perm must order 2 axes"),
    ("Transpose", None, {"perm": [0, 1, 2]}, "perm must order 2 axes"),
    ("Flatten", None, {"axis": 9}, "axis must lie in"),
    ("Softmax", None, {"axis": 5}, "axes must differ and lie in"),
    ("Relu", None, {"alpha": 3.0}, "must not have alpha"),
    ("Expand", np.array([1 << 40, 4]), {}, "cannot be imported"),
    ("Tanh", np.array([1]), {}, "operands, not 2"),
    ("HardSwish", None, {"axis": 1}, "must not have axis"),
]


@pytest.mark.parametrize(("kind", "operand", "attributes", "sentence"), SHAPES)
def test_arguments(kind: str, operand: Any, attributes: Any, sentence: str) -> None:
    constants = {} if operand is None else {"k": operand}
    inputs = ["x"] if operand is None else ["x", "k"]
    made = [node(kind, inputs, ["y"], **attributes)]
    refused(model_of(made, {"x": ["batch", 4]}, ["y"], constants), sentence)


def test_constants_do_not_grow_without_bound() -> None:
    """A few bytes that ask for terabytes."""
    shape = np.array([1 << 30, 1 << 10])
    filled = [
        node("ConstantOfShape", ["s"], ["c"]),
        node("Add", ["x", "c"], ["y"]),
    ]
    refused(model_of(filled, {"x": ["batch", 4]}, ["y"], {"s": shape}), "cannot be imported")
    spread = [
        node("Expand", ["v", "s"], ["c"]),
        node("Add", ["x", "c"], ["y"]),
    ]
    constants = {"s": shape, "v": np.arange(1024, dtype=np.float32)}
    refused(model_of(spread, {"x": ["batch", 4]}, ["y"], constants), "at most 1048576 values")
    doubled = [node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(60)]
    refused(
        model_of(
            [*doubled, node("Add", ["x", "c60"], ["y"])],
            {"x": ["batch", 4]},
            ["y"],
            {"c0": np.ones((8, 4), np.float32)},
        ),
        "at most 1048576 values",
    )
    products = [
        node("Reshape", ["v", "column"], ["u"]),
        node("Mul", ["u", "v"], ["m"]),
        node("Add", ["x", "m"], ["y"]),
    ]
    constants = {"v": np.arange(1 << 16, dtype=np.float32), "column": np.array([-1, 1])}
    refused(model_of(products, {"x": ["batch", 4]}, ["y"], constants), "at most 1048576 values")
    ranges = [
        node("Range", ["a", "b", "one"], ["r"]),
        node("Gather", ["W", "r"], ["g"]),
        node("MatMul", ["x", "g"], ["y"]),
    ]
    constants = {
        "a": np.array(0),
        "b": np.array(1 << 50),
        "one": np.array(1),
        "W": TABLE,
    }
    refused(model_of(ranges, {"x": ["batch", 4]}, ["y"], constants), "at most 1048576 values")


class TestRecurrent:
    """What an LSTM node may not be."""

    def lstm(self, arrays: dict[str, Any], inputs: dict[str, Any], **attributes: Any) -> Any:
        weights = {
            "W": np.ones((1, 8, 3), np.float32),
            "R": np.ones((1, 8, 2), np.float32),
        } | arrays
        names = ["X", "W", "R", "B", "L", "H", "C", "P"]
        given = {"X": [5, "batch", 3]} | inputs
        slots = [name if name in weights or name in given else "" for name in names]
        made = [node("LSTM", slots, ["y"], **({"hidden_size": 2} | attributes))]
        return model_of(made, given, ["y"], weights)

    def test_good(self) -> None:
        assert import_model(self.lstm({}, {})).outputs[0].shape == (5, 1, None, 2)

    @pytest.mark.parametrize(
        ("attributes", "sentence"),
        [
            ({"hidden_size": 1 << 40}, "hidden_size must be 2 as R has it"),
            ({"hidden_size": -2}, "hidden_size must be 2 as R has it"),
            ({"direction": "sideways"}, "direction must be one of forward, reverse, bidirectional"),
            ({"direction": "bidirectional"}, r"W must have shape \(2, 8, 3\)"),
            ({"layout": 2}, "layout must be 0 or 1, not 2"),
            ({"activations": ["Sigmoid"]}, "activations must be 3, not 1"),
            ({"activations": ["Sigmoid", "Tanh", "Evil"]}, "activations must be of .* not 'Evil'"),
            ({"activation_alpha": [1.0]}, "must be for functions that have them"),
            ({"speed": 9}, "must not have the attribute 'speed'"),
        ],
    )
    def test_attributes(self, attributes: dict[str, Any], sentence: str) -> None:
        refused(self.lstm({}, {}, **attributes), f"LSTM 'the_LSTM' .*{sentence}")

    @pytest.mark.parametrize(
        ("arrays", "sentence"),
        [
            ({"W": np.ones((1, 6, 3), np.float32)}, r"W must have shape \(1, 8, 3\)"),
            ({"W": np.ones((1, 8, 4), np.float32)}, "X must have 4 features as W has, not 3"),
            ({"W": np.ones((8, 3), np.float32)}, "constants with three axes"),
            ({"B": np.ones((1, 8), np.float32)}, r"B must have shape \(1, 16\)"),
            ({"P": np.ones((1, 8), np.float32)}, r"P must have shape \(1, 6\)"),
            ({"L": np.array([6], np.int32)}, r"sequence_lens must lie in \[0, 5\]"),
            ({"L": np.array([-1], np.int32)}, r"sequence_lens must lie in \[0, 5\]"),
            ({"H": np.ones((1, 1, 3), np.float32)}, "initial states must not have shape"),
            ({"H": np.arange(8, dtype=np.float32).reshape(1, 4, 2)}, "the same in every row"),
        ],
    )
    def test_arrays(self, arrays: dict[str, Any], sentence: str) -> None:
        refused(self.lstm(arrays, {}), sentence)

    def test_weights_that_depend_on_inputs(self) -> None:
        made = [node("LSTM", ["X", "W", "R"], ["y"], hidden_size=2)]
        inputs = {"X": [5, "batch", 3], "W": [1, 8, 3], "R": [1, 8, 2]}
        refused(model_of(made, inputs, ["y"]), "W must be a constant")

    def test_lengths_beyond_the_end_are_refused_when_they_come(self) -> None:
        proto = self.lstm({}, {"L": ["batch"]})
        proto.graph.input[1].type.tensor_type.elem_type = onnx.TensorProto.INT32
        model = import_model(proto)
        x = np.ones((5, 2, 3), np.float32)
        model([x, np.array([5, 1], np.int32)])
        with pytest.raises(ValueError, match=r"sequence_lens must lie in \[0, 5\], not be 2 to 6"):
            model([x, np.array([6, 2], np.int32)])


def external(location: str, **entries: Any) -> Any:
    proto = product()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in ({"location": location} | entries).items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return proto


class TestExternalData:
    def saved(self, folder: Path, proto: Any) -> Path:
        path = folder / "model.onnx"
        path.write_bytes(proto.SerializeToString())
        return path

    def test_beside_the_model(self, tmp_path: Path) -> None:
        (tmp_path / "weights.bin").write_bytes(bytes(16) + TABLE.tobytes())
        path = self.saved(tmp_path, external("weights.bin", offset=16, length=48))
        x = np.eye(4, dtype=np.float32)
        np.testing.assert_array_equal(import_model(path).predict(x, verbose=0), TABLE)

    @pytest.mark.parametrize(
        "location",
        ["../secret", "/etc/passwd", "a/../../secret", "", "C:\\x", "..\\secret", "a\0b"],
    )
    def test_elsewhere(self, tmp_path: Path, location: str) -> None:
        (tmp_path / "secret").write_bytes(TABLE.tobytes())
        folder = tmp_path / "models"
        folder.mkdir()
        refused(self.saved(folder, external(location)), "must lie in the folder of the model")

    def test_links(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(TABLE.tobytes())
        folder = tmp_path / "models"
        folder.mkdir()
        (folder / "weights.bin").symlink_to(tmp_path / "secret")
        path = self.saved(folder, external("weights.bin"))
        refused(path, "must lie in the folder of the model")

    @pytest.mark.parametrize(
        ("entries", "sentence"),
        [
            ({"offset": -1}, "offset of tensor 'W' must be a whole number"),
            ({"offset": 1 << 62}, "offset of tensor 'W' must be a whole number"),
            ({"offset": 10**17}, "must lie inside of 'weights.bin'"),
            ({"length": 1 << 50}, "must have 48 bytes, not"),
            ({"offset": 1}, "must lie inside of 'weights.bin', which ends at 48, not 49"),
        ],
    )
    def test_places(self, tmp_path: Path, entries: dict[str, Any], sentence: str) -> None:
        (tmp_path / "weights.bin").write_bytes(TABLE.tobytes())
        refused(self.saved(tmp_path, external("weights.bin", **entries)), sentence)

    def test_not_with_bytes(self) -> None:
        refused(external("weights.bin").SerializeToString(), "give the path of the model")

    def test_missing(self, tmp_path: Path) -> None:
        refused(self.saved(tmp_path, external("weights.bin")), "'weights.bin', which is missing")


BYTES = [
    (b"", "must be an ONNX model, not empty"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "ONNX model"),
    (b"<!doctype html><html></html>", "ONNX model"),
    (b"\x00" * 100, "ONNX model"),
    (b"\xff" * 1000, "ONNX model"),
]


@pytest.mark.parametrize(("data", "sentence"), BYTES)
def test_other_files(tmp_path: Path, data: bytes, sentence: str) -> None:
    refused(data, sentence)
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    refused(path, sentence)


def test_no_files(tmp_path: Path) -> None:
    refused(tmp_path, "must name a file, not a folder")
    refused(3, "source must be a path, bytes or an onnx.ModelProto, not int")
    with pytest.raises(FileNotFoundError):
        import_model(tmp_path / "missing.onnx")


def small() -> bytes:
    model = models.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(10, 3, mask_zero=True),
            layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
            layers.GRU(3),
            layers.Dense(2, activation="softmax"),
        ]
    )
    data: bytes = export_model(model).SerializeToString()
    return data


def test_truncated_anywhere() -> None:
    data = small()
    for end in range(0, len(data), len(data) // 50):
        refused(data[:end], ".")


def test_flipped_bits() -> None:
    """Damage is refused or changes numbers: nothing else is raised."""
    data = small()
    rng = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(data)
        place, bit = int(rng.integers(len(data))), int(rng.integers(8))
        broken[place] ^= 1 << bit
        with contextlib.suppress(ValueError):
            import_model(bytes(broken))
