"""LSTM, GRU and RNN nodes, one or both directions, with masks of any form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import tree
from ....layers.recurrent import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from .activations import recurrent_activation
from .graph import Graph, Value

__all__ = [
    "Run",
    "cells_of",
    "check_layer",
    "in_time",
    "one_direction",
    "projection_of",
    "recurrent",
    "states_of",
]

# The node of a cell, and where its gates stand in ours: ONNX has i, o, f, g; z, r, n.
CELLS: dict[type, tuple[str, tuple[int, ...]]] = {
    LSTMCell: ("LSTM", (0, 3, 1, 2)),
    GRUCell: ("GRU", (0, 1, 2)),
    SimpleRNNCell: ("RNN", (0,)),
}
KERNELS = frozenset({"lstm", "lstm_peephole", "gru", "gru_v1", "simple_rnn"})


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

    def recurrent_kernel(cell: Any) -> np.ndarray:
        # What is projected and multiplied again is multiplied by the product of both.
        kernel: np.ndarray = cell.recurrent_kernel.numpy()
        projection = projection_of(cell)
        return by_gate(kernel if projection is None else projection.numpy() @ kernel)

    first = cells[0]
    found: list[Value | None] = [
        graph.weight(first.kernel, "W", np.stack([by_gate(c.kernel.numpy()).T for c in cells])),
        graph.weight(first.recurrent_kernel, "R", np.stack([recurrent_kernel(c).T for c in cells])),
    ]
    if first.bias is not None:
        found.append(graph.weight(first.bias, "B", np.stack([bias(c) for c in cells])))
    else:
        found.append(None)
    return found


def projection_of(cell: Any) -> Any:
    """The weight that makes h smaller, or None."""
    return getattr(cell, "projection_kernel", None)


def _peepholes(graph: Graph, cells: Sequence[Any]) -> list[Value]:
    """P (directions, 3 * units): those of i, o and f, as ONNX has them; none without peepholes."""
    if not getattr(cells[0], "peepholes", False):
        return []
    both = [cell.peephole_kernel.numpy()[[0, 2, 1]].ravel() for cell in cells]
    return [graph.weight(cells[0].peephole_kernel, "P", np.stack(both))]


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
    if cells[0].activation_clip is not None:
        given["clip"] = cells[0].activation_clip
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


class Run:
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
        if initial is not None and any(projection_of(cell) is not None for cell in cells):
            raise ValueError("initial_state must not be given where there is a projection")
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
            *_peepholes(graph, cells),
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
        if self.steps is not None:
            before = None if self.initial is None or zero_output else self.initial[0]
            y = self.steps.unpack(y, zero_output, before)
        return self._projected(y)

    def _projected(self, h: Value) -> Value:
        projection = projection_of(self.cells[0])
        return h if projection is None else h @ self.graph.weight(projection, "projection")

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
                if i == 0:
                    one = self._projected(one)
                if self.steps is not None:
                    initial = None
                    if self.initial is not None:
                        initial = self.initial[d * len(self.final) + i]
                    one = self.steps.final(one, initial)
                found.append(one)
        return found


def check_layer(layer: Any) -> None:
    if layer.stateful:
        raise ValueError(
            "stateful must be False, not True: an ONNX graph keeps nothing between calls; make the "
            "states inputs and outputs, with initial_state and return_state"
        )
    for cell in cells_of(layer):
        if getattr(cell, "layer_normalization", False):
            raise ValueError("layer_normalization must be False, not True")
        if type(cell) not in CELLS or cell.kernel_name not in KERNELS:
            raise ValueError(f"its cell must be an LSTM, GRU or SimpleRNN, not {cell!r}")
        if getattr(cell, "cell_clip", None) is not None:
            raise ValueError(f"cell_clip must be None, not {cell.cell_clip}")
        for argument in ("zoneout", "cell_zoneout"):
            if getattr(cell, argument, 0.0):
                raise ValueError(f"{argument} must be 0, not {getattr(cell, argument)}")


def cells_of(layer: Any) -> list[Any]:
    """The cell of a layer, or those of its stack, lowest first."""
    cell = layer.cell
    return list(cell.cells) if isinstance(cell, StackedRNNCells) else [cell]


def states_of(states: Any) -> list[Value] | None:
    return None if states is None else tree.flatten(states)


def in_time(
    graph: Graph, layer: Any, x: Value, initial: Sequence[Value] | None
) -> tuple[Value, list[Value]]:
    """Outputs in the order of time, or the last one; and the states."""
    check_layer(layer)
    cells = cells_of(layer)
    if len(cells) == 1:
        return one_direction(graph, layer, cells[0], x, initial, layer.return_sequences)
    mask = x.mask
    if layer.go_backwards:
        x, mask = x.flip(1), None if mask is None else mask.flip(1)
    states: list[Value] = []
    for i, cell in enumerate(cells):
        last = i == len(cells) - 1
        own = None if initial is None else initial[len(states) : len(states) + cell.states]
        run = Run(graph, [cell], "forward", x, mask, own)
        found = run.states()
        states += found
        if last and not layer.return_sequences:
            return _last(layer, found[0], mask, "forward"), states
        x = run.outputs(layer.zero_output_for_mask and last)
    return (x.flip(1) if layer.go_backwards else x), states


def one_direction(
    graph: Graph,
    layer: Any,
    cell: Any,
    x: Value,
    initial: Sequence[Value] | None,
    sequences: bool,
) -> tuple[Value, list[Value]]:
    """What one cell of a layer puts out in the order of time, or last; and its states."""
    mask, backwards = x.mask, bool(layer.go_backwards)
    # A masked step repeats what was processed before it: going backwards, what comes after it.
    turned = backwards and mask is not None and not layer.zero_output_for_mask
    if turned:
        assert mask is not None
        x, mask = x.flip(1), mask.flip(1)
    direction = "reverse" if backwards and not turned else "forward"
    run = Run(graph, [cell], direction, x, mask, initial)
    states = run.states()
    if not sequences:
        return _last(layer, states[0], mask, direction), states
    outputs = run.outputs(layer.zero_output_for_mask)
    return (outputs.flip(1) if turned else outputs), states


def _last(layer: Any, output: Value, mask: Value | None, direction: str) -> Value:
    """The output of the step that is processed last."""
    if mask is None or not layer.zero_output_for_mask:
        return output
    ends = (0, 1) if direction == "reverse" else (-1, np.iinfo(np.int64).max)
    return mask.slice(1, *ends).where(output, 0.0)


def recurrent(graph: Graph, layer: Any, x: Value, initial_state: Any = None) -> Any:
    outputs, states = in_time(graph, layer, x, states_of(initial_state))
    if layer.return_sequences:
        if layer.go_backwards:
            outputs = outputs.flip(1)
        outputs.mask = x.mask
    return [outputs, *states] if layer.return_state else outputs
