"""The variables of an optimizer: counters and slots, in the order in which Keras saves them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import Variable
from .options import UpdateOptions

FloatArray = npt.NDArray[np.float32]


def chosen(slots: Sequence[Variable], indices: Sequence[int]) -> list[FloatArray]:
    """Returns the arrays of some slots for writing in place: a variable owns its array."""
    return [slots[i]._value for i in indices]


def chosen_or_none(slots: Sequence[Variable], indices: Sequence[int]) -> list[FloatArray] | None:
    """As `chosen`; None when the optimizer has no such slots."""
    return chosen(slots, indices) if slots else None


class OptimizerState(UpdateOptions):
    """Creates, saves and restores the variables of an optimizer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._index: dict[int, int] = {}
        self._averages: list[Variable] = []
        self._accumulators: list[Variable] = []
        self._iterations = self._own_variable(np.zeros((), np.int64), "iteration")

    def _own_variable(self, value: Any, name: str) -> Variable:
        value = np.array(value)
        variable = Variable(value, dtype=str(value.dtype), trainable=False, name=name)
        variable.path = f"{self.name}/{name}"
        self._variables.append(variable)
        return variable

    def add_slots(
        self, variables: Sequence[Variable], *names: str, start: Sequence[float] = ()
    ) -> list[list[Variable]]:
        """Adds one variable per weight and name; returns a list of them per name.

        Args:
            variables: the weights, whose shapes the slots have.
            names: what the slots are called, after the path of the weight.
            start: the first value of each named slot; 0 where there is none.
        """
        slots: list[list[Variable]] = [[] for _ in names]
        values = [*start, *[0.0] * (len(names) - len(start))]
        for variable in variables:
            path = str(getattr(variable, "path", None) or variable.name).replace("/", "_")
            for slot, name, value in zip(slots, names, values, strict=True):
                first = np.full(variable.shape, value, np.float32)
                slot.append(self._own_variable(first, f"{path}_{name}"))
        return slots

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str = "var", initializer: Any = "zeros"
    ) -> Variable:
        """Adds one slot of the shape of a weight, for optimizers written with `update_step`."""
        [[slot]] = self.add_slots([reference_variable], name)
        if initializer != "zeros":
            from .. import initializers

            slot.assign(initializers.get(initializer)(slot.shape))
        return slot

    def _get_variable_index(self, variable: Variable) -> int:
        return self._index[id(variable)]

    def build(self, variables: Sequence[Variable]) -> None:
        """Creates the slots for `variables`; called by the first `apply` when not before."""
        if self.built:
            return
        self._trainable_variables = list(variables)
        self._index = {id(variable): i for i, variable in enumerate(variables)}
        if self.use_ema:
            [self._averages] = self.add_slots(variables, "average")
        if self.gradient_accumulation_steps:
            [self._accumulators] = self.add_slots(variables, "gradient_accumulator")
        self.build_slots(self._trainable_variables)
        self.built = True

    def build_slots(self, variables: Sequence[Variable]) -> None:
        """Overridden by optimizers with state: creates their slots with `add_slots`."""

    @property
    def variables(self) -> list[Variable]:
        """Iteration, learning rate and slots, in the order in which they are saved."""
        return list(self._variables)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets all `variables`; nothing changes when a shape does not fit."""
        arrays = [np.asarray(weight) for weight in weights]
        shapes = [tuple(variable.shape) for variable in self.variables]
        if [array.shape for array in arrays] != shapes:
            raise ValueError(
                f"weights must have shapes {shapes}, not {[array.shape for array in arrays]}"
            )
        for variable, array in zip(self.variables, arrays, strict=True):
            variable.assign(array)

    def save_own_variables(self, store: Any) -> None:
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        names = list(store.keys())
        if len(names) != len(self.variables):
            warnings.warn(
                f"optimizer state is not loaded: {self.name!r} has {len(self.variables)} "
                f"variables, the file {len(names)}",
                stacklevel=2,
            )
            return
        self.set_weights([np.asarray(store[str(i)]) for i in range(len(names))])
