"""Ours, at the kernel level for layers and through the public API for models."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import gatework
import numpy as np
from gatework import _core, inference, layers

from bench.peers import problems
from bench.peers.imports import import_task
from bench.peers.rivals import gatework_transformers, models
from bench.peers.task import Task
from bench.recurrent import solve_layers
from bench.workloads import (
    Import,
    Padding,
    Recurrent,
    Served,
    ServedLayer,
    SessionStep,
    Step,
    Tutorial,
    Variant,
)
from tests.kernels.problems import Problem, forward_arguments, random_problem

Array = problems.Array


def start(threads: int) -> None:
    gatework.runtime.set_num_threads(threads)


def versions() -> str:
    return f"{gatework.__version__} on {gatework.runtime.isa()}"


def peak(threads: int) -> float | None:
    try:
        from gatework import _peak
    except ImportError:
        return None
    return float(_peak.measure(threads)["fma_f32_gflops"])


def problem(
    cell: str, weights: problems.Weights, x: Array, dy: Array, go_backwards: bool = False
) -> Problem:
    """A layer without options."""
    kernel, recurrent_kernel, bias = weights
    given = {
        "cell": cell,
        "x": x,
        "kernel": kernel,
        "recurrent_kernel": recurrent_kernel,
        "bias": bias,
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "go_backwards": go_backwards,
        "zero_output_for_mask": False,
        "return_sequences": True,
        "dy": dy,
        "d_states": (),
    }
    return Problem(**(dict.fromkeys(field.name for field in fields(Problem)) | given))


def recurrent(w: Recurrent) -> Task:
    given = problems.recurrent(w)
    layers = [
        [problem(w.cell, one, given.x, given.dy, way == 1) for way, one in enumerate(directions)]
        for directions in given.weights
    ]

    def train(p: Problem, keep: bool) -> tuple[Array, Any]:
        y, _, saved = _core.recurrent_forward(**forward_arguments(p), keep=keep, bf16=w.bf16)
        return y, saved

    if w.train:
        return Task(lambda: solve_layers(w, layers, given.dy, train), list)
    # Prediction: weights are prepared once, as the sessions of an inference engine do.
    packed = {
        id(p.kernel): _core.PackedWeights(p.cell, p.kernel, p.recurrent_kernel, p.bias, bf16=w.bf16)
        for directions in layers
        for p in directions
    }

    def forward(p: Problem, keep: bool) -> tuple[Array, Any]:
        y, _, saved = _core.recurrent_forward(
            **forward_arguments(p), keep=keep, packed=packed[id(p.kernel)], bf16=w.bf16
        )
        return y, saved

    return Task(lambda: solve_layers(w, layers, given.dy, forward), list)


def steps(w: Step) -> Task:
    weights, xs = problems.steps(w)
    stream = _core.RecurrentStream(_core.PackedWeights(w.cell, *weights), 1, "tanh", "sigmoid")
    inputs = list(xs)
    y = np.empty((1, w.units), np.float32)

    def run() -> Any:
        stream.reset()
        for x in inputs:
            stream.step_into(x, y)
        return stream.states

    return Task(run, list, per=w.count)


def session_steps(w: SessionStep) -> Task:
    weights, xs = problems.steps(w)
    cls = layers.LSTM if w.cell == "lstm" else layers.GRU
    model = gatework.Sequential([layers.Input((None, w.units)), cls(w.units)])
    model.set_weights(list(weights))
    session = inference.compile(model, w.dtype).session()
    inputs = list(xs)
    y = np.empty((1, w.units), np.float32)

    def run() -> Any:
        session.reset()
        for x in inputs:
            session.step(x, y)
        return list(session.state.values())

    return Task(run, list, per=w.count)


def served(w: Served) -> Task:
    program = inference.compile(models.tutorial(gatework, w), w.dtype)
    ids, _ = problems.tutorial_data(w)
    return Task(lambda: program(ids), lambda y: [y])


def served_layer(w: ServedLayer) -> Task:
    given = problems.recurrent(w)
    cls = layers.LSTM if w.cell == "lstm" else layers.GRU
    model = gatework.Sequential(
        [layers.Input((None, w.inputs)), cls(w.units, return_sequences=True)]
    )
    model.set_weights(list(given.weights[0][0]))
    program = inference.compile(model, w.dtype)
    return Task(lambda: program(given.x), lambda y: [y])


def tutorial(w: Tutorial) -> Task:
    return models.task(gatework, w)


def padding(w: Padding) -> Task:
    return models.padding_task(gatework.preprocessing.sequence.pad_sequences, w)


def variant(v: Variant) -> Task:
    w = v.base
    made = random_problem(
        w.cell, 0, w.batch, w.time, w.inputs, w.units,
        dropout=v.dropout, recurrent_dropout=v.recurrent_dropout, initial_state=v.initial_state,
        go_backwards=v.go_backwards,
    )  # fmt: skip
    changes: dict[str, Any] = {}
    if v.padding:
        changes["mask"] = half_real(w.batch, w.time, v.padding)
    if v.denormal:
        decay = np.geomspace(1e-2, 1e-42, w.time).astype(np.float32)[:, None]
        changes |= {
            "x": np.ascontiguousarray(np.broadcast_to(-decay, made.x.shape)),
            "bias": np.zeros_like(made.bias),
            "dy": made.dy * decay[::-1],
        }
    made = Problem(**{**vars(made), **changes})
    ways = [made]
    if w.bidirectional:
        ways.append(Problem(**{**vars(made), "go_backwards": True}))
    dy = np.concatenate([made.dy] * len(ways), axis=-1)
    runs = 2 if v.twice else 1
    return Task(lambda: [solve_layers(w, [ways], dy) for _ in range(runs)])


def half_real(batch: int, time: int, side: str) -> Array:
    """A mask (B, T) of lengths from 1 to T - 1, of which half of the tokens are real."""
    lengths = np.linspace(1, time - 1, batch).round().astype(int)
    lengths = np.random.default_rng(5).permutation(lengths)[:, None]
    steps = np.arange(time)
    return steps < lengths if side == "post" else steps >= time - lengths


TASKS = {
    Recurrent: recurrent,
    Step: steps,
    SessionStep: session_steps,
    Served: served,
    ServedLayer: served_layer,
    Tutorial: tutorial,
    Padding: padding,
    Import: lambda w: import_task("import gatework"),
    Variant: variant,
    **gatework_transformers.TASKS,
}
