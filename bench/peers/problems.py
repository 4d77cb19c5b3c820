"""Inputs, weights and output gradients of every workload, the same in every worker.

Plain NumPy: a rival's process imports nothing of ours. Weights are in Keras' layout: kernel
(I, G·H), recurrent_kernel (H, G·H), bias (G·H,) or (2, G·H); gates i, f, c, o or z, r, h.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.workloads import Padding, Recurrent, Step, Tutorial
from tests.kernels.cells import CELLS

Array = NDArray[Any]


class Weights(NamedTuple):
    """Of one layer and direction."""

    kernel: Array
    recurrent_kernel: Array
    bias: Array


@dataclass(frozen=True)
class Layers:
    """Weights by layer and direction, x (B, T, I) and the gradient dy (B, T, directions·H)."""

    weights: tuple[tuple[Weights, ...], ...]
    x: Array
    dy: Array


def normal(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Array:
    return (scale * rng.standard_normal(shape, np.float32)).astype(np.float32)


def weights(rng: np.random.Generator, cell: str, inputs: int, units: int) -> Weights:
    """Scaled so that activations neither die nor explode."""
    row = CELLS[cell]
    columns = row.gates * units
    return Weights(
        normal(rng, inputs, columns, scale=inputs**-0.5),
        normal(rng, units, columns, scale=0.7 * units**-0.5),
        normal(rng, *row.bias_shape(units), scale=0.5),
    )


def recurrent(w: Recurrent) -> Layers:
    rng = np.random.default_rng(0)
    directions = 2 if w.bidirectional else 1
    sizes = [w.inputs] + [w.units * directions] * (w.layers - 1)
    return Layers(
        tuple(
            tuple(weights(rng, w.cell, size, w.units) for _ in range(directions)) for size in sizes
        ),
        normal(rng, w.batch, w.time, w.inputs),
        normal(rng, w.batch, w.time, w.units * directions),
    )


def steps(w: Step) -> tuple[Weights, Array]:
    """Weights, and inputs (count, 1, I)."""
    rng = np.random.default_rng(1)
    return weights(rng, w.cell, w.units, w.units), normal(rng, w.count, 1, w.units)


def tutorial_data(w: Tutorial) -> tuple[Array, Array]:
    """Word ids (samples, time) and labels (samples, 1)."""
    rng = np.random.default_rng(2)
    ids = rng.integers(0, w.words, (w.samples, w.time)).astype(np.int32)
    return ids, rng.integers(0, 2, (w.samples, 1)).astype(np.float32)


def tutorial_weights(w: Tutorial) -> list[Array]:
    """Table, kernel, recurrent kernel and bias of the LSTM, kernel and bias of the output."""
    rng = np.random.default_rng(3)
    table = normal(rng, w.words, w.columns)
    lstm = weights(rng, "lstm", w.columns, w.units)
    return [table, *lstm, normal(rng, w.units, 1, scale=w.units**-0.5), normal(rng, 1)]


def ragged(w: Padding) -> list[Any]:
    """Sequences of 1 to ``longest`` numbers."""
    rng = np.random.default_rng(4)
    lengths = rng.integers(1, w.longest, w.count)
    sequences = [rng.integers(1, 20_000, n).astype(np.int32) for n in lengths]
    return sequences if w.arrays else [s.tolist() for s in sequences]
