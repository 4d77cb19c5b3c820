"""Random recurrent problems, and both ways to solve them: the reference and the compiled kernel.

Letters: B batch, T time, I input features, H units, G gates.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from gatework import reference
from numpy.typing import DTypeLike, NDArray

from .cells import CELLS

Array = NDArray[Any]

# Every kind of mask, as a function of (random generator, B, T).
MASKS: dict[str, Callable[[np.random.Generator, int, int], Array | None]] = {
    "none": lambda rng, b, t: None,
    "all real": lambda rng, b, t: np.ones((b, t), bool),
    "post": lambda rng, b, t: np.arange(t) < rng.integers(1, t + 1, (b, 1)),
    "pre": lambda rng, b, t: np.arange(t) >= rng.integers(0, t, (b, 1)),
    "holes": lambda rng, b, t: rng.random((b, t)) < 0.6,
    "some rows masked": lambda rng, b, t: (np.arange(b) % 2 == 1)[:, None] & np.ones((b, t), bool),
    "all masked": lambda rng, b, t: np.zeros((b, t), bool),
}

# What may be compared over several steps. hard_shrink is not continuous: a rounding error may move
# its value by 0.5. An exponential of an exponential leaves float32 within a few steps. Gates
# outside of [0, 1] let states grow, and rounding errors with them.
CONTINUOUS = sorted(set(reference.ACTIVATIONS) - {"hard_shrink", "exponential"})
GATES = ("sigmoid", "hard_sigmoid")


@dataclass(frozen=True)
class Problem:
    """The arguments of a forward pass, and the gradients of its results."""

    cell: str
    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: tuple[Array, ...] | None
    mask: Array | None
    dropout_mask: Array | None
    recurrent_dropout_mask: Array | None
    activation: str
    recurrent_activation: str
    go_backwards: bool
    zero_output_for_mask: bool
    return_sequences: bool
    peepholes: Array | None
    activation_clip: float | None
    cell_clip: float | None
    projection: Array | None
    zoneout: tuple[float, ...] | None
    zoneout_seed: int | None
    gamma: Array | None
    beta: Array | None
    epsilon: float
    dy: Array
    d_states: tuple[Array, ...]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What hypothesis prints: the arrays of a large problem would fill pages."""
        printer.text(f"<{self.cell}: x {self.x.shape}, units {len(self.recurrent_kernel)}>")

    def astype(self, dtype: DTypeLike) -> "Problem":
        """The same numbers in another float type."""

        def cast(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(cast(v) for v in value)
            if isinstance(value, np.ndarray) and value.dtype != bool:
                return value.astype(dtype)
            return value

        return replace(self, **{f.name: cast(getattr(self, f.name)) for f in fields(self)})


class Solution(NamedTuple):
    """What a forward and a backward pass give."""

    y: Array
    states: tuple[Array, ...]
    gradients: dict[str, Array]


def random_problem(
    cell: str,
    seed: np.random.Generator | int,
    batch: int,
    time: int,
    inputs: int,
    units: int,
    *,
    mask: str = "none",
    dropout: bool = False,
    recurrent_dropout: bool = False,
    bias: bool = True,
    initial_state: bool = True,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = True,
    activation_clip: float | None = None,
    cell_clip: float | None = None,
    projection: bool = False,
    zoneout: Literal["none", "drawn", "expected"] = "none",
) -> Problem:
    """A float32 problem whose weights are scaled so that activations neither die nor explode."""
    row = CELLS[cell]
    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 1.0) -> Array:
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    def dropped(*shape: int) -> Array:
        return (1.25 * (rng.random(shape) < 0.8)).astype(np.float32)

    columns = row.gates * units
    projects = projection and row.projects and units > 1
    outputs = (units + 1) // 2 if projects else units
    sizes = [outputs, *[units] * (row.states - 1)]
    states = tuple(normal(batch, size, scale=0.5) for size in sizes)
    return Problem(
        cell,
        normal(batch, time, inputs),
        normal(inputs, columns, scale=inputs**-0.5),
        normal(outputs, columns, scale=0.7 * outputs**-0.5),
        normal(*row.bias_shape(units), scale=0.5) if bias else None,
        states if initial_state else None,
        MASKS[mask](rng, batch, time),
        dropped(batch, inputs) if dropout else None,
        dropped(batch, outputs) if recurrent_dropout else None,
        activation,
        recurrent_activation,
        go_backwards,
        zero_output_for_mask,
        return_sequences,
        normal(row.peepholes, units, scale=0.5) if row.peepholes else None,
        activation_clip,
        cell_clip if row.clips else None,
        normal(units, outputs, scale=units**-0.5) if projects else None,
        None if zoneout == "none" else (0.3, 0.4)[: row.states],
        2**40 + 7 if zoneout == "drawn" else None,
        normal(row.gammas, units, scale=0.3) + np.float32(0.5) if row.gammas else None,
        normal(units, scale=0.3) if row.betas else None,
        0.01,
        normal(*((batch, time, outputs) if return_sequences else (batch, outputs))),
        tuple(normal(batch, size) for size in sizes),
    )


def zoneout_factors(problem: Problem) -> list[Array] | None:
    """What the reference takes for the rates and the seed of zoneout."""
    p = problem
    if p.zoneout is None:
        return None
    rows, columns = p.recurrent_kernel.shape
    shape = (*p.x.shape[:2], columns // CELLS[p.cell].gates)
    if p.zoneout_seed is None:
        drawn = tuple(np.broadcast_to(rate, shape) for rate in p.zoneout)
    else:
        drawn = reference.zoneout_masks(shape, p.zoneout, p.zoneout_seed)
    sizes = [rows, shape[2]]
    return [z[..., :n].astype(p.x.dtype) for z, n in zip(drawn, sizes, strict=False)]


def forward_by_reference(problem: Problem) -> tuple[Array, tuple[Array, ...], Any]:
    """y, the states and the cache, in the dtype of the problem."""
    p = problem
    outputs, states, cache = reference.recurrent(
        p.cell,
        p.x,
        (p.kernel, p.recurrent_kernel, p.bias),
        initial_state=p.initial_state,
        mask=p.mask,
        dropout_mask=p.dropout_mask,
        recurrent_dropout_mask=p.recurrent_dropout_mask,
        activation=p.activation,
        recurrent_activation=p.recurrent_activation,
        go_backwards=p.go_backwards,
        zero_output_for_mask=p.zero_output_for_mask,
        peepholes=p.peepholes,
        activation_clip=np.inf if p.activation_clip is None else p.activation_clip,
        cell_clip=np.inf if p.cell_clip is None else p.cell_clip,
        projection=p.projection,
        zoneout=zoneout_factors(p),
        gamma=p.gamma,
        beta=p.beta,
        epsilon=p.epsilon,
    )
    return outputs if p.return_sequences else outputs[:, -1], states, cache


def solve_by_reference(problem: Problem) -> Solution:
    """In the dtype of the problem."""
    y, states, cache = forward_by_reference(problem)
    d_outputs = problem.dy
    if not problem.return_sequences:
        d_outputs = np.zeros((*problem.x.shape[:2], y.shape[-1]), y.dtype)
        d_outputs[:, -1] = problem.dy
    g = reference.recurrent_backward(cache, d_outputs, problem.d_states)
    weights = (g["kernel"], g["recurrent_kernel"], g["bias"])
    optional = (g["peepholes"], g["projection"], g["gamma"], g["beta"])
    return Solution(y, states, _named(g["x"], *weights, g["initial_state"], *optional))


def solve_by_kernel(problem: Problem, **options: Any) -> Solution:
    """In float32, on the instruction set and the threads chosen."""
    from gatework import _core

    p = problem
    y, states, saved = _core.recurrent_forward(**forward_arguments(p), keep=True, **options)
    gradients = _core.recurrent_backward(saved, p.dy, p.d_states, True)
    return Solution(y, states, _named(*gradients))


def forward_arguments(problem: Problem) -> dict[str, Any]:
    """The arguments of ``_core.recurrent_forward`` but ``keep``."""
    given = {f.name: getattr(problem, f.name) for f in fields(problem)[:-2]}
    given["initial_states"] = given.pop("initial_state")
    return given


def _named(
    x: Array | None,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    initial_state: tuple[Array, ...],
    peepholes: Array | None,
    projection: Array | None,
    gamma: Array | None,
    beta: Array | None,
) -> dict[str, Array]:
    gradients = {"x": x, "kernel": kernel, "recurrent_kernel": recurrent_kernel, "bias": bias}
    gradients |= {"peepholes": peepholes, "projection": projection, "gamma": gamma, "beta": beta}
    gradients |= {f"initial_state[{i}]": d for i, d in enumerate(initial_state)}
    return {name: gradient for name, gradient in gradients.items() if gradient is not None}
