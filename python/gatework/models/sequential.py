"""Sequential: layers one after the other."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Self

from ..layers.base import Layer
from ..layers.input import InputLayer
from ..layers.stepping import not_stepwise
from ..layers.symbolic import KerasTensor
from .model import Model


class Sequential(Model):
    """A chain of layers, each with one input and one output.

    The shapes are known once the first layer is an `Input` (or has `input_shape`), `build` was
    called, or data came: until then the layers have no weights.

    Args:
        layers: the layers, in order; more can follow with `add`.
        trainable: False freezes all weights.
        name: "sequential" and a number when None.
    """

    def __init__(
        self,
        layers: Iterable[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        self._symbolic: tuple[Any, Any] | None = None
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Puts a layer (or the result of `Input`) at the end.

        Raises:
            TypeError: for what is no layer.
            ValueError: for a second layer of the same name, or a second input.
        """
        layer = _origin(layer)
        if not isinstance(layer, Layer):
            hint = f"; write {layer.__name__}(...)" if inspect.isclass(layer) else ""
            raise TypeError(f"layer must be a Layer, not {layer!r}{hint}")
        shape = getattr(layer, "_input_shape_arg", None)
        if shape is not None and not self._layers and not isinstance(layer, InputLayer):
            self.add(InputLayer(shape=shape), rebuild=False)
        if any(other is not layer and other.name == layer.name for other in self._layers):
            raise ValueError(
                f"layer must have a name of its own, not {layer.name!r}: give it another name"
            )
        if isinstance(layer, InputLayer) and self._layers:
            raise ValueError("an Input must be the first layer, not come after others")
        self._layers.append(layer)
        if rebuild:
            self._rebuild()
        else:
            self._forget()

    def pop(self, rebuild: bool = True) -> Layer:
        """Takes off the last layer and returns it."""
        if not self.layers:
            raise ValueError("pop must be called on a model with layers, not an empty one")
        layer: Layer = self._layers.pop()
        if rebuild:
            self._rebuild()
        else:
            self._forget()
        return layer

    def _forget(self) -> None:
        self.built = False
        self._symbolic = None

    def _rebuild(self) -> None:
        """Builds again after a change, when the shape of the input is known."""
        self._forget()
        if len(self._layers) > 1 and isinstance(self._layers[0], InputLayer):
            self.build(self._layers[0].batch_shape)

    def build(self, input_shape: Any = None) -> None:
        """Creates the weights for inputs of `input_shape`, batch axis included (it may be None).

        Raises:
            ValueError: without layers, without a shape, or with another shape than that of the
                `Input`.
        """
        if not self._layers:
            raise ValueError("a Sequential must have layers to be built: add() some")
        entry = self._layers[0]
        if not isinstance(entry, InputLayer):
            if input_shape is None:
                raise ValueError("input_shape must be given for a Sequential without an Input")
            entry = InputLayer(batch_shape=tuple(input_shape), dtype=entry.variable_dtype)
            self._layers.insert(0, entry)
        elif input_shape is not None and not _compatible(entry.batch_shape, tuple(input_shape)):
            raise ValueError(
                f"input_shape must be that of the Input, {entry.batch_shape}, not {input_shape}"
            )
        self._build_shape = entry.batch_shape
        inputs = outputs = entry.output
        for layer in self._layers[1:]:
            outputs = layer(outputs)
        self._symbolic = (inputs, outputs)
        self.built = True

    def _build(self, *args: Any, **kwargs: Any) -> None:
        inputs = args[0]
        # A batch says nothing about the size of those to come, and a padded one nothing about their
        # length.
        shape = tuple(getattr(inputs, "shape", None) or ())
        padded = len(shape) > 1 and getattr(inputs, "_keras_mask", None) is not None
        rest = (None, *shape[2:]) if padded else shape[1:]
        super()._build(KerasTensor((None, *rest), inputs.dtype) if shape else inputs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        x = inputs
        for layer in self.layers:
            # Each layer hands its mask on with its outputs.
            x, mask = layer(x) if mask is None else layer(x, mask=mask), None
        return x

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        Layer.initial_cache(self, batch_size, max_length)
        return [layer.initial_cache(batch_size, max_length) for layer in self.layers]

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        if args or any(value is not None for value in kwargs.values()):
            raise not_stepwise(self, "it is called with more than its inputs")
        x = inputs
        for i, layer in enumerate(self.layers):
            x, cache[i] = layer.call_with_cache(x, cache[i])
        return x, cache

    @property
    def layers(self) -> list[Layer]:
        """The layers without the `Input`."""
        layers = list(self._layers)
        return layers[1:] if layers and isinstance(layers[0], InputLayer) else layers

    def _ends(self) -> tuple[Any, Any]:
        if self._symbolic is None:
            raise AttributeError(
                f"{self.name!r} has no shapes yet: start it with an Input, call build(input_shape) "
                "or give it data"
            )
        return self._symbolic

    @property
    def input(self) -> Any:
        """The symbolic input, from which other models may start."""
        return self._ends()[0]

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._ends()[1]

    @property
    def inputs(self) -> list[Any]:
        return [self._ends()[0]]

    @property
    def outputs(self) -> list[Any]:
        return [self._ends()[1]]

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return tuple(self._ends()[0].shape)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        return tuple(self._ends()[1].shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        from ..saving import serialize_keras_object

        config = super().get_config()
        config["layers"] = [serialize_keras_object(layer) for layer in self._layers]
        if self._symbolic is not None:
            config["build_input_shape"] = self._build_shape
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Rebuilds a model from what `get_config` returned."""
        from ..saving import deserialize_keras_object

        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        for layer_config in config["layers"]:
            model.add(deserialize_keras_object(layer_config, custom_objects=custom_objects))
        shape = config.get("build_input_shape")
        if model._symbolic is None and model._layers and isinstance(shape, list | tuple):
            model.build(tuple(shape))
        return model


def _origin(layer: Any) -> Any:
    """The InputLayer behind a symbolic input; anything else unchanged."""
    history = getattr(layer, "_keras_history", None) or getattr(layer, "_history", None)
    if history:
        origin = history[0]
        if isinstance(origin, InputLayer):
            return origin
    return layer


def _compatible(own: tuple[Any, ...], given: tuple[Any, ...]) -> bool:
    return len(own) == len(given) and all(
        a == b or a is None or b is None for a, b in zip(own, given, strict=True)
    )
