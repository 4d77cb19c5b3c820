"""Functions of ``gatework.ops`` as nodes of a graph: what operators on symbolic tensors become.

Keras has a class for each function, and its files name that class: "GetItem" of
"keras.src.ops.numpy". The classes here have the same names and configurations.
"""

from __future__ import annotations

import inspect
from typing import Any, Self

from .. import ops, tree
from ..utils.naming import auto_name
from .symbolic import KerasTensor, Node, outputs_on_trial

__all__ = ["OPERATIONS", "Operation", "deferred"]

# Which parameters are given anew in each call; the others are part of the configuration.
_CALLED_WITH = frozenset(
    {
        "condition",
        "constant_values",
        "indices",
        "key",
        "operands",
        "output",
        "target",
        "variable",
        "x",
        "x1",
        "x2",
        "xs",
    }
)
# Keras' modules other than "numpy".
_MODULES = {
    "math": frozenset({"logsumexp", "rsqrt"}),
    "core": frozenset({"cast", "stop_gradient", "unstack"}),
    "nn": frozenset({*ops.nn.__all__, *ops.cross_entropy.__all__, "one_hot"}) - {"tanh"},
}


class Operation:
    """One function of ``gatework.ops`` in a graph. It has no weights and is no layer.

    Args:
        name: name in the graph; that of the class, numbered, by default.
        config: the arguments that stay the same in every call.
    """

    function = ""
    _keras_module = ""

    def __init__(self, *, name: str | None = None, **config: Any) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.config = config
        self._inbound: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Applies the function; on symbolic tensors the call becomes a node of their graph."""
        if any(isinstance(leaf, KerasTensor) for leaf in tree.flatten([args, kwargs])):
            outputs = self._symbolic_outputs(args, kwargs)
            Node(self, args, kwargs, outputs)
            return outputs
        return self._compute(*args, **kwargs)

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        """As ``Layer.call_with_cache``, once ``mixed_steps`` has looked at the call."""
        return self._compute(inputs, *args, **kwargs), cache

    def _compute(self, *args: Any, **kwargs: Any) -> Any:
        function = getattr(ops, self.function)
        if self.function == "einsum":
            return function(self.config["subscripts"], *args)
        if self.function == "getitem":
            # JSON knows no tuples: an index of several axes comes back from a file as a list.
            x, key = args
            return function(x, tuple(key) if isinstance(key, list) else key)
        return function(*args, **kwargs, **self.config)

    def _symbolic_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return outputs_on_trial(self._compute, args, kwargs, self.name)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes an operation from what ``get_config`` returned.

        Raises:
            TypeError: for an argument that the function does not have.
        """
        known = set(_parameters(cls.function)) - _CALLED_WITH
        arguments = {key: value for key, value in config.items() if key != "name"}
        for unknown in sorted(set(arguments) - known):
            if arguments.pop(unknown) is not None:
                raise TypeError(f"{cls.__name__} has no argument '{unknown}'")
        return cls(name=config.get("name"), **arguments)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _parameters(function: str) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(getattr(ops, function)).parameters)


def deferred(function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The symbolic result of a function of ``gatework.ops``: a new node."""
    bound = inspect.signature(getattr(ops, function)).bind(*args, **kwargs)
    bound.apply_defaults()
    called, config = [], {}
    for name, value in bound.arguments.items():
        if name == "operands":
            called.extend(value)
        elif name in _CALLED_WITH:
            called.append(value)
        elif function != "relu" or value != _parameters("relu")[name].default:
            config[name] = value
    return OPERATIONS_BY_FUNCTION[function](**config)(*called)


def _class_of(function: str) -> type[Operation]:
    """The class of a function, under the name and module that Keras gives it."""
    name = "".join(part.capitalize() for part in function.split("_"))
    part = next((p for p, names in _MODULES.items() if function in names), "numpy")
    return type(
        "GetItem" if function == "getitem" else name,
        (Operation,),
        {
            "__doc__": getattr(ops, function).__doc__,
            "__module__": __name__,
            "_keras_module": f"keras.src.ops.{part}",
            "function": function,
        },
    )


OPERATIONS_BY_FUNCTION = {function: _class_of(function) for function in sorted(ops.DEFERRABLE)}
# What files name.
OPERATIONS = {cls.__name__: cls for cls in OPERATIONS_BY_FUNCTION.values()}
globals().update(OPERATIONS)  # where pickle finds them
