"""Model: a layer that can be trained, saved and summarised."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, Self

from ..layers.base import Layer
from .trainer import Trainer


class Model(Trainer, Layer):
    """Subclasses create layers in `__init__` and use them in `call(inputs, training=None)`.

    Args:
        name: the class name in snake case when None.
        trainable: False freezes all weights.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args:
            raise TypeError(
                f"{type(self).__name__} takes no positional arguments, not {len(args)}; subclass "
                "Model and write call(), or use Sequential"
            )
        Layer.__init__(self, **kwargs)
        Trainer.__init__(self)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must implement call(inputs)")

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside this model, in the order in which they were added."""
        return list(self._layers)

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
        """Writes the model to a `.keras` file: configuration, weights, state of the optimizer."""
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

        load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

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

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Rebuilds a model from what `get_config` returned."""
        return cls(**config)
