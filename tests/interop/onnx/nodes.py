"""ONNX models of one node, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Sizes = Sequence[int | str | None]


def model_of(
    nodes: Sequence[Any],
    inputs: Mapping[str, Sizes],
    outputs: Sequence[str],
    constants: Mapping[str, np.ndarray] | None = None,
    opset: int = 17,
    dtypes: Mapping[str, Any] | None = None,
) -> Any:
    """A model of nodes; inputs are float32 unless a dtype is given."""
    from onnx import TensorProto, helper, numpy_helper

    kinds = {
        name: helper.np_dtype_to_tensor_dtype(np.dtype((dtypes or {}).get(name, np.float32)))
        for name in inputs
    }
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(n, kinds[n], list(s)) for n, s in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def with_constants(proto: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The model with some of its inputs as weights of the graph."""
    from onnx import ModelProto, numpy_helper

    found = ModelProto()
    found.CopyFrom(proto)
    kept = [slot for slot in found.graph.input if slot.name not in arrays]
    del found.graph.input[:]
    found.graph.input.extend(kept)
    found.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in arrays.items()
    )
    return found
