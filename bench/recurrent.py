"""The rivals of the recurrent suite. Each solves a workload's problem from the same weights.

A rival is a function from a problem to two functions: one that runs a layer forward, and one that
takes the gradient of its outputs back. Adding a rival is adding a line to RIVALS.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from gatework import _core, reference
from numpy.typing import NDArray

from bench.workloads import Recurrent
from tests.kernels.problems import Problem, forward_arguments, random_problem

Array = NDArray[np.float32]
Gradients = tuple[Array, ...]  # of x, kernel, recurrent_kernel, bias


def forward_by_kernel(problem: Problem, keep: bool) -> tuple[Array, Any]:
    y, _, saved = _core.recurrent_forward(**forward_arguments(problem), keep=keep)
    return y, saved


def backward_by_kernel(saved: Any, dy: Array) -> Gradients:
    return _core.recurrent_backward(saved, dy, None, True)[:4]


def forward_by_reference(problem: Problem, keep: bool) -> tuple[Array, Any]:
    p = problem
    weights = (p.kernel, p.recurrent_kernel, p.bias)
    y, _, saved = reference.recurrent(p.cell, p.x, weights, go_backwards=p.go_backwards)
    return y, saved


def backward_by_reference(saved: Any, dy: Array) -> Gradients:
    g = reference.recurrent_backward(saved, dy)
    return g["x"], g["kernel"], g["recurrent_kernel"], g["bias"]


Forward = Callable[[Problem, bool], tuple[Array, Any]]
Backward = Callable[[Any, Array], Gradients]

RIVALS: dict[str, tuple[Forward, Backward]] = {
    "gatework": (forward_by_kernel, backward_by_kernel),
    "NumPy": (forward_by_reference, backward_by_reference),
}


@cache
def problems(workload: Recurrent) -> tuple[tuple[Problem, ...], ...]:
    """One problem per layer and direction. Only the first layer's x counts, and the last's dy."""
    w = workload
    directions = 2 if w.bidirectional else 1
    layers = []
    for depth in range(w.layers):
        inputs = w.inputs if depth == 0 else w.units * directions
        layers.append(
            tuple(
                random_problem(
                    w.cell,
                    100 * depth + way,
                    w.batch,
                    w.time,
                    inputs,
                    w.units,
                    initial_state=False,
                    go_backwards=way == 1,
                )
                for way in range(directions)
            )
        )
    return tuple(layers)


def solve(workload: Recurrent, rival: str) -> list[Array]:
    """Outputs of the last layer and, in training, all gradients, the first layer's x first."""
    return solve_layers(workload, problems(workload), output_gradient(workload), *RIVALS[rival])


@cache
def output_gradient(workload: Recurrent) -> Array:
    """The gradient (B, T, directions·H) of the last layer's outputs."""
    return _joined([problem.dy for problem in problems(workload)[-1]])


def solve_layers(
    workload: Recurrent,
    layers: Sequence[Sequence[Problem]],
    dy: Array,
    forward: Forward = forward_by_kernel,
    backward: Backward = backward_by_kernel,
) -> list[Array]:
    """The same for given problems, and a gradient dy (B, T, directions·H) of the outputs."""
    x = layers[0][0].x
    saved = []
    for layer in layers:
        passes = [forward(replace(problem, x=x), workload.train) for problem in layer]
        x = _joined([y for y, _ in passes])
        saved.append([kept for _, kept in passes])
    if not workload.train:
        return [x]
    found = []
    for kept in reversed(saved):
        dys = _parted(dy, workload)
        gradients = [backward(k, part) for k, part in zip(kept, dys, strict=True)]
        dy = gradients[0][0] if len(kept) == 1 else gradients[0][0] + gradients[1][0]
        found.append([g for way in gradients for g in way[1:]])
    return [x, dy, *(g for layer in reversed(found) for g in layer)]


def _joined(ys: Sequence[Array]) -> Array:
    """Features of both directions side by side, in the order of the forward one."""
    return ys[0] if len(ys) == 1 else np.concatenate([ys[0], ys[1][:, ::-1]], axis=-1)


def _parted(dy: Array, workload: Recurrent) -> list[Array]:
    if not workload.bidirectional:
        return [dy]
    halves = dy[..., : workload.units], dy[:, ::-1, workload.units :]
    return [np.ascontiguousarray(half) for half in halves]
