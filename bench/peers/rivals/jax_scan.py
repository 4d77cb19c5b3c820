"""JAX: layers as `lax.scan`, all compiled together.

The product with x is taken out of the loop, unrolled or not, or left in it: none is the fastest
everywhere (with few inputs the one taken out is slower by more than twice), so the best one counts.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.peers import problems
from bench.peers.imports import import_task
from bench.peers.task import Task, fastest
from bench.workloads import Import, Recurrent, Step

Array = problems.Array
FORMS = {  # (product with x in the loop, steps per turn of the loop)
    "hoisted": (False, 1),
    "hoisted, unrolled by 4": (False, 4),
    "in the loop": (True, 1),
}


def start(threads: int) -> None:
    jax.config.update("jax_platforms", "cpu")


def versions() -> str:
    return str(jax.__version__)


def cell_step(cell: str, weights: Any, states: Any, projected: Any) -> Any:
    """The next states from x @ kernel + the input's bias, (B, G·H)."""
    h = states[0]
    recurrent = h @ weights.recurrent_kernel
    if cell == "simple_rnn":
        return (jnp.tanh(projected + recurrent),)
    if cell == "lstm":
        i, f, g, o = jnp.split(projected + recurrent, 4, axis=-1)
        c = jax.nn.sigmoid(f) * states[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(c), c
    xz, xr, xh = jnp.split(projected, 3, axis=-1)
    hz, hr, hh = jnp.split(recurrent + weights.bias[1], 3, axis=-1)
    z = jax.nn.sigmoid(xz + hz)
    return (z * h + (1 - z) * jnp.tanh(xh + jax.nn.sigmoid(xr + hr) * hh),)


def projection(cell: str, weights: Any, x: Any) -> Any:
    return x @ weights.kernel + (weights.bias[0] if cell == "gru" else weights.bias)


def zeros(cell: str, batch: int, units: int) -> Any:
    return (jnp.zeros((batch, units), jnp.float32),) * (2 if cell == "lstm" else 1)


def direction(
    w: Recurrent, weights: Any, x: Any, backwards: bool, inside: bool, unroll: int
) -> Any:
    """Outputs (T, B, H) of x (T, B, I)."""

    def step(states: Any, part: Any) -> Any:
        projected = projection(w.cell, weights, part) if inside else part
        states = cell_step(w.cell, weights, states, projected)
        return states, states[0]

    begin = zeros(w.cell, w.batch, w.units)
    if not inside:  # as one product of two matrices
        rows = projection(w.cell, weights, x.reshape(w.time * w.batch, -1))
        x = rows.reshape(w.time, w.batch, -1)
    return jax.lax.scan(step, begin, x, reverse=backwards, unroll=unroll)[1]


def recurrent(w: Recurrent) -> Task:
    given = problems.recurrent(w)
    layers, x, dy = jax.device_put((given.weights, given.x, given.dy))

    def form(inside: bool, unroll: int) -> Task:
        def forward(layers: Any, x: Any) -> Any:
            y = x.swapaxes(0, 1)
            for directions in layers:
                ways = [
                    direction(w, d, y, way == 1, inside, unroll) for way, d in enumerate(directions)
                ]
                y = jnp.concatenate(ways, axis=-1) if len(ways) > 1 else ways[0]
            return y.swapaxes(0, 1)

        def train(layers: Any, x: Any, dy: Any) -> Any:
            y, backward = jax.vjp(forward, layers, x)
            return y, backward(dy)

        def answer(result: Any) -> list[Array]:
            if not w.train:
                return [np.asarray(result)]
            y, (dlayers, dx) = result
            return [np.asarray(leaf) for leaf in (y, dx, *jax.tree.leaves(dlayers))]

        compiled = jax.jit(train if w.train else forward)
        arguments = (layers, x, dy) if w.train else (layers, x)
        return Task(lambda: jax.block_until_ready(compiled(*arguments)), answer)

    return fastest({name: form(*choice) for name, choice in FORMS.items()})


def steps(w: Step) -> Task:
    weights, values = problems.steps(w)
    weights, xs = jax.device_put((weights, list(values)))
    begin = zeros(w.cell, 1, w.units)

    @jax.jit
    def step(weights: Any, x: Any, states: Any) -> Any:
        return cell_step(w.cell, weights, states, projection(w.cell, weights, x))

    def run() -> Any:
        states = begin
        for x in xs:
            states = jax.block_until_ready(step(weights, x, states))
        return states

    return Task(run, lambda states: [np.asarray(s) for s in states], per=w.count)


TASKS = {
    Recurrent: recurrent,
    Step: steps,
    Import: lambda w: import_task("import jax"),
}
