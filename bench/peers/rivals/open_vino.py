"""OpenVINO, inference only, in float32: its own sequence and cell operators, batch before time.

Gates of the LSTM come as f, i, c, o; the GRU's as here, the first two of its biases added up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
from openvino import opset14 as ops

from bench.peers import problems
from bench.peers.imports import import_task
from bench.peers.task import Task
from bench.workloads import Import, Recurrent, Step

Array = problems.Array
_settings: dict[str, Any] = {}


def start(threads: int) -> None:
    _settings.update(
        INFERENCE_NUM_THREADS=threads,
        INFERENCE_PRECISION_HINT="f32",
        PERFORMANCE_HINT="LATENCY",
        NUM_STREAMS=1,
    )


def versions() -> str:
    return str(ov.__version__.split("-")[0])


def to_openvino(cell: str, weights: problems.Weights) -> list[Array]:
    """W (G·H, I), R (G·H, H), B (G·H) or, of the GRU, (4·H)."""
    inner, recurrent, bias = weights

    def ordered(part: Array) -> Array:
        if cell == "lstm":
            i, f, c, o = np.split(part, 4, axis=-1)
            part = np.concatenate([f, i, c, o], axis=-1)
        return np.ascontiguousarray(part.T)

    if cell == "gru":
        units = recurrent.shape[0]
        summed = bias[0, : 2 * units] + bias[1, : 2 * units]
        bias = np.concatenate([summed, bias[0, 2 * units :], bias[1, 2 * units :]])
        return [ordered(inner), ordered(recurrent), bias]
    return [ordered(part) for part in (inner, recurrent, bias)]


def compiled(outputs: list[Any], parameters: list[Any]) -> Any:
    model = ov.Model(outputs, parameters, "layer")
    return ov.Core().compile_model(model, "CPU", _settings).create_infer_request()


def recurrent(w: Recurrent) -> Task | None:
    if w.train or w.layers > 1 or w.bidirectional or w.cell not in ("lstm", "gru"):
        return None
    given = problems.recurrent(w)
    x = ops.parameter([w.batch, w.time, w.inputs], np.float32)
    zero = ops.constant(np.zeros((w.batch, 1, w.units), np.float32))
    lengths = ops.constant(np.full(w.batch, w.time, np.int32))
    parts = [ops.constant(a[None]) for a in to_openvino(w.cell, given.weights[0][0])]
    if w.cell == "lstm":
        node = ops.lstm_sequence(x, zero, zero, lengths, *parts, w.units, "forward")
    else:
        node = ops.gru_sequence(
            x, zero, lengths, *parts, w.units, "forward", linear_before_reset=True
        )
    request = compiled([node.output(0)], [x])

    def run() -> Any:
        return request.infer([given.x], share_inputs=True, share_outputs=True)[0]

    return Task(run, lambda y: [np.array(y[:, 0])])


def steps(w: Step) -> Task:
    weights, xs = problems.steps(w)
    count = 2 if w.cell == "lstm" else 1
    x = ops.parameter([1, w.units], np.float32)
    states = [ops.parameter([1, w.units], np.float32) for _ in range(count)]
    parts = [ops.constant(a) for a in to_openvino(w.cell, weights)]
    if w.cell == "lstm":
        node = ops.lstm_cell(x, *states, *parts, w.units)
    else:
        node = ops.gru_cell(x, *states, *parts, w.units, linear_before_reset=True)
    request = compiled([node.output(place) for place in range(count)], [x, *states])
    zeros = [np.zeros((1, w.units), np.float32)] * count
    inputs = list(xs)

    def run() -> list[Array]:
        now = zeros
        for value in inputs:
            # The outputs' memory is used again by the next step, so they are copied.
            result = request.infer([value, *now], share_inputs=True)
            now = [result[place] for place in range(count)]
        return now

    return Task(run, list, per=w.count)


TASKS = {
    Recurrent: recurrent,
    Step: steps,
    Import: lambda w: import_task("import openvino"),
}
