"""Runs an exported model in ONNX Runtime, beside the model itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from gatework.interop.onnx import export_model, import_model

DTYPES = {"tensor(float)": "float32", "tensor(int64)": "int64", "tensor(int32)": "int32"}


def run(proto: Any, *inputs: np.ndarray) -> list[np.ndarray]:
    """The outputs of a graph."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    feeds = {
        slot.name: x.astype(DTYPES[slot.type])
        for slot, x in zip(session.get_inputs(), inputs, strict=True)
    }
    return [np.asarray(y) for y in session.run(None, feeds)]


def randomize(model: Any, seed: int = 1) -> None:
    """Weights that are all different, so that no two gates can be swapped unnoticed."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.5, w.shape).astype(w.dtype) for w in model.get_weights()])


def exported(model: Any, *inputs: np.ndarray, opset: int = 17, back: bool = True) -> Any:
    """Asserts that the model's graph is valid and computes what the model does, to 1e-5.

    It does so in ONNX Runtime and, with ``back``, when it is imported again. Returns the graph.
    """
    import onnx

    proto = export_model(model, opset=opset)
    onnx.checker.check_model(proto, full_check=True)
    given = list(inputs) if len(inputs) > 1 else inputs[0]
    expected = _listed(model.predict(given, verbose=0))
    results = [run(proto, *inputs)]
    if back:
        results.append(_listed(import_model(proto).predict(given, verbose=0)))
    for found in results:
        assert len(found) == len(expected)
        for own, theirs in zip(expected, found, strict=True):
            assert own.shape == theirs.shape
            bound = 1e-5 * max(1.0, float(np.abs(own).max(initial=0)))
            np.testing.assert_allclose(theirs, own, rtol=0, atol=bound)
    return proto


def _listed(outputs: Any) -> list[np.ndarray]:
    return outputs if isinstance(outputs, list) else [outputs]
