"""A function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ... import tree
from ..base import Layer
from ..shapes import Sizes, as_sizes

__all__ = ["Lambda"]


class Lambda(Layer):
    """Calls a function of tensors, written with ``gatework.ops``.

    A file never brings a function along: models with this layer are saved only with a function
    that was registered (``register_keras_serializable``), and loading one from a file is refused.
    A subclass of ``Layer`` is the way to save a computation of your own.

    Args:
        function: takes the inputs; also ``mask`` and ``training`` if it has arguments of these
            names.
        output_shape: shape of the outputs without the batch axis, or a function from the shape of
            the inputs to that of the outputs, both with it; found by trying when None.
        mask: mask of the outputs, or a function ``(inputs, mask)`` that gives it.
        arguments: further arguments of the function by name.

    Raises:
        TypeError: if ``function`` cannot be called.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if not callable(function):
            raise TypeError(f"function must be callable, not {function!r}")
        super().__init__(**kwargs)
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        try:
            parameters = set(inspect.signature(function).parameters)
        except ValueError:  # some compiled functions do not tell
            parameters = set()
        self._takes = parameters & {"mask", "training"}

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        around = {"mask": mask, "training": training}
        return self.function(
            inputs, **self.arguments, **{name: around[name] for name in sorted(self._takes)}
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        batch = tree.flatten(as_sizes(input_shape))[0].sizes[0]

        def with_batch(leaf: Sizes) -> tuple[int | None, ...]:
            return (batch, *leaf.sizes)

        return tree.map_structure(with_batch, as_sizes(self._output_shape))

    def get_config(self) -> dict[str, Any]:
        """The configuration. Raises TypeError for a lambda, which no file can hold."""
        from ...saving import serialize_keras_object

        config = {**super().get_config(), "function": serialize_keras_object(self.function)}
        for name, value in (("output_shape", self._output_shape), ("mask", self.mask)):
            if value is not None:
                config[name] = serialize_keras_object(value) if callable(value) else value
        return {**config, "arguments": self.arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Refuses: what the function is would be the file's choice. Raises ValueError."""
        raise ValueError(
            "Lambda must be made in a program, not from a configuration: write a subclass of Layer"
        )
