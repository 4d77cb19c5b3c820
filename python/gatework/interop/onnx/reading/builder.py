"""Layers, called on symbolic tensors as the graph is read."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from .... import layers
from ....layers.symbolic import KerasTensor
from .operation import Operation
from .source import read_array
from .values import Atom, Filled, Group, Parts, Steps, View, size_of

__all__ = ["Builder", "Node"]


@dataclass(frozen=True)
class Node:
    """A node of the graph."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    def refuse(self, reason: str) -> NoReturn:
        """Raises ValueError: this node cannot be imported."""
        place = f" '{self.name}'" if self.name else f" that makes '{self.outputs[0]}'"
        raise ValueError(f"{self.op}{place} cannot be imported: {reason}")


class Builder:
    """What is known while the nodes are converted, one after the other.

    Args:
        outputs: names of the graph's outputs.
        opset: version of the operators.
        folder: where tensors in other files may lie.
    """

    def __init__(self, outputs: Sequence[str], opset: int, folder: Path | None) -> None:
        self.opset = opset
        self.folder = folder
        self.values: dict[str, Any] = {}
        self.uses = Counter(outputs)
        self.results = frozenset(outputs)
        self.consumers: dict[str, list[Node]] = defaultdict(list)
        self.makers: dict[str, Node] = {}
        self.done: set[int] = set()
        self._names: set[str] = set()

    # --- the graph ----------------------------------------------------------------------------

    def watch(self, nodes: Sequence[Node]) -> None:
        """Counts who needs what: nodes that nobody needs are left out."""
        for node in reversed(nodes):
            if any(self.uses[name] for name in node.outputs if name):
                self.uses.update(name for name in node.inputs if name)
                self.makers.update((name, node) for name in node.outputs if name)
                for name in filter(None, node.inputs):
                    self.consumers[name].insert(0, node)

    def used(self, node: Node, place: int) -> bool:
        """Whether anything needs an output of a node."""
        return place < len(node.outputs) and self.uses[node.outputs[place]] > 0

    def only_consumer(self, node: Node) -> Node | None:
        """The one node that needs a node's first output; None if there are others."""
        name = node.outputs[0]
        if self.uses[name] != 1 or name in self.results:
            return None
        return self.consumers[name][0]

    def array(self, tensor: Any) -> np.ndarray:
        """The values of a tensor in the graph, floats as float32."""
        found = read_array(tensor, self.folder)
        return found.astype(np.float32) if found.dtype.kind == "f" else found

    def name_for(self, node: Node, suffix: str = "") -> str | None:
        """A layer's name; None if the node has none."""
        base = re.sub(r"[^A-Za-z0-9_.-]+", "_", node.name).strip("_.-")[:80]
        if not base:
            return None
        base, count = base + suffix, 1
        name = base
        while name in self._names:
            name, count = f"{base}_{count}", count + 1
        self._names.add(name)
        return name

    # --- layers -------------------------------------------------------------------------------

    def call(
        self, layer: Any, inputs: Any, weights: Sequence[np.ndarray] | None = None, **kwargs: Any
    ) -> Any:
        """The symbolic outputs of a layer, with its weights set."""
        outputs = layer(inputs, **kwargs)
        if weights is not None:
            layer.set_weights(weights)
        return outputs

    def operate(
        self,
        operation: str,
        inputs: Any,
        constant: np.ndarray | None = None,
        place: int = 1,
        **attributes: Any,
    ) -> KerasTensor:
        """One operation on a tensor or several."""
        shape = None if constant is None else constant.shape
        layer = Operation(operation, attributes, constant=shape, place=place)
        result = self.call(layer, inputs, None if constant is None else [constant])
        assert isinstance(result, KerasTensor)
        return result

    # --- views --------------------------------------------------------------------------------

    def view(self, node: Node, value: Any) -> View:
        """A value as one view; parts are joined."""
        if isinstance(value, View):
            return value
        if isinstance(value, Parts):
            return self.joined(value)
        if isinstance(value, Steps) and value.kind == "real":
            return value.mask.over(self.operate("Cast", value.mask.tensor, dtype="float32"))
        node.refuse("an operand must depend on the inputs, not be a constant")

    def joined(self, parts: Parts) -> View:
        """Parts as one tensor, side by side in its last axis."""
        tensors = [self.arrange(part, part.axes) for part in parts.parts]
        axes = list(parts.parts[0].axes)
        both: Group = (Atom(len(tensors)),)
        if len(tensors) == 1:
            return parts.parts[0].with_axes([*axes[: parts.axis], (), *axes[parts.axis :]])
        tensor = self.call(layers.Concatenate(axis=-1), tensors)
        home = (*axes[:-1], both + axes[-1])
        return View(tensor, home, (*axes[: parts.axis], both, *axes[parts.axis :]))

    def plain(self, node: Node, value: Any) -> KerasTensor:
        """The tensor as the graph sees it."""
        view = self.view(node, value)
        return self.arrange(view, view.axes)

    def arrange(self, view: View, groups: Sequence[Group]) -> KerasTensor:
        """The tensor with these axes."""
        wanted = tuple(groups)
        if wanted == view.home:
            return view.tensor
        atoms = [atom for group in view.home for atom in group]
        order = [atom for group in wanted for atom in group]
        if atoms == order:
            return self._regrouped(view.tensor, view.home, wanted)
        if view.with_axes(wanted).pattern() is None:
            single = tuple((atom,) for atom in atoms)
            tensor = self._regrouped(view.tensor, view.home, single)
            turned = tuple((atom,) for atom in order)
            tensor = self._turned(tensor, [single.index(group) for group in turned])
            return self._regrouped(tensor, turned, wanted)
        # Axes of size one all look alike: each may be used once.
        left: list[Any] = list(view.home)
        perm = []
        for group in wanted:
            perm.append(left.index(group))
            left[perm[-1]] = None
        return self._turned(view.tensor, perm)

    def _turned(self, tensor: KerasTensor, perm: Sequence[int]) -> KerasTensor:
        if list(perm) == list(range(len(perm))):
            return tensor
        if perm[0] == 0:
            result: KerasTensor = self.call(layers.Permute(tuple(perm[1:])), tensor)
            return result
        return self.operate("Transpose", tensor, perm=list(perm))

    def _regrouped(
        self, tensor: KerasTensor, home: Sequence[Group], groups: Sequence[Group]
    ) -> KerasTensor:
        if tuple(home) == tuple(groups):
            return tensor
        known = [size_of(group) for group in groups]
        sizes = [size if isinstance(size, int) else -1 for size in known]
        if home and groups and home[0] == groups[0] and sizes[1:].count(-1) <= 1:
            result: KerasTensor = self.call(layers.Reshape(tuple(sizes[1:])), tensor)
            return result
        if sizes.count(-1) > 1:
            raise ValueError("the graph reshapes a tensor in a way that needs two unknown sizes")
        return self.operate("Reshape", tensor, sizes=sizes)

    def isolated(self, view: View, axis: int) -> tuple[View, int]:
        """The view, its tensor reshaped if need be, and the tensor's axis that is one of its own.

        Raises:
            ValueError: for axes that the tensor holds in another order.
        """
        group = view.axes[axis]
        if group in view.home:
            if group:
                return view, view.home.index(group)
            pattern = view.pattern()
            if pattern is not None:
                return self.viewed(view), axis
        if not group:
            return self.viewed(view), axis
        home: list[Group] = []
        for one in view.home:
            if set(group) <= set(one):
                start = one.index(group[0])
                if one[start : start + len(group)] != group:
                    break
                pieces = (one[:start], group, one[start + len(group) :])
                home += [piece for piece in pieces if piece]
            else:
                home.append(one)
        else:
            tensor = self._regrouped(view.tensor, view.home, home)
            return View(tensor, tuple(home), view.axes), home.index(group)
        return self.viewed(view), axis

    def viewed(self, view: View) -> View:
        """A view whose tensor has the axes that the graph sees."""
        return View(self.arrange(view, view.axes), view.axes, view.axes)


def constant_of(node: Node, name: str, value: Any) -> np.ndarray:
    """A value that must be known."""
    if isinstance(value, Filled) and value.sizes is not None and None not in value.sizes:
        sizes = [n for n in value.sizes if isinstance(n, int)]
        if len(sizes) == len(value.sizes) and np.prod(sizes, dtype=object) <= 1 << 20:
            return np.full(sizes, value.value, np.float32)
    if not isinstance(value, np.ndarray):
        node.refuse(f"{name} must be a constant, not depend on the inputs")
    return value
