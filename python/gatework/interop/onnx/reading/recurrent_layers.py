"""The layer of a recurrent node: a compiled one where there is one, else a cell of ONNX's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .... import layers
from .builder import Builder, Node
from .cells import DEFAULTS, FUNCTIONS, GraphCell

__all__ = ["DIRECTIONS", "KINDS", "Plan", "read_functions", "read_weights", "recurrent_layer"]

DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}

# Of each node: its layer, where our gates stand in ONNX's order, the functions it has by default.
KINDS: dict[str, tuple[Any, tuple[int, ...], tuple[str, ...]]] = {
    "LSTM": (layers.LSTM, (0, 2, 3, 1), ("sigmoid", "tanh", "tanh")),
    "GRU": (layers.GRU, (0, 1, 2), ("sigmoid", "tanh")),
    "RNN": (layers.SimpleRNN, (0,), ("tanh",)),
}

# Functions that the compiled cells have: our names, and what alpha and beta must be for each.
COMPILED: dict[str, dict[str, tuple[float, ...]]] = {
    "affine": {"linear": (1.0, 0.0)},
    "elu": {"elu": (1.0,)},
    "hardsigmoid": {"hard_sigmoid": (1 / 6, 0.5), "hard_sigmoid_keras2": (0.2, 0.5)},
    "leakyrelu": {"leaky_relu": (0.2,)},
    "relu": {"relu": ()},
    "scaledtanh": {"tanh": (1.0, 1.0)},
    "sigmoid": {"sigmoid": ()},
    "softplus": {"softplus": ()},
    "softsign": {"softsign": ()},
    "tanh": {"tanh": ()},
}

Function = tuple[str, float, float]  # name, alpha, beta


@dataclass(frozen=True)
class Plan:
    """What a node computes, its arrays checked.

    Args:
        kind: "LSTM", "GRU" or "RNN".
        w: (directions, gates * units, features).
        r: (directions, gates * units, units).
        b: (directions, 2 * gates * units), or None.
        p: (directions, 3 * units), or None.
        functions: those of each direction.
        options: clip, input_forget, linear_before_reset.
    """

    kind: str
    w: np.ndarray
    r: np.ndarray
    b: np.ndarray | None
    p: np.ndarray | None
    functions: list[list[Function]]
    options: Mapping[str, Any]

    @property
    def directions(self) -> int:
        return int(self.w.shape[0])

    @property
    def units(self) -> int:
        return int(self.r.shape[2])

    @property
    def after(self) -> bool:
        """Whether a GRU's reset gate comes after the product."""
        return bool(self.options["linear_before_reset"])

    def names(self, direction: int) -> list[str] | None:
        """Our names of the functions, if a compiled cell computes what this node does."""
        if self.options["input_forget"]:
            return None
        found = [_compiled(*function) for function in self.functions[direction]]
        if "" in found:
            return None
        # A compiled LSTM has one function for its cell and its output.
        return None if len(found) == 3 and found[1] != found[2] else found[:2]


def _compiled(name: str, *values: float) -> str:
    """Our name of a function; empty if the compiled cells do not have it."""
    for ours, needed in COMPILED.get(name, {}).items():
        pairs = zip(values, needed, strict=False)
        if all(math.isclose(value, wanted, rel_tol=1e-6) for value, wanted in pairs):
            return ours
    return ""


def recurrent_layer(
    builder: Builder, node: Node, plan: Plan, direction: str, settings: Mapping[str, bool]
) -> tuple[Any, list[tuple[Any, list[np.ndarray]]]]:
    """The layer, and the weights of the parts of it that have some."""
    name = builder.name_for(node)
    if direction != "bidirectional":
        layer = _one(plan, 0, direction == "reverse", settings, name)
        return layer, [(layer, _arrays(plan, 0))]
    forward = _one(plan, 0, False, settings, builder.name_for(node, "_cell"))
    backward = _one(plan, 1, True, settings, f"backward_{forward.name}")
    same = plan.functions[0] == plan.functions[1]
    both = layers.Bidirectional(forward, backward_layer=None if same else backward, name=name)
    return both, [
        (both.forward_layer, _arrays(plan, 0)),
        (both.backward_layer, _arrays(plan, 1)),
    ]


def _one(
    plan: Plan, direction: int, backwards: bool, settings: Mapping[str, bool], name: str | None
) -> Any:
    """The layer of one direction."""
    names = plan.names(direction)
    given: dict[str, Any] = {**settings, "go_backwards": backwards, "name": name}
    if names is None:
        cell = GraphCell(
            plan.kind,
            plan.units,
            plan.functions[direction],
            peepholes=plan.p is not None,
            **plan.options,
        )
        return layers.RNN(cell, **given)
    given |= {"activation": names[-1], "use_bias": plan.b is not None}
    if plan.options["clip"]:
        given["activation_clip"] = plan.options["clip"]
    if plan.p is not None:
        given["peepholes"] = True
    if len(names) > 1:
        given["recurrent_activation"] = names[0]
    if plan.kind == "GRU":
        given["reset_after"] = plan.after
    return KINDS[plan.kind][0](plan.units, **given)


def _arrays(plan: Plan, direction: int) -> list[np.ndarray]:
    """The weights of one direction, as its layer has them."""
    w, r = plan.w[direction], plan.r[direction]
    b = None if plan.b is None else plan.b[direction]
    if plan.names(direction) is None:
        bias = np.zeros(2 * w.shape[0], np.float32) if b is None else b
        return [w.T, r.T, bias] + ([] if plan.p is None else [plan.p[direction]])
    order = KINDS[plan.kind][1]

    def by_gate(array: np.ndarray) -> np.ndarray:
        blocks = np.split(array, len(order))
        return np.concatenate([blocks[place] for place in order])

    found = [by_gate(w).T, by_gate(r).T]
    if b is not None:
        inputs, recurrent = (by_gate(half) for half in np.split(b, 2))
        apart = plan.kind == "GRU" and plan.after
        found.append(np.stack([inputs, recurrent]) if apart else inputs + recurrent)
    if plan.p is not None:
        p_i, p_o, p_f = np.split(plan.p[direction], 3)
        found.append(np.stack([p_i, p_f, p_o]))
    return found


def read_weights(
    node: Node, arrays: Sequence[Any], directions: int, units: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
    """W, R, B and P, of sizes that fit each other; P is None if it does nothing."""
    gates = len(KINDS[node.op][1])
    for name, array in zip("WRBP", arrays, strict=True):
        if array is not None and not isinstance(array, np.ndarray):
            node.refuse(f"{name} must be a constant, not depend on the inputs")
    w, r, b, p = arrays
    if w is None or r is None or w.ndim != 3 or r.ndim != 3:
        node.refuse("W and R must be constants with three axes")
    size = int(r.shape[2])
    if units is not None and units != size:
        node.refuse(f"hidden_size must be {size} as R has it, not {units}")
    expected = {
        "W": (w, (directions, gates * size, w.shape[2])),
        "R": (r, (directions, gates * size, size)),
        "B": (b, (directions, 2 * gates * size)),
        "P": (p, (directions, 3 * size)),
    }
    for name, (array, shape) in expected.items():
        if array is not None and array.shape != shape:
            node.refuse(f"{name} must have shape {shape}, not {array.shape}")
    if min(size, int(w.shape[2])) < 1:
        node.refuse("W and R must not be empty")
    return w, r, b, p if p is not None and p.any() else None


def read_functions(node: Node, directions: int, attributes: dict[str, Any]) -> list[list[Function]]:
    """The functions of each direction; takes what it reads out of the attributes."""
    default = KINDS[node.op][2]
    given = attributes.pop("activations", None) or list(default) * directions
    values = [
        iter(attributes.pop(key, None) or ()) for key in ("activation_alpha", "activation_beta")
    ]
    if len(given) != len(default) * directions:
        node.refuse(f"activations must be {len(default) * directions}, not {len(given)}")
    found: list[Function] = []
    for function in given:
        name = str(function).lower()
        if name not in FUNCTIONS:
            node.refuse(f"activations must be of {', '.join(FUNCTIONS)}, not {function!r}")
        # Only functions that take a value use one up.
        own = [float(next(v, d)) for v, d in zip(values, DEFAULTS.get(name, ()), strict=False)]
        found.append((name, *own, *[0.0] * (2 - len(own))))  # type: ignore[arg-type]
    if any(True for rest in values for _ in rest):
        node.refuse("activation_alpha and activation_beta must be for functions that have them")
    return [found[i : i + len(default)] for i in range(0, len(found), len(default))]
