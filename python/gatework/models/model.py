"""Model: a layer that can be trained, saved and summarised."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Sequence
from typing import Any, Self, cast

from ..autograd import Array
from ..layers.base import Layer, finishing
from ..layers.shapes import as_shapes, shape_of
from ..layers.stepping import not_stepwise
from .functional import GraphModel, graph_arguments
from .functional_config import GRAPH_KEYS, graph_config, graph_from_config
from .generation import Generation
from .trainer import Trainer


class Model(GraphModel, Trainer, Generation, Layer):
    """A layer that trains: made of symbolic inputs and outputs, or by subclassing.

    ``Model(inputs, outputs)`` computes the outputs as they were computed from the inputs. Both are
    results of ``Input`` and layers, alone or in lists, tuples and dictionaries. A subclass creates
    layers in ``__init__`` and uses them in ``call(inputs, training=None)`` instead; it may also
    pass inputs and outputs on to ``super().__init__`` and override only ``train_step``.

    Args:
        inputs: symbolic inputs, in any structure.
        outputs: symbolic outputs, in any structure.
        name: the class name in snake case when None.
        trainable: False freezes all weights.

    Raises:
        ValueError: for outputs that do not follow from the inputs, or two layers of one name.
        TypeError: for an unknown argument.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls is Model and graph_arguments(args, kwargs):
            cls = cast(type[Self], Functional)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if graph_arguments(args, kwargs):
            bound = _GRAPH_SIGNATURE.bind(*args, **kwargs).arguments
            # Layers that are frozen stay so, whatever holds for the model as a whole.
            trainable = bound.get("trainable") is not False
            others = bound.get("others", {})
            Layer.__init__(self, name=bound.get("name"), trainable=trainable, **others)
            Trainer.__init__(self)
            self._set_graph(bound["inputs"], bound["outputs"])
            return
        if args or "inputs" in kwargs or "outputs" in kwargs:
            raise TypeError(
                f"{type(self).__name__} must be given inputs and outputs, or neither of them: "
                "subclass Model and write call(), or use Sequential for layers one after the other"
            )
        Layer.__init__(self, **kwargs)
        Trainer.__init__(self)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the outputs; subclasses without inputs and outputs write their own."""
        return self._run_graph(args[0], kwargs.get("mask"))

    @finishing  # which also leaves subclasses free to name other shapes
    def build(self, input_shape: Any = None) -> None:
        """Creates the weights for inputs of `input_shape`, batch axis included (it may be None).

        A subclass without a `build` of its own is tried on zeros of that shape.
        """
        if self._graph is None and input_shape is not None:
            self.built = True  # the trial itself is no reason to build
            try:
                super().compute_output_shape(input_shape)
            except BaseException:
                self.built = False
                raise

    def _build(self, *args: Any, **kwargs: Any) -> None:
        if self._builds_by_calling():
            # The call under way will make the weights.
            self._finish_build({"input_shape": shape_of(args[0])})
        else:
            super()._build(*args, **kwargs)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the model for inputs of the shape in `config`."""
        shape = config.get("input_shape")
        if shape is not None and self._builds_by_calling():
            self.build(as_shapes(shape))
        else:
            super().build_from_config(config)

    def _builds_by_calling(self) -> bool:
        return type(self).build is Model.build and self._graph is None

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._graph is not None:
            return self._graph_output_shape(input_shape)
        return super().compute_output_shape(input_shape)

    def _symbolic_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._graph is not None:
            return self._graph_outputs(args[0])
        return super()._symbolic_outputs(args, kwargs)

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        super().initial_cache(batch_size, max_length)
        if self._graph is None:
            raise not_stepwise(
                self, "its call() is its own (write initial_cache and call_with_cache beside it)"
            )
        return self._graph_cache(batch_size, max_length)

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        if args or any(value is not None for value in kwargs.values()):
            raise not_stepwise(self, "it is called with more than its inputs")
        return self._step_graph(inputs, cache)

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside this model, in the order in which they were added.

        Those of a graph are in the order of Keras: from the inputs on.
        """
        return list(self._layers) if self._graph is None else self._graph.layers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Returns the layer of that name, or at that index of `layers`.

        Raises:
            ValueError: when there is no such layer, or not exactly one argument is given.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError("one of name and index must be given, not both or none")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"index must be below {len(layers)}, not {index}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"name must be that of a layer: {', '.join(repr(k.name) for k in layers)}, not {name!r}"
        )

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[..., Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: list[str] | tuple[str, str] | None = None,
    ) -> None:
        """Prints a table of the layers, their output shapes and numbers of weights."""
        from ..utils.summary import print_summary

        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True, **kwargs: Any) -> None:
        """Writes the model to a `.keras` or `.h5` file: configuration, weights, optimizer state."""
        from ..saving import save_model

        save_model(self, filepath, overwrite=overwrite, **kwargs)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes the weights to a `.weights.h5` file."""
        from ..saving import save_weights

        save_weights(self, filepath, overwrite=overwrite)

    def load_weights(
        self, filepath: str | os.PathLike[str], skip_mismatch: bool = False, **kwargs: Any
    ) -> None:
        """Reads weights from a file; with `skip_mismatch` leaves out those of another shape."""
        from ..saving import load_weights

        with self._weights_lock.writing():
            load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def get_weights(self) -> list[Array]:
        """Copies of the weights' values, those between two batches of other threads."""
        with self._weights_lock.reading():
            return super().get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replaces the values of all weights, between two batches of other threads.

        Raises:
            ValueError: if the number or a shape differs; no weight is changed then.
        """
        with self._weights_lock.writing():
            super().set_weights(weights)

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        opset_version: int | None = None,
    ) -> None:
        """Writes the model's inference for other runtimes.

        Args:
            filepath: name of the file.
            format: "onnx", which needs the onnx package. The default, as Keras has it, is refused.
            verbose: whether to print the name of the file; True by default.
            input_signature: shapes and dtypes in place of the model's own inputs.
            opset_version: version of ONNX's operators; see `gatework.interop.onnx.export_model`.

        Raises:
            ValueError: for another format, or layers that have no ONNX form.
        """
        if format != "onnx":
            raise ValueError(f"format must be 'onnx', not {format!r}")
        from ..interop.onnx import export_model

        given = {} if opset_version is None else {"opset": opset_version}
        export_model(self, filepath, input_signature=input_signature, **given)
        if verbose is None or verbose:
            print(f"Saved artifact at '{os.fspath(filepath)}'.")

    def to_json(self, **kwargs: Any) -> str:
        """Returns the configuration, without weights, as JSON; `kwargs` go to `json.dumps`."""
        from ..saving import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    def reset_states(self) -> None:
        """Forgets the states that stateful recurrent layers keep between batches."""
        for layer in self.layers:
            reset = getattr(layer, "reset_states", None) or getattr(layer, "reset_state", None)
            if callable(reset):
                reset()

    def get_config(self) -> dict[str, Any]:
        """What is needed to make the model again, as JSON can hold it.

        Raises:
            NotImplementedError: if a subclass takes arguments that are no numbers or texts and does
                not say which.
        """
        if self._graph is not None and self._is_made_of_graph():
            return graph_config(self)
        return super().get_config()

    @classmethod
    def _describes_itself(cls) -> bool:
        return cls.get_config is Model.get_config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Rebuilds a model, with new weights, from what `get_config` returned."""
        if not all(key in config for key in GRAPH_KEYS):
            return cls(**config)
        from ..saving import custom_object_scope

        with custom_object_scope(custom_objects or {}):
            made: Self = graph_from_config(cls, config)
            return made


class Functional(Model):
    """The class of ``Model(inputs, outputs)``, as Keras' files name it.

    Args:
        inputs, outputs, name, trainable: as for ``Model``.
    """

    _keras_module = "keras.src.models.functional"

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        trainable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, name=name, trainable=trainable, **kwargs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Computes the outputs; ``training`` reaches the layers by itself."""
        return self._run_graph(inputs, mask)

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        return super().call_with_cache(inputs, cache, *args, **kwargs)


_GRAPH_SIGNATURE = inspect.Signature(
    [
        *(
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
            for name in ("inputs", "outputs", "name", "trainable")
        ),
        inspect.Parameter("others", inspect.Parameter.VAR_KEYWORD),
    ]
)
