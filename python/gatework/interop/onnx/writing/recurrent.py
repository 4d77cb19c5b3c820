"""LSTM, GRU and RNN nodes, one or both directions, with masks of any form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import tree
from ....layers.recurrent import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from .activations import recurrent_activation
from .graph import Graph, Value

__all__ = ["bidirectional", "recurrent"]

# The node of a cell, and where its gates stand in ours: ONNX has i, o, f, g; z, r, n.
CELLS: dict[type, tuple[str, tuple[int, ...]]] = {
    LSTMCell: ("LSTM", (0, 3, 1, 2)),
    GRUCell: ("GRU", (0, 1, 2)),
    SimpleRNNCell: ("RNN", (0,)),
}


class PackedSteps:
    """Brings the real steps of each row to its front, as ``sequence_lens`` needs, and back.

    Args:
        mask: (batch, time), true at real steps.
    """

    def __init__(self, mask: Value) -> None:
        graph = mask.graph
        self.mask = mask
        real = mask.cast("int64")
        one = graph.constant(np.array(1, np.int64))
        self.lengths = real.reduce("ReduceSum", 1).cast("int32")
        self._count = graph.op("CumSum", real, one, dtype="int64")
        last = graph.constant(np.array(np.iinfo(np.int64).max, np.int64))
        key = graph.op("Where", mask, self._count, last, dtype="int64")
        self._order = graph.ops(
            "TopK", 2, key, mask.size(1), axis=1, largest=0, sorted=1, dtype="int64"
        )[1]
        before = graph.op("Sub", self._count, one, dtype="int64")
        zero = graph.constant(np.array(0, np.int64))
        self._place = graph.op("Max", before, zero, dtype="int64")
        self._started = graph.op("Greater", self._count, zero, dtype="bool")

    def pack(self, x: Value) -> Value:
        """(batch, time, features), real steps first."""
        return x.graph.op("GatherND", x, self._order.unsqueeze(2), batch_dims=1)

    def unpack(self, y: Value, zero_output: bool, initial: Value | None) -> Value:
        """Outputs where the steps were. A masked step repeats what was before, or puts out zeros.

        Args:
            y: (batch, time, units) of packed steps.
            zero_output: masked steps put out zeros.
            initial: (batch, units): the output before the first real step; zeros by default.
        """
        spread = y.graph.op("GatherND", y, self._place.unsqueeze(2), batch_dims=1)
        if zero_output:
            return self.mask.unsqueeze(2).where(spread, 0.0)
        first = 0.0 if initial is None else initial.unsqueeze(1)
        return self._started.unsqueeze(2).where(spread, first)

    def final(self, state: Value, initial: Value | None) -> Value:
        """A final state (batch, units); a row without real steps keeps its initial one."""
        if initial is None:
            return state
        graph = state.graph
        some = graph.op("Greater", self.lengths, graph.constant(np.array(0, np.int32)))
        return some.unsqueeze(1).where(state, initial)


def _packed(graph: Graph, mask: Value) -> PackedSteps:
    """Made once for all layers that share a mask."""
    if mask.name not in graph.packed_steps:
        graph.packed_steps[mask.name] = PackedSteps(mask)
    found: PackedSteps = graph.packed_steps[mask.name]
    return found


def _weights(graph: Graph, cells: Sequence[Any]) -> list[Value | None]:
    """W (directions, gates * units, features), R (... units), B (directions, 2 * gates * units)."""
    order = CELLS[type(cells[0])][1]

    def by_gate(array: np.ndarray) -> np.ndarray:
        blocks = np.split(array, len(order), axis=-1)
        return np.concatenate([blocks[place] for place in order], axis=-1)

    def bias(cell: Any) -> np.ndarray:
        value = cell.bias.numpy()
        # Only a GRU with reset_after has a bias of its own on the recurrent side.
        both = value if value.ndim == 2 else np.stack([value, np.zeros_like(value)])
        return by_gate(both).ravel()

    first = cells[0]
    found: list[Value | None] = [
        graph.weight(first.kernel, "W", np.stack([by_gate(c.kernel.numpy()).T for c in cells])),
        graph.weight(
            first.recurrent_kernel,
            "R",
            np.stack([by_gate(c.recurrent_kernel.numpy()).T for c in cells]),
        ),
    ]
    if first.bias is not None:
        found.append(graph.weight(first.bias, "B", np.stack([bias(c) for c in cells])))
    else:
        found.append(None)
    return found


def _attributes(cells: Sequence[Any], direction: str) -> dict[str, Any]:
    kind = CELLS[type(cells[0])][0]
    given: dict[str, Any] = {"hidden_size": cells[0].units, "direction": direction}
    if kind == "GRU":
        given["linear_before_reset"] = int(cells[0].reset_after)
    functions = []
    for cell in cells:
        inner = recurrent_activation("activation", cell.activation)
        if kind == "RNN":
            functions.append(inner)
            continue
        gate = recurrent_activation("recurrent_activation", cell.recurrent_activation)
        functions += [gate, inner] + [inner] * (kind == "LSTM")
    names = [name for name, _, _ in functions]
    default = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
    if names != default[kind] * len(cells):
        given["activations"] = names
        # Values are for the functions that take one, in order.
        for key, place in (("activation_alpha", 1), ("activation_beta", 2)):
            values = [f[place] for f in functions if f[place] is not None]
            if values:
                given[key] = values
    return given


class _Run:
    """One node: the cells of one or both directions over (batch, time, features).

    ``outputs()`` are (batch, time, directions * units) in the order of time, ``states`` (batch,
    units) of each direction.
    """

    def __init__(
        self,
        graph: Graph,
        cells: Sequence[Any],
        direction: str,
        x: Value,
        mask: Value | None,
        initial: Sequence[Value] | None,
    ) -> None:
        self.graph, self.cells, self.initial = graph, cells, initial
        self.steps = None if mask is None else _packed(graph, mask)
        states = cells[0].states
        packed = x if self.steps is None else self.steps.pack(x)
        # Ours: the states of the first direction, then those of the other.
        given = [self._stacked(i) for i in range(states)]
        lengths = None if self.steps is None else self.steps.lengths
        self.y, *final = graph.ops(
            CELLS[type(cells[0])][0],
            1 + states,
            packed.transpose(1, 0, 2),
            *_weights(graph, cells),
            lengths,
            *given,
            **_attributes(cells, direction),
        )
        self.final = final

    def _stacked(self, state: int) -> Value | None:
        if self.initial is None:
            return None
        each = self.cells[0].states
        one = [self.initial[d * each + state].unsqueeze(0) for d in range(len(self.cells))]
        return one[0] if len(one) == 1 else self.graph.concat(one, axis=0)

    def outputs(self, zero_output: bool) -> Value:
        units = self.cells[0].units
        if len(self.cells) == 1:
            y = self.y.squeeze(1).transpose(1, 0, 2)
        else:
            y = self.y.transpose(2, 0, 1, 3).reshape(0, 0, len(self.cells) * units)
        if self.steps is None:
            return y
        before = None if self.initial is None or zero_output else self.initial[0]
        return self.steps.unpack(y, zero_output, before)

    def last(self) -> Value:
        """The final outputs of all directions, (batch, directions * units)."""
        if len(self.cells) == 1:
            return self.states()[0]
        return self.final[0].transpose(1, 0, 2).reshape(0, len(self.cells) * self.cells[0].units)

    def states(self) -> list[Value]:
        """The final states: those of the first direction, then those of the other."""
        found = []
        for d in range(len(self.cells)):
            for i, state in enumerate(self.final):
                one = state
                if len(self.cells) > 1:
                    one = one.slice(0, d, d + 1)
                one = one.squeeze(0)
                if self.steps is not None:
                    initial = None
                    if self.initial is not None:
                        initial = self.initial[d * len(self.final) + i]
                    one = self.steps.final(one, initial)
                found.append(one)
        return found


def _check(layer: Any) -> None:
    if layer.stateful:
        raise ValueError(
            "stateful must be False, not True: an ONNX graph keeps nothing between calls; make the "
            "states inputs and outputs, with initial_state and return_state"
        )
    for cell in _cells(layer):
        if type(cell) not in CELLS:
            raise ValueError(f"its cell must be an LSTM, GRU or SimpleRNN, not {cell!r}")


def _cells(layer: Any) -> list[Any]:
    """The cell of a layer, or those of its stack, lowest first."""
    cell = layer.cell
    return list(cell.cells) if type(cell) is StackedRNNCells else [cell]


def _listed(states: Any) -> list[Value] | None:
    return None if states is None else tree.flatten(states)


def _in_time(
    graph: Graph, layer: Any, x: Value, initial: Sequence[Value] | None
) -> tuple[Value, list[Value]]:
    """Outputs in the order of time, or the last one; and the states."""
    _check(layer)
    cells = _cells(layer)
    mask, backwards = x.mask, bool(layer.go_backwards)
    # A masked step repeats what was processed before it: going backwards, what comes after it.
    repeats = mask is not None and not layer.zero_output_for_mask
    turned = backwards and (repeats or len(cells) > 1)
    if turned:
        x, mask = x.flip(1), None if mask is None else mask.flip(1)
    direction = "reverse" if backwards and not turned else "forward"
    states: list[Value] = []
    given = None if initial is None else list(initial)
    for i, cell in enumerate(cells):
        last = i == len(cells) - 1
        own = None if given is None else given[len(states) : len(states) + cell.states]
        run = _Run(graph, [cell], direction, x, mask, own)
        found = run.states()
        states += found
        if last and not layer.return_sequences:
            return _last(layer, found[0], mask, direction), states
        x = run.outputs(layer.zero_output_for_mask and last)
    return (x.flip(1) if turned else x), states


def _last(layer: Any, output: Value, mask: Value | None, direction: str) -> Value:
    """The output of the step that is processed last."""
    if mask is None or not layer.zero_output_for_mask:
        return output
    ends = (0, 1) if direction == "reverse" else (-1, np.iinfo(np.int64).max)
    return mask.slice(1, *ends).where(output, 0.0)


def recurrent(graph: Graph, layer: Any, x: Value, initial_state: Any = None) -> Any:
    outputs, states = _in_time(graph, layer, x, _listed(initial_state))
    if layer.return_sequences:
        if layer.go_backwards:
            outputs = outputs.flip(1)
        outputs.mask = x.mask
    return [outputs, *states] if layer.return_state else outputs


def bidirectional(graph: Graph, layer: Any, x: Value, initial_state: Any = None) -> Any:
    directions = [layer.forward_layer, layer.backward_layer]
    for one in directions:
        _check(one)
    given = _listed(initial_state)
    alone = all(len(_cells(one)) == 1 for one in directions)
    joined = layer.merge_mode == "concat" and alone and _alike(*directions)
    if joined and not directions[0].go_backwards:
        cells = [one.cell for one in directions]
        run = _Run(graph, cells, "bidirectional", x, x.mask, given)
        if layer.return_sequences:
            results = [run.outputs(directions[0].zero_output_for_mask)]
        else:
            results = [run.last()]
        states = run.states()
    else:
        half = 0 if given is None else len(given) // 2
        parts = [None, None] if given is None else [given[:half], given[half:]]
        (forward, first), (backward, second) = (
            _in_time(graph, one, x, part) for one, part in zip(directions, parts, strict=True)
        )
        results, states = _merge(graph, layer.merge_mode, forward, backward), first + second
    if layer.return_sequences:
        if layer.go_backwards:
            results = [result.flip(1) for result in results]
        for result in results:
            result.mask = x.mask
    found = [*results, *states] if layer.return_state else results
    return found if len(found) > 1 else found[0]


def _alike(forward: Any, backward: Any) -> bool:
    """Whether one node can hold both directions."""
    a, b = forward.cell, backward.cell
    return type(a) is type(b) and all(
        getattr(a, name, None) == getattr(b, name, None)
        for name in ("units", "use_bias", "reset_after")
    )


def _merge(graph: Graph, mode: str | None, forward: Value, backward: Value) -> list[Value]:
    if mode is None:
        return [forward, backward]
    if mode == "concat":
        return [graph.concat([forward, backward], axis=-1)]
    if mode == "mul":
        return [forward * backward]
    return [(forward + backward) * 0.5 if mode == "ave" else forward + backward]
