"""Peepholes and clipped activations against ONNX Runtime, live, with random weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import layers

onnx = pytest.importorskip("onnx", reason="compares with ONNX, which is not installed")
runtime = pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime, not installed")

B, T, F, H = 3, 6, 4, 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(B, T, F)).astype(np.float32)
STATES = [RNG.normal(size=(B, H)).astype(np.float32) for _ in range(2)]
# Our gates in the order of ONNX: i, o, f, c of the LSTM; z, r, h of the GRU are the same.
ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "RNN": (0,)}


def run_onnx(kind: str, weights: list[np.ndarray], clip: float | None, layer: Any) -> Any:
    """Y (B, T, H) of one node, and its final states."""
    kernel, recurrent, bias = weights[:3]
    order = ORDER[kind]

    def gates(a: np.ndarray) -> np.ndarray:
        blocks = np.split(a, len(order), axis=-1)
        return np.concatenate([blocks[k] for k in order], axis=-1)

    both = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    inputs = {
        "X": X.transpose(1, 0, 2),
        "W": gates(kernel).T[None],
        "R": gates(recurrent).T[None],
        "B": gates(both).reshape(1, -1),
        "h": STATES[0][None],
    }
    names = ["X", "W", "R", "B", "", "h"]
    attributes: dict[str, Any] = {"hidden_size": H}
    outputs = ["Y", "Y_h"]
    if kind == "LSTM":
        inputs["c"] = STATES[1][None]
        names.append("c")
        outputs.append("Y_c")
        if len(weights) > 3:
            p_i, p_f, p_o = weights[3]
            inputs["P"] = np.concatenate([p_i, p_o, p_f])[None]
            names.append("P")
    if kind == "GRU":
        attributes["linear_before_reset"] = int(layer.reset_after)
    if clip is not None:
        attributes["clip"] = clip
    make = onnx.helper
    graph = make.make_graph(
        [make.make_node(kind, names, outputs, **attributes)],
        "one",
        [
            make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, value.shape)
            for name, value in inputs.items()
        ],
        [make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 14)], ir_version=8)
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    given = {name: np.ascontiguousarray(value, np.float32) for name, value in inputs.items()}
    y, *states = session.run(None, given)
    return [y[:, 0].transpose(1, 0, 2), *(s[0] for s in states)]


CASES = [
    ("LSTM", layers.LSTM, {"peepholes": True}),
    ("LSTM", layers.LSTM, {}),
    ("GRU", layers.GRU, {"reset_after": True}),
    ("GRU", layers.GRU, {"reset_after": False}),
    ("RNN", layers.SimpleRNN, {}),
]


@pytest.mark.parametrize("clip", [None, 0.4])
@pytest.mark.parametrize(("kind", "make", "options"), CASES)
def test_like_onnx_runtime(
    kind: str, make: Any, options: dict[str, Any], clip: float | None
) -> None:
    layer = make(H, return_sequences=True, return_state=True, activation_clip=clip, **options)
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0, 0.7, w.shape) for w in layer.weights])
    own = layer(X, initial_state=STATES[: 1 + (kind == "LSTM")])
    for a, b in zip(own, run_onnx(kind, layer.get_weights(), clip, layer), strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=0, atol=1e-5)
