"""What belongs to a layer: its weights, its sublayers, and their values as lists and stores."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..autograd import Array, Variable, as_array

__all__ = ["WeightOwner"]

# Where a layer keeps book itself; what these hold is not for tracking.
_BOOKS = frozenset(
    {
        "_build_shape",
        "_build_shapes",
        "_containers",
        "_inbound",
        "_losses",
        "_own_weights",
        "_sublayers",
    }
)


# Numbers that no two assignments share, drawn without a lock by any number of threads.
_stamps = itertools.count(1)


class WeightOwner:
    """Tracks Variables and layers assigned to attributes, also in lists, tuples and dicts.

    ``_stamp`` is another number after each change of an attribute, so that what was computed from
    the settings can be kept until one of them changes. It is written after the attribute: whoever
    reads it first and the attributes then has a stamp that is not newer than what he saw.
    """

    name: str
    _stamp: int = 0
    built: bool
    _trainable: bool
    _sublayers: list[Any]
    _own_weights: list[Variable]
    _containers: dict[str, tuple[Any, int]]

    def _start_tracking(self) -> None:
        object.__setattr__(self, "_sublayers", [])
        object.__setattr__(self, "_own_weights", [])
        object.__setattr__(self, "_containers", {})

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, WeightOwner | Variable):
            self._track(value)
        elif isinstance(value, list | tuple | dict) and name not in _BOOKS:
            self._scan(name, value)
        elif self.__dict__.get(name, _stamps) is value:
            return  # as it was: what loops set again and again is no change
        object.__setattr__(self, name, value)
        object.__setattr__(self, "_stamp", next(_stamps))

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        object.__setattr__(self, "_stamp", next(_stamps))

    def _track(self, value: Any) -> None:
        if "_sublayers" not in self.__dict__:
            raise RuntimeError(
                f"super().__init__() must be called in {type(self).__name__}.__init__ before "
                "layers or variables are assigned"
            )
        owned: list[Any] = self._own_weights if isinstance(value, Variable) else self._sublayers
        if not any(other is value for other in owned):
            owned.append(value)

    def _scan(self, name: str, container: Any) -> None:
        for leaf in _leaves(container):
            # Variables that are not trained, in lists, are states that come and go.
            if isinstance(leaf, WeightOwner) or (isinstance(leaf, Variable) and leaf.trainable):
                self._track(leaf)
        if isinstance(container, list | dict) and "_containers" in self.__dict__:
            self._containers[name] = (container, len(container))

    @property
    def _layers(self) -> list[Any]:
        """The layers directly inside, also those put into a list after it was assigned."""
        for container, known in self._containers.values():
            if len(container) != known:
                for name, (each, _) in list(self._containers.items()):
                    self._scan(name, each)
                break
        return self._sublayers

    def _flatten_layers(self) -> Iterator[Any]:
        """This layer and all inside it, each once."""
        seen: set[int] = set()
        waiting: list[Any] = [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                waiting.extend(reversed(layer._layers))

    @property
    def weights(self) -> list[Variable]:
        """All weights: its own, then those of its sublayers, each once."""
        found: dict[int, Variable] = {}
        for layer in self._flatten_layers():
            for variable in layer._own_weights:
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes: none of a layer that is not trainable."""
        if not self._trainable:
            return []
        found = {id(variable): variable for variable in self._own_weights if variable.trainable}
        for layer in self._layers:
            for variable in layer.trainable_weights:
                found.setdefault(id(variable), variable)
        return list(found.values())

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        trainable = {id(variable) for variable in self.trainable_weights}
        return [variable for variable in self.weights if id(variable) not in trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained. Setting it sets it for all layers inside too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._layers:
            layer.trainable = value

    def get_weights(self) -> list[Array]:
        """Copies of the weights' values."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replaces the values of all weights.

        Raises:
            ValueError: if the number or a shape differs; no weight is changed then.
        """
        variables = self.weights
        values = [as_array(value) for value in weights]
        if len(values) != len(variables):
            hint = "" if self.built else f": {self.name} is not built; call it on data first"
            raise ValueError(
                f"weights of {self.name} must be {len(variables)} arrays, not {len(values)}{hint}"
            )
        _assign_all(variables, values)

    def count_params(self) -> int:
        """The number of values in all weights. Raises ValueError before the layer is built."""
        weights = self.weights
        if not self.built and not weights:
            raise ValueError(f"{self.name} must be built to count its parameters: give it an input")
        return sum(math.prod(variable.shape) for variable in weights)

    def save_own_variables(self, store: Any) -> None:
        """Writes the layer's own weights into a mapping from name to array."""
        for i, variable in enumerate(self._own_weights):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads what ``save_own_variables`` wrote.

        Raises:
            ValueError: if the number or a shape differs; no weight is changed then.
        """
        variables = self._own_weights
        if len(store) != len(variables):
            raise ValueError(
                f"layer '{self.name}' must get {len(variables)} weights, not {len(store)}"
            )
        _assign_all(variables, [np.asarray(store[str(i)]) for i in range(len(variables))])


def _assign_all(variables: list[Variable], values: list[Array]) -> None:
    for variable, value in zip(variables, values, strict=True):
        if value.shape != variable.shape:
            raise ValueError(
                f"weight '{variable.path}' must have shape {variable.shape}, not {value.shape}"
            )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _leaves(container: Any) -> Iterator[Any]:
    """What lists, tuples and dictionaries hold, in the order in which it was put there."""
    for item in container.values() if isinstance(container, dict) else container:
        if isinstance(item, list | tuple | dict):
            yield from _leaves(item)
        else:
            yield item
