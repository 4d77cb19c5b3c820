"""LSTM, GRU and RNN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .builder import Builder, Node
from .operation import Operation
from .recurrent_layers import DIRECTIONS, Plan, read_functions, read_weights, recurrent_layer
from .values import Atom, Filled, Group, Parts, Steps, View

__all__ = ["gru", "lstm", "rnn"]


def lstm(
    builder: Builder,
    node: Node,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    sequence_lens: Any = None,
    initial_h: Any = None,
    initial_c: Any = None,
    p: Any = None,
    **attributes: Any,
) -> list[Any]:
    states = [initial_h, initial_c]
    return _convert(builder, node, x, (w, r, b, p), sequence_lens, states, attributes)


def gru(
    builder: Builder,
    node: Node,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    sequence_lens: Any = None,
    initial_h: Any = None,
    **attributes: Any,
) -> list[Any]:
    return _convert(builder, node, x, (w, r, b, None), sequence_lens, [initial_h], attributes)


def rnn(
    builder: Builder,
    node: Node,
    x: Any,
    w: Any,
    r: Any,
    b: Any = None,
    sequence_lens: Any = None,
    initial_h: Any = None,
    **attributes: Any,
) -> list[Any]:
    return _convert(builder, node, x, (w, r, b, None), sequence_lens, [initial_h], attributes)


def _convert(
    builder: Builder,
    node: Node,
    x: Any,
    arrays: Sequence[Any],
    lengths: Any,
    initial: Sequence[Any],
    attributes: Mapping[str, Any],
) -> list[Any]:
    """The outputs Y, Y_h and, of an LSTM, Y_c, in the graph's layout."""
    given = dict(attributes)
    direction = given.pop("direction", "forward")
    if direction not in DIRECTIONS:
        node.refuse(f"direction must be one of {', '.join(DIRECTIONS)}, not {direction!r}")
    layout = given.pop("layout", 0)
    if layout not in (0, 1):
        node.refuse(f"layout must be 0 or 1, not {layout}")
    given.pop("output_sequence", None)  # until opset 7
    options = {"clip": abs(float(given.pop("clip", 0.0)))}
    options["input_forget"] = bool(given.pop("input_forget", 0)) if node.op == "LSTM" else False
    after = node.op == "GRU" and bool(given.pop("linear_before_reset", 0))
    options["linear_before_reset"] = after
    units = given.pop("hidden_size", None)
    functions = read_functions(node, DIRECTIONS[direction], given)
    if given:
        node.refuse(f"it must not have the attribute {next(iter(given))!r}")
    found = read_weights(node, arrays, DIRECTIONS[direction], units)
    weights = Plan(node.op, *found, functions, options)

    # The graph's axes of inputs and states, whatever its layout.
    view = builder.view(node, x)
    if view.rank != 3:
        node.refuse(f"X must have three axes, not {view.rank}")
    batch, time = (view.axes[1], view.axes[0]) if layout == 0 else (view.axes[0], view.axes[1])
    features = view.sizes()[2]
    if features is not None and features != weights.w.shape[2]:
        node.refuse(f"X must have {weights.w.shape[2]} features as W has, not {features}")
    source = builder.arrange(view, (batch, time, view.axes[2]))

    called: dict[str, Any] = {}
    mask = _mask(builder, node, lengths, view, source)
    if mask is not None:
        called["mask"] = mask
    states = _initial(builder, node, initial, weights, source, layout)
    if states is not None:
        called["initial_state"] = states

    sequences = builder.used(node, 0)
    finals = [builder.used(node, 1), builder.used(node, 2)]
    apart = weights.directions > 1 and _chooses(builder, node)
    settings = {
        "return_sequences": sequences,
        "return_state": finals[1] or (finals[0] and (sequences or apart)),
        "zero_output_for_mask": sequences and mask is not None,
    }
    layer, parts = recurrent_layer(builder, node, weights, direction, settings)
    outputs = layer(source, **called)
    for part, values in parts:
        part.set_weights(values)
    results = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    if sequences and direction == "reverse":
        results[0] = builder.operate("Slice", results[0], axis=1, start=None, stop=None, step=-1)
    seen = _seen(results, settings, weights, batch, time, layout, len(initial))
    if sequences and view.packed is not None:
        if direction == "reverse":
            # Outputs come in the order of processing, so they turn around holes.
            layer.zero_output_for_mask = True
        seen[0] = replace(seen[0], packed=view.packed)
    return seen


def _chooses(builder: Builder, node: Node) -> bool:
    """Whether the final outputs are looked at one direction at a time."""
    choosing = ("Concat", "Gather", "Slice", "Split")
    return builder.used(node, 1) and any(
        user.op in choosing for user in builder.consumers[node.outputs[1]]
    )


def _seen(
    results: list[Any],
    settings: Mapping[str, bool],
    weights: Plan,
    batch: Group,
    time: Group,
    layout: int,
    states: int,
) -> list[Any]:
    """The layer's outputs as the graph sees them."""
    directions: Group = () if weights.directions == 1 else (Atom(weights.directions),)
    units: Group = () if weights.units == 1 else (Atom(weights.units),)
    axis = 1 if layout else 0
    found: list[Any] = [None] * (1 + states)
    if settings["return_sequences"]:
        home = (batch, time, directions + units)
        seen: tuple[Group, ...] = (time, directions, batch, units)
        seen = (batch, time, directions, units) if layout else seen
        found[0] = View(results[0], home, seen)
    if settings["return_state"]:
        for i in range(states):
            tensors = results[1 + i :: states]
            one = [View(tensor, (batch, units), (batch, units)) for tensor in tensors]
            found[1 + i] = Parts(tuple(one), axis)
    elif not settings["return_sequences"]:
        last = (batch, directions, units) if layout else (directions, batch, units)
        found[1] = View(results[0], (batch, directions + units), last)
    return found


def _mask(builder: Builder, node: Node, lengths: Any, view: View, source: Any) -> Any:
    """The mask of the steps that ``sequence_lens`` leaves, or None where it leaves all."""
    if view.packed is not None or isinstance(lengths, Steps):
        same = isinstance(lengths, Steps) and lengths.mask.tensor is view.packed
        if not same or lengths.kind != "lengths":
            node.refuse("sequence_lens must count the steps that were brought to the front")
        return view.packed
    time = source.shape[1]
    if lengths is None:
        return None
    if isinstance(lengths, Filled):
        node.refuse("sequence_lens must be lengths, not a constant of unknown size")
    if isinstance(lengths, np.ndarray):
        if time is None:
            node.refuse("sequence_lens must not be a constant where the time is unknown")
        if lengths.ndim != 1 or lengths.min(initial=0) < 0 or lengths.max(initial=0) > time:
            node.refuse(f"sequence_lens must lie in [0, {time}], not be {lengths.tolist()[:20]}")
        if (lengths == time).all():
            return None
        node.refuse("sequence_lens must depend on the inputs, not be a constant")
    layer = Operation("Steps")
    return layer([builder.plain(node, lengths), source])


def _initial(
    builder: Builder,
    node: Node,
    given: Sequence[Any],
    weights: Plan,
    source: Any,
    layout: int,
) -> list[Any] | None:
    """The states forward, then backward; None for zeros."""

    def zero(state: Any) -> bool:
        if isinstance(state, Filled):
            return state.value == 0
        return state is None or (isinstance(state, np.ndarray) and not state.any())

    if all(map(zero, given)):
        return None
    return [
        _state(builder, node, state, direction, weights, source, layout)
        for direction in range(weights.directions)
        for state in given
    ]


def _state(
    builder: Builder,
    node: Node,
    state: Any,
    direction: int,
    weights: Plan,
    source: Any,
    layout: int,
) -> Any:
    """The initial state (batch, units) of one direction."""
    axis = 1 if layout else 0
    if isinstance(state, Parts) and state.axis == axis:
        if len(state.parts) != weights.directions:
            node.refuse(f"initial states must be {weights.directions}, not {len(state.parts)}")
        one = state.parts[direction]
        return builder.arrange(one, one.axes)
    if isinstance(state, (View, Parts)):
        view = builder.view(node, state)
        sizes = view.sizes()
        fits = view.rank == 3 and sizes[axis] in (None, weights.directions)
        if not fits or sizes[2] not in (None, weights.units):
            node.refuse(
                f"initial states must have {weights.directions} direction(s) and {weights.units} "
                f"units, not sizes {sizes}"
            )
        seen = [group for i, group in enumerate(view.axes) if i != axis]
        if weights.directions == 1:
            if view.axes[axis] != ():
                return builder.operate("Take", builder.arrange(view, view.axes), axis=axis, index=0)
            return builder.arrange(view, seen)
        return builder.operate("Take", builder.arrange(view, view.axes), axis=axis, index=direction)
    row = _row(node, state, direction, weights, axis)
    return builder.operate("Rows", source, row)


def _row(node: Node, state: Any, direction: int, weights: Plan, axis: int) -> np.ndarray:
    """A constant state that is the same in every row."""
    if state is None:
        return np.zeros(weights.units, np.float32)
    if isinstance(state, Filled):
        return np.full(weights.units, state.value, np.float32)
    rows = np.moveaxis(state, axis, 0)
    if rows.ndim != 3 or (rows.shape[0], rows.shape[2]) != (weights.directions, weights.units):
        node.refuse(f"initial states must not have shape {state.shape}")
    rows = rows[direction]
    if not (rows == rows[:1]).all() or not len(rows):
        node.refuse("a constant initial state must be the same in every row of the batch")
    return np.ascontiguousarray(rows[0])
