"""ONNX Runtime, inference only: a graph of its fused recurrent operators, bound to fixed memory.

The operators take time before batch, and so are the inputs here: no transposition is counted.
Gates of the LSTM come as i, o, f, c; the GRU's as here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from bench.peers import problems
from bench.peers.imports import import_task
from bench.peers.task import Task, fastest
from bench.workloads import Import, Recurrent, Served, SessionStep, Step

Array = problems.Array
OPERATORS = {"lstm": "LSTM", "gru": "GRU", "simple_rnn": "RNN"}
_threads = 1


def start(threads: int) -> None:
    global _threads
    _threads = threads
    ort.set_default_logger_severity(3)


def versions() -> str:
    return str(ort.__version__)


def to_onnx(cell: str, part: Array) -> Array:
    """Gates along the last axis in ONNX' order, then transposed: (G·H, I)."""
    if cell == "lstm":
        i, f, c, o = np.split(part, 4, axis=-1)
        part = np.concatenate([i, o, f, c], axis=-1)
    return np.ascontiguousarray(part.T)


def arrays(cell: str, weights: problems.Weights) -> dict[str, Array]:
    """W (1, G·H, I), R (1, G·H, H), B (1, 2·G·H)."""
    inner, recurrent, bias = weights
    if bias.ndim == 1:
        bias = np.stack([bias, np.zeros_like(bias)])
    both = np.concatenate([to_onnx(cell, row) for row in bias])
    return {"W": to_onnx(cell, inner)[None], "R": to_onnx(cell, recurrent)[None], "B": both[None]}


def session(
    cell: str, weights: problems.Weights, time: int, batch: int, states: bool
) -> ort.InferenceSession:
    """Inputs X (T, B, I) and, with ``states``, h and c; outputs Y (T, 1, B, H), h_new, c_new."""
    inputs, units = weights.kernel.shape[0], weights.recurrent_kernel.shape[0]
    letters = ["h", "c"] if cell == "lstm" else ["h"]
    carried = letters if states else []
    options = {"linear_before_reset": 1} if cell == "gru" else {}
    outputs = ["" if states else "Y", *(f"{s}_new" for s in carried)]
    given = ["X", "W", "R", "B", *(["", *carried] if states else [])]
    node = helper.make_node(OPERATORS[cell], given, outputs, hidden_size=units, **options)

    def info(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        [node],
        "layer",
        [info("X", time, batch, inputs), *(info(s, 1, batch, units) for s in carried)],
        [info(f"{s}_new", 1, batch, units) for s in carried] or [info("Y", time, 1, batch, units)],
        [numpy_helper.from_array(a, name) for name, a in arrays(cell, weights).items()],
    )
    return opened(graph)


def opened(graph: onnx.GraphProto) -> ort.InferenceSession:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    chosen = ort.SessionOptions()
    chosen.intra_op_num_threads = _threads
    chosen.inter_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), chosen, ["CPUExecutionProvider"])


def recurrent(w: Recurrent) -> Task | None:
    if w.train or w.layers > 1 or w.bidirectional:
        return None
    given = problems.recurrent(w)
    x = np.ascontiguousarray(given.x.swapaxes(0, 1))
    y = np.empty((w.time, 1, w.batch, w.units), np.float32)
    run = session(w.cell, given.weights[0][0], w.time, w.batch, states=False)
    binding = run.io_binding()
    binding.bind_ortvalue_input("X", ort.OrtValue.ortvalue_from_numpy(x))
    binding.bind_ortvalue_output("Y", ort.OrtValue.ortvalue_from_numpy(y))

    def bound() -> Array:
        run.run_with_iobinding(binding)
        return y

    def answer(y: Array) -> list[Array]:
        return [np.ascontiguousarray(y[:, 0].swapaxes(0, 1))]

    return fastest(
        {
            "I/O binding": Task(bound, answer),
            "run": Task(lambda: run.run(None, {"X": x})[0], answer),
        }
    )


def steps(w: Step) -> Task:
    weights, xs = problems.steps(w)
    run = session(w.cell, weights, 1, 1, states=True)
    names = ["h", "c"] if w.cell == "lstm" else ["h"]
    inputs = [x[None] for x in xs]
    x = np.empty((1, 1, w.units), np.float32)
    sides = [[np.zeros((1, 1, w.units), np.float32) for _ in names] for _ in range(2)]

    # Two bindings over the same memory: what is the new state in one is the old one in the other.
    bindings = []
    for side in range(2):
        binding = run.io_binding()
        binding.bind_ortvalue_input("X", ort.OrtValue.ortvalue_from_numpy(x))
        for name, old, new in zip(names, sides[side], sides[1 - side], strict=True):
            binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(old))
            binding.bind_ortvalue_output(f"{name}_new", ort.OrtValue.ortvalue_from_numpy(new))
        bindings.append(binding)

    def bound() -> list[Array]:
        for state in sides[0]:
            state.fill(0)
        for place, value in enumerate(inputs):
            np.copyto(x, value)
            run.run_with_iobinding(bindings[place % 2])
        return sides[len(inputs) % 2]

    def plain() -> list[Array]:
        states = [np.zeros_like(state) for state in sides[0]]
        for value in inputs:
            states = run.run(None, {"X": value, **dict(zip(names, states, strict=True))})
        return states

    def answer(states: list[Array]) -> list[Array]:
        return [state[0].copy() for state in states]

    return fastest(
        {
            "I/O binding": Task(bound, answer, per=w.count),
            "run": Task(plain, answer, per=w.count),
        }
    )


def served(w: Served) -> Task:
    """Gather, transpose to time before batch, LSTM, the last h, Gemm and sigmoid."""
    table, *lstm, kernel, bias = problems.tutorial_weights(w)
    weights = {**arrays("lstm", problems.Weights(*lstm)), "table": table, "K": kernel, "b": bias}
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["x"]),
        helper.make_node("Transpose", ["x"], ["X"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["X", "W", "R", "B"], ["", "h"], hidden_size=w.units),
        helper.make_node("Squeeze", ["h", "axes"], ["last"]),
        helper.make_node("Gemm", ["last", "K", "b"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tutorial",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, (w.samples, w.time))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (w.samples, 1))],
        [
            *(numpy_helper.from_array(a, name) for name, a in weights.items()),
            numpy_helper.from_array(np.array([0]), "axes"),
        ],
    )
    run = opened(graph)
    ids, _ = problems.tutorial_data(w)
    y = np.empty((w.samples, 1), np.float32)
    binding = run.io_binding()
    binding.bind_ortvalue_input("ids", ort.OrtValue.ortvalue_from_numpy(ids))
    binding.bind_ortvalue_output("y", ort.OrtValue.ortvalue_from_numpy(y))

    def bound() -> Array:
        run.run_with_iobinding(binding)
        return y

    return fastest(
        {
            "I/O binding": Task(bound, lambda y: [y.copy()]),
            "run": Task(lambda: run.run(None, {"ids": ids})[0], lambda y: [y]),
        }
    )


TASKS = {
    Recurrent: recurrent,
    Step: steps,
    SessionStep: steps,
    Served: served,
    Import: lambda w: import_task("import onnxruntime"),
}
