"""The graphs that export_model makes: their form, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import layers, models
from gatework.interop.onnx import export_model

onnx = pytest.importorskip("onnx", reason="ONNX files need the onnx package, not installed")


def small(**options: Any) -> Any:
    return models.Sequential(
        [
            layers.Input((None,), name="words"),
            layers.Embedding(10, 4, mask_zero=True, name="table"),
            layers.LSTM(3, name="memory", **options),
            layers.Dense(2, activation="softmax", name="classes"),
        ]
    )


def initializers(proto: Any) -> dict[str, np.ndarray]:
    return {t.name: onnx.numpy_helper.to_array(t) for t in proto.graph.initializer}


def test_inputs_and_outputs_have_the_names_and_sizes_of_the_model() -> None:
    graph = export_model(small()).graph
    (source,), (result,) = graph.input, graph.output
    assert source.name == "words"
    assert source.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert [d.dim_param for d in source.type.tensor_type.shape.dim] == ["batch", "size_0_1"]
    assert result.name == "classes"
    sizes = result.type.tensor_type.shape.dim
    assert (sizes[0].dim_param, sizes[1].dim_value) == ("batch", 2)


def test_gates_are_in_the_order_of_onnx() -> None:
    model = small()
    proto = export_model(model)
    cell = model.layers[1].cell
    i, f, g, o = np.split(cell.kernel.numpy().T, 4)
    w = initializers(proto)["memory/W"]
    np.testing.assert_array_equal(w, np.concatenate([i, o, f, g])[np.newaxis])
    i, f, g, o = np.split(cell.bias.numpy(), 4)
    np.testing.assert_array_equal(
        initializers(proto)["memory/B"][0], np.concatenate([i, o, f, g, np.zeros(12)])
    )


def test_nodes_that_no_output_needs_are_left_out() -> None:
    model = models.Sequential(
        [layers.Input((4,)), layers.Embedding(10, 4, mask_zero=True), layers.Flatten()]
    )
    kinds = [node.op_type for node in export_model(model).graph.node]
    assert kinds == ["Cast", "Gather", "Flatten", "Identity"]


def test_one_mask_is_brought_to_the_front_once() -> None:
    model = models.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(10, 4, mask_zero=True),
            layers.LSTM(3, return_sequences=True),
            layers.LSTM(3),
        ]
    )
    kinds = [node.op_type for node in export_model(model).graph.node]
    assert kinds.count("TopK") == 1


def test_export_writes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small()
    model.export(tmp_path / "model.onnx", format="onnx", opset_version=18)
    assert "model.onnx" in capsys.readouterr().out
    proto = onnx.load(tmp_path / "model.onnx")
    assert proto.opset_import[0].version == 18
    assert proto.producer_name == "gatework"
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    assert not capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_input_signature_fixes_sizes() -> None:
    signature = [layers.Input(batch_shape=(2, 6), dtype="int32")]
    source = export_model(small(), input_signature=signature).graph.input[0].type.tensor_type
    assert [d.dim_value for d in source.shape.dim] == [2, 6]
    assert source.elem_type == onnx.TensorProto.INT32
    with pytest.raises(ValueError, match=r"input_signature must fit .* not be \(2, 6, 1\)"):
        export_model(small(), input_signature=[layers.Input(batch_shape=(2, 6, 1))])


class Doubled(layers.Dense):
    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return super().call(inputs) * 2


class Own(layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs + 1.0


def test_layers_without_a_form_are_all_named() -> None:
    model = models.Sequential(
        [
            layers.Input((3,)),
            Own(name="plus"),
            Doubled(2, name="twice"),
            layers.Reshape((1, 2)),
            layers.TimeDistributed(Own(name="inside")),
        ]
    )
    with pytest.raises(ValueError, match=r"Own 'plus', Doubled 'twice', Own 'inside'"):
        export_model(model)


REFUSED = [
    ({"activation": "gelu"}, r"LSTM 'memory'.*activation must be one that ONNX has.*not 'gelu'"),
    ({"recurrent_activation": "mish"}, r"'memory'.*recurrent_activation must be .*not 'mish'"),
    ({"stateful": True}, r"'memory'.*stateful must be False, not True"),
    ({"cell_clip": 1.5}, r"'memory'.*cell_clip must be None, not 1.5"),
    ({"layer_normalization": True}, r"'memory'.*layer_normalization must be False, not True"),
    ({"zoneout": 0.2}, r"'memory'.*zoneout must be 0, not 0.2"),
    ({"cell_zoneout": 0.2}, r"'memory'.*cell_zoneout must be 0, not 0.2"),
]


@pytest.mark.parametrize(("options", "sentence"), REFUSED)
def test_what_onnx_cannot_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        export_model(small(**options))


@pytest.mark.parametrize("opset", [0, 16, 99, 17.0, True, "17"])
def test_opset(opset: Any) -> None:
    with pytest.raises(ValueError, match="opset must be a whole number from 17 to 23, not"):
        export_model(small(), opset=opset)


def test_other_formats_and_models_without_shapes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="format must be 'onnx', not 'tf_saved_model'"):
        small().export(tmp_path / "model")
    with pytest.raises(ValueError, match="knows its input shapes"):
        export_model(models.Sequential([layers.Dense(2)]))
    with pytest.raises(ValueError, match="model must be a Model, not"):
        export_model(layers.Dense(2))
    assert not list(tmp_path.iterdir())


def test_a_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="stateful"):
        export_model(small(stateful=True), path)
    assert path.read_bytes() == b"old"
