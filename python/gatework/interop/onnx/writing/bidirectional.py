"""Both directions: in one node where it can hold them, level by level where there are several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .graph import Graph, Value
from .recurrent import (
    Run,
    cells_of,
    check_layer,
    in_time,
    one_direction,
    projection_of,
    states_of,
)

__all__ = ["bidirectional"]


def bidirectional(graph: Graph, layer: Any, x: Value, initial_state: Any = None) -> Any:
    directions = [layer.forward_layer, layer.backward_layer]
    for one in directions:
        check_layer(one)
    given = states_of(initial_state)
    parts: list[Any] = [None, None]
    if given is not None:
        parts = [given[: len(given) // 2], given[len(given) // 2 :]]
    if getattr(directions[0], "num_layers", 1) > 1:
        results, states = _levels(graph, layer, x, parts)
    else:
        cells = [cells_of(one) for one in directions]
        if all(len(one) == 1 for one in cells):
            results, states = _both(graph, layer, [one[0] for one in cells], x, parts)
        else:
            (forward, first), (backward, second) = (
                in_time(graph, one, x, part) for one, part in zip(directions, parts, strict=True)
            )
            results, states = _merge(graph, layer.merge_mode, forward, backward), first + second
    if layer.return_sequences:
        if layer.go_backwards:
            results = [result.flip(1) for result in results]
        for result in results:
            result.mask = x.mask
    found = [*results, *states] if layer.return_state else results
    return found if len(found) > 1 else found[0]


def _levels(
    graph: Graph, layer: Any, x: Value, parts: Sequence[Any]
) -> tuple[list[Value], list[Value]]:
    """Several layers, both directions joined after each; states forward, then backward."""
    finals: list[list[Value]] = [[], []]
    levels = list(
        zip(*(cells_of(o) for o in (layer.forward_layer, layer.backward_layer)), strict=True)
    )
    for i, cells in enumerate(levels):
        sizes = [cell.states for cell in cells]
        own = [
            None if part is None else part[i * size : (i + 1) * size]
            for part, size in zip(parts, sizes, strict=True)
        ]
        last = i == len(levels) - 1
        results, states = _both(graph, layer, cells, x, own, between=not last)
        finals[0] += states[: sizes[0]]
        finals[1] += states[sizes[0] :]
        if not last:
            joined = results[0] if len(results) == 1 else graph.concat(results, axis=-1)
            x = Value(graph, joined.name, x.shape, mask=x.mask)
    return results, finals[0] + finals[1]


def _both(
    graph: Graph,
    layer: Any,
    cells: Sequence[Any],
    x: Value,
    parts: Sequence[Any],
    between: bool = False,
) -> tuple[list[Value], list[Value]]:
    """One cell in each direction: the outputs, joined, and the states of both."""
    directions = [layer.forward_layer, layer.backward_layer]
    sequences = layer.return_sequences or between
    zero = directions[0].zero_output_for_mask
    given = None if parts[0] is None else [*parts[0], *parts[1]]
    repeats = x.mask is not None and sequences and not zero
    joined = layer.merge_mode == "concat" and _alike(*cells) and not layer.go_backwards
    if joined and not repeats:
        run = Run(graph, cells, "bidirectional", x, x.mask, given)
        return [run.outputs(zero) if sequences else run.last()], run.states()
    outputs, states = [], []
    for one, cell, part in zip(directions, cells, parts, strict=True):
        result, final = one_direction(graph, one, cell, x, part, sequences)
        outputs.append(result)
        states += final
    return _merge(graph, layer.merge_mode, *outputs), states


def _alike(a: Any, b: Any) -> bool:
    """Whether one node can hold both directions."""
    return (
        type(a) is type(b)
        and all(
            getattr(a, name, None) == getattr(b, name, None)
            for name in ("units", "use_bias", "reset_after", "activation_clip", "peepholes")
        )
        and projection_of(a) is None
        and projection_of(b) is None
    )


def _merge(graph: Graph, mode: str | None, forward: Value, backward: Value) -> list[Value]:
    if mode is None:
        return [forward, backward]
    if mode == "concat":
        return [graph.concat([forward, backward], axis=-1)]
    if mode == "mul":
        return [forward * backward]
    return [(forward + backward) * 0.5 if mode == "ave" else forward + backward]
