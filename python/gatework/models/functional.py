"""What a model made of symbolic inputs and outputs can do."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from .. import tree
from ..layers.shapes import as_sizes, shape_of
from ..layers.stepping import not_stepwise, precision_of
from ..layers.symbolic import KerasTensor
from .graph import Graph
from .graph_inputs import GraphInputs
from .graph_steps import GraphCache

__all__ = ["GraphModel", "graph_arguments"]


def graph_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a model's arguments are inputs and outputs."""
    named = ("inputs" in kwargs) + ("outputs" in kwargs)
    return len(args) + named >= 2


class GraphModel:
    """The part of a model that concerns its graph, if it was made of inputs and outputs.

    A subclass of ``Model`` with a ``call`` of its own has none.
    """

    if TYPE_CHECKING:
        name: str
        built: bool

        def _track(self, value: Any) -> None: ...

    _graph: Graph | None = None
    _graph_inputs: GraphInputs | None = None
    output_names: list[str] | None = None

    def _set_graph(self, inputs: Any, outputs: Any) -> None:
        graph = Graph(inputs, outputs)
        for layer in graph.layers:
            self._track(layer)
        self._graph = graph
        self._graph_inputs = GraphInputs(graph)
        self.output_names = [_origin(tensor).name for tensor in graph.flat_outputs]
        self.built = True

    def _require_graph(self) -> Graph:
        if self._graph is None:
            raise AttributeError(
                f"{self.name!r} has no symbolic inputs and outputs: make it as "
                "Model(inputs, outputs) to have them"
            )
        return self._graph

    def _run_graph(self, inputs: Any, mask: Any = None) -> Any:
        graph, standardize = self._graph, self._graph_inputs
        if graph is None or standardize is None:
            raise NotImplementedError(f"{type(self).__name__} must implement call(inputs)")
        values = standardize(inputs)
        if mask is not None:
            masks = tree.flatten(mask)
            for value, one in zip(values, masks, strict=False):
                if one is not None:
                    value._keras_mask = one
        return graph.run(values)

    # --- step by step

    def _graph_cache(self, batch_size: int, max_length: int, others: Any = None) -> GraphCache:
        graph = self._require_graph()
        if others is None:
            if len(graph.flat_inputs) > 1:
                names = ", ".join(repr(name) for name in self.input_names)
                raise not_stepwise(self, f"it has several inputs, {names}")
            others = [None]
        sequence = next(i for i, value in enumerate(others) if value is None)
        return GraphCache(graph, sequence, others, batch_size, max_length)

    def _step_graph(self, inputs: Any, cache: GraphCache) -> Any:
        standardize = self._graph_inputs
        assert standardize is not None  # set together with the graph
        with precision_of(self):
            return cache.advance(standardize.part(cache.sequence, inputs)), cache

    # --- description

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs in flat order."""
        return list(self._require_graph().flat_inputs)

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs in flat order."""
        return list(self._require_graph().flat_outputs)

    @property
    def input(self) -> Any:
        """The symbolic inputs in the structure in which they were given."""
        return self._require_graph().inputs

    @property
    def output(self) -> Any:
        """The symbolic outputs in the structure in which they were given."""
        return self._require_graph().outputs

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs in flat order."""
        return [_origin(tensor).name for tensor in self._require_graph().flat_inputs]

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or a list of shapes for several."""
        return _one_or_all(shape_of(self.inputs))

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or a list of shapes for several."""
        return _one_or_all(shape_of(self.outputs))

    @property
    def operations(self) -> list[Any]:
        """Layers and operations on symbolic tensors, in the order in which files list them."""
        return list(self._require_graph().operations)

    def _graph_outputs(self, inputs: Any) -> Any:
        """Symbolic outputs of no graph for symbolic inputs."""
        graph, standardize = self._require_graph(), self._graph_inputs
        assert standardize is not None  # set together with the graph
        values = standardize(inputs)
        if [value.shape for value in values] == [tensor.shape for tensor in graph.flat_inputs]:
            outputs = graph.outputs
            if len(graph.flat_outputs) == 1 and isinstance(outputs, list | tuple):
                outputs = graph.flat_outputs[0]
        else:
            outputs = graph.run_symbolically(values)
        return tree.map_structure(
            lambda leaf: KerasTensor(leaf.shape, leaf.dtype, self.name), outputs
        )

    def _graph_output_shape(self, input_shape: Any) -> Any:
        inputs = tree.map_structure(lambda leaf: KerasTensor(leaf.sizes), as_sizes(input_shape))
        return shape_of(self._graph_outputs(inputs))

    # --- configuration

    def _is_made_of_graph(self) -> bool:
        """Whether inputs and outputs are all that the class needs to be made again."""
        parameters = inspect.signature(type(self).__init__).parameters
        kinds = {parameter.kind for parameter in parameters.values()}
        return {"inputs", "outputs"} <= set(parameters) or {
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        } <= kinds


def _origin(tensor: KerasTensor) -> Any:
    assert tensor._keras_history is not None  # the graph has checked it
    return tensor._keras_history.operation


def _one_or_all(shapes: list[Any]) -> Any:
    return shapes[0] if len(shapes) == 1 else shapes
