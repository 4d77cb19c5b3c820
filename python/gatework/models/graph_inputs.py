"""What a graph is called with, matched to its inputs: by place, by name, rank and dtype."""

from __future__ import annotations

from typing import Any

from .. import ops, tree
from ..autograd import Tensor, as_tensor
from ..layers.core import Embedding
from ..layers.symbolic import KerasTensor
from .graph import Graph

__all__ = ["GraphInputs"]


class GraphInputs:
    """Brings the inputs of a call into the flat order of a graph's inputs.

    Args:
        graph: the graph.
    """

    def __init__(self, graph: Graph) -> None:
        self._struct = graph.inputs
        self._flat = graph.flat_inputs
        self._alone = len(self._flat) == 1
        self.names: list[str] = [_layer_of(tensor).name for tensor in self._flat]
        self._optional = [_layer_of(tensor).optional for tensor in self._flat]
        readers: dict[int, list[Any]] = {id(tensor): [] for tensor in self._flat}
        for node in graph.nodes:
            for tensor in node.inputs:
                readers.get(id(tensor), []).append(node.operation)
        # Ids need no detour over float32, which is the dtype of an Input unless told otherwise and
        # holds whole numbers up to 2^24 only.
        self._dtypes = [
            None
            if all(isinstance(reader, Embedding) for reader in readers[id(tensor)])
            else tensor.dtype
            for tensor in self._flat
        ]

    def __call__(self, inputs: Any) -> list[Any]:
        """The values in flat order.

        Raises:
            ValueError: if they are of another number, are named otherwise or have another shape.
        """
        if self._alone and isinstance(inputs, Tensor):
            return [self._fitting(0, inputs)]
        return [self._fitting(i, value) for i, value in enumerate(self._arranged(inputs))]

    def others(self, context: Any) -> list[Any]:
        """The values of the inputs in flat order, None for the one that is not given.

        Args:
            context: by name, all inputs but one; or a value, or a list of them, for all but the
                last.

        Raises:
            ValueError: if they are of another number, are named otherwise or have another shape.
        """
        if isinstance(context, dict):
            missing = [name for name in self.names if name not in context]
            strange = [name for name in context if name not in self.names]
            if len(missing) != 1 or strange:
                names = ", ".join(map(repr, self.names))
                raise ValueError(
                    f"context must hold all inputs of the model but one ({names}), "
                    f"not {', '.join(map(repr, context))}"
                )
            given = [context.get(name) for name in self.names]
        else:
            given = list(context) if isinstance(context, list | tuple) else [context]
            if len(given) != len(self._flat) - 1:
                raise ValueError(
                    f"context must be {len(self._flat) - 1} array(s), for the inputs "
                    f"({', '.join(self.names)}) but the last, not {len(given)}"
                )
            given.append(None)
        return [None if value is None else self._fitting(i, value) for i, value in enumerate(given)]

    def part(self, i: int, value: Tensor) -> Tensor:
        """A few steps of an input, in the dtype of the graph's."""
        dtype = self._dtypes[i]
        if dtype is None or value._value.dtype == dtype:
            return value
        return _keeping_mask(value, ops.cast(value, dtype))  # type: ignore[no-any-return]

    def _arranged(self, inputs: Any) -> list[Any]:
        struct = self._struct
        if isinstance(inputs, dict):
            keys = list(struct) if isinstance(struct, dict) else self.names
            if isinstance(struct, dict) and any(map(tree.is_nested, struct.values())):
                return self._counted(tree.flatten(inputs))
            missing = [key for key in keys if key not in inputs]
            if missing:
                raise ValueError(
                    f"inputs must have the keys {', '.join(map(repr, keys))}, "
                    f"not {', '.join(map(repr, inputs))}"
                )
            return [inputs[key] for key in (sorted(keys) if isinstance(struct, dict) else keys)]
        if isinstance(struct, dict) and not self._alone and list(struct) != sorted(struct):
            raise ValueError(
                "inputs must be a dict with the keys "
                f"{', '.join(map(repr, struct))}, not a {type(inputs).__name__}"
            )
        return self._counted(tree.flatten(inputs))

    def _counted(self, flat: list[Any]) -> list[Any]:
        if len(flat) != len(self._flat):
            raise ValueError(
                f"inputs must be {len(self._flat)} tensors ({', '.join(self.names)}), "
                f"not {len(flat)}"
            )
        return flat

    def _fitting(self, i: int, value: Any) -> Any:
        if value is None:
            if not self._optional[i]:
                raise ValueError(f"input '{self.names[i]}' must be given, not None")
            return None
        expected = self._flat[i].shape
        symbolic = isinstance(value, KerasTensor)
        if not symbolic:
            value = as_tensor(value)
            dtype = self._dtypes[i]
            if dtype is not None and value._value.dtype != dtype:
                value = _keeping_mask(value, ops.cast(value, dtype))
        found = value.shape
        if len(found) != len(expected):
            if len(found) == len(expected) + 1 and found[-1] == 1:
                value = _keeping_mask(value, ops.squeeze(value, -1))
            elif len(found) == len(expected) - 1 and expected[-1] == 1:
                value = _keeping_mask(value, ops.expand_dims(value, -1))
            found = value.shape
        # A batch says nothing about the size of those to come.
        if len(found) != len(expected) or any(
            size is not None and known is not None and size != known
            for size, known in zip(expected[1:], found[1:], strict=True)
        ):
            wanted = ", ".join("any" if n is None else str(n) for n in expected[1:])
            raise ValueError(
                f"input '{self.names[i]}' must have shape (batch{', ' * bool(wanted)}{wanted}), "
                f"not {tuple(found)}"
            )
        return value


def _layer_of(tensor: KerasTensor) -> Any:
    assert tensor._keras_history is not None  # the graph has checked it
    return tensor._keras_history.operation


def _keeping_mask(before: Any, after: Any) -> Any:
    after._keras_mask = before._keras_mask
    return after
