"""Rules of the recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import tree
from ...layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
)
from ...layers.recurrent.steps import cells_in
from .builder import Builder, weight
from .plan import Value
from .table import rule

_CELLS = (LSTMCell, GRUCell, SimpleRNNCell)
_LAYERS = (RNN, LSTM, GRU, SimpleRNN)


@rule(*_LAYERS)
def _recurrent(b: Builder, layer: Any, x: Value, initial_state: Any = None) -> Any:
    cells = _checked_cells(b, layer)
    starts = _states_of(b, cells, initial_state)
    mask, backwards = x.mask, layer.go_backwards
    finals: list[Value] = []
    sequences = x
    for i, (cell, start) in enumerate(zip(cells, starts, strict=True)):
        last = i == len(cells) - 1
        sequences, *states = _cell(
            b,
            layer.name if len(cells) == 1 else f"{layer.name}.{i}",
            cell,
            sequences.with_mask(mask),
            start,
            go_backwards=backwards,
            return_sequences=layer.return_sequences or not last,
            zero_output_for_mask=layer.zero_output_for_mask and last,
            bf16=b.rounds(layer),
        )
        finals += states
        if backwards:  # from here on the last step comes first
            mask, backwards = _flipped(b, mask), False
    output = sequences.with_mask(x.mask if layer.return_sequences else None)
    return [output, *finals] if layer.return_state else output


def _checked_cells(b: Builder, layer: Any) -> list[Any]:
    if layer.stateful:
        b.refuse("is stateful: leave that out, and open a session, which keeps states")
    cells = list(cells_in(layer.cell))
    for cell in cells:
        if type(cell) not in _CELLS or "call" in vars(cell):
            b.refuse(f"runs a cell of Python, {type(cell).__name__}")
    if not layer._starts_from_zeros:
        b.refuse("has a cell that says what it starts from")
    return cells


def _states_of(b: Builder, cells: Sequence[Any], given: Any) -> list[list[Value]]:
    """The states that each cell starts from; none stands for zeros."""
    if given is None:
        return [[] for _ in cells]
    leaves = tree.flatten(given)
    counts = [cell.states for cell in cells]
    if len(leaves) != sum(counts) or not all(isinstance(leaf, Value) for leaf in leaves):
        b.refuse(f"is given an initial_state that is not {sum(counts)} tensors of the model")
    b.cannot_stream("starts from states that the model computes")
    left = iter(leaves)
    return [[next(left) for _ in range(count)] for count in counts]


def _cell(
    b: Builder, name: str, cell: Any, x: Value, start: Sequence[Value], **options: bool
) -> list[Value]:
    """All steps of one cell: its outputs, then its final states."""
    if options["go_backwards"]:
        b.cannot_stream("goes backwards: its first step needs the last input")
    if not x.time:
        b.cannot_stream("reads a sequence that is made of a single step")
    extra = cell.kernel_options()
    clip = extra.pop("cell_clip", None)
    epsilon = extra.pop("epsilon", None)
    named = {
        "kernel": cell.kernel,
        "recurrent_kernel": cell.recurrent_kernel,
        "bias": cell.bias,
        "peepholes": extra.pop("peepholes", None),
        "projection": extra.pop("projection", None),
        "gamma": extra.pop("gamma", None),
        "beta": extra.pop("beta", None),
    }
    if extra:
        b.refuse(f"has a cell with {', '.join(extra)}")
    cache, kernel = cell.packed, cell.kernel_name
    sizes = [cell.output_size, *([cell.units] if cell.states == 2 else [])]
    batch, time = x.shape[0], x.shape[1]
    whole = options["return_sequences"]
    output = (batch, time, sizes[0]) if whole else (batch, sizes[0])
    return b.emit_many(
        "recurrent",
        [x, *([] if x.mask is None else [x.mask]), *start],
        [(output, "floats", whole and x.time), *(((batch, n), "floats", False) for n in sizes)],
        {key: weight(variable) for key, variable in named.items()},
        {
            "cell": kernel,
            "activation": cell._activation_name,
            "recurrent_activation": cell._recurrent_activation_name,
            "activation_clip": cell.activation_clip,
            "cell_clip": clip,
            "epsilon": epsilon,
            "zoneout": list(cell.zoneouts) if any(cell.zoneouts) else None,
            "masked": x.mask is not None,
            "given_states": bool(start),
            **options,
        },
        name=name,
        packed=lambda: cache.get(kernel, *named.values(), bf16=options["bf16"]),
    )


def _flipped(b: Builder, x: Value | None) -> Value | None:
    """The steps in the other order."""
    return None if x is None else b.emit("flip", [x], x.shape, x.time, kind=x.kind)


@rule(Bidirectional)
def _bidirectional(b: Builder, layer: Any, x: Value, initial_state: Any = None) -> Any:
    pair = (layer.forward_layer, layer.backward_layer)
    if any(type(one) not in _LAYERS for one in pair):
        b.refuse("holds layers that are not the package's own")
    b.cannot_stream("reads the sequence backwards, from its last step")
    cells = [_checked_cells(b, one) for one in pair]
    given = [] if initial_state is None else list(initial_state)
    half = len(given) // 2
    starts = [
        _states_of(b, cells[0], given[:half] or None),
        _states_of(b, cells[1], given[half:] or None),
    ]
    if layer._levels > 1:
        outputs, finals = _levels(b, layer, x, cells, starts)
    else:
        outputs, finals = [], []
        for one, start in zip(pair, starts, strict=True):
            states = [state for of_cell in start for state in of_cell]
            found = _recurrent(b, one, x, states or None)
            outputs.append(found[0] if layer.return_state else found)
            finals += found[1:] if layer.return_state else []
    if layer.return_sequences:
        outputs[1] = _flipped(b, outputs[1])
    merged = _merged(b, layer.merge_mode, *outputs)
    mask = x.mask if layer.return_sequences else None
    results = merged if isinstance(merged, list) else [merged]
    results = [one.with_mask(mask) for one in results]
    if layer.return_state:
        return [*results, *finals]
    return results if isinstance(merged, list) else results[0]


def _levels(
    b: Builder, layer: Any, x: Value, cells: list[list[Any]], starts: list[list[list[Value]]]
) -> tuple[list[Any], list[Value]]:
    """Where each of several layers reads both directions of the one below."""
    sequences = x
    outputs: list[Value] = []
    finals: list[list[Value]] = [[], []]
    pair = (layer.forward_layer, layer.backward_layer)
    for level in range(layer._levels):
        last = level == layer._levels - 1
        outputs = []
        for way, one in enumerate(pair):
            output, *states = _cell(
                b,
                f"{one.name}.{level}",
                cells[way][level],
                sequences.with_mask(x.mask),
                starts[way][level],
                go_backwards=one.go_backwards,
                return_sequences=layer.return_sequences or not last,
                zero_output_for_mask=one.zero_output_for_mask,
                bf16=b.rounds(layer),
            )
            outputs.append(output)
            finals[way] += states
        if not last:
            merged = _merged(b, layer.merge_mode, outputs[0], _flipped(b, outputs[1]))
            sequences = _joined(b, *merged) if isinstance(merged, list) else merged
    return outputs, [*finals[0], *finals[1]]


def _joined(b: Builder, forward: Value, backward: Value) -> Value:
    shape = (*forward.shape[:-1], _sum(forward.shape[-1], backward.shape[-1]))
    axis = len(shape) - 1
    return b.emit("concatenate", [forward, backward], shape, forward.time, axis=axis)


def _sum(one: int | None, two: int | None) -> int | None:
    return None if one is None or two is None else one + two


def _merged(b: Builder, mode: str | None, forward: Any, backward: Any) -> Any:
    if mode is None:
        return [forward, backward]
    if mode == "concat":
        return _joined(b, forward, backward)
    op = "multiply" if mode == "mul" else "add"
    found = b.emit(op, [forward, backward], forward.shape, forward.time)
    if mode == "ave":
        found = b.emit("multiply", [found, b.constant(0.5)], found.shape, found.time)
    return found
