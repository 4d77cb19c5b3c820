"""The Metric base class: a state that is updated per batch, read, and reset per epoch."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from .._suggest import NamedArguments
from ..autograd import Variable


class Metric(NamedArguments):
    """Accumulates a number over batches.

    Subclasses create their state in `__init__` with `add_variable`, change it in
    `update_state(y_true, y_pred, sample_weight=None)` and read it in `result()`.

    Args:
        dtype: dtype of the state; only "float32" exists here.
        name: shown in logs; the class name in snake case when None.
    """

    # "up" or "down": which direction is better, for callbacks with mode="auto".
    _direction: str | None = None

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        if name is None:
            from ..utils.naming import auto_name

            name = auto_name(type(self).__name__)
        if dtype not in (None, "float32"):
            raise ValueError(f"dtype must be 'float32', not {dtype!r}")
        self.name = name
        self._variables: list[Variable] = []

    @property
    def dtype(self) -> str:
        return "float32"

    @property
    def variables(self) -> list[Variable]:
        """The state of this metric and of the metrics it holds."""
        found = list(self.__dict__.get("_variables", ()))
        for value in vars(self).values():
            if isinstance(value, Metric):
                found.extend(value.variables)
        return found

    def add_variable(
        self,
        shape: tuple[int, ...] | list[int] = (),
        initializer: Any = "zeros",
        dtype: str | None = None,
        aggregation: str = "sum",
        name: str = "variable",
    ) -> Variable:
        """Adds a state variable; zeros unless `initializer` says otherwise."""
        if initializer in (None, "zeros"):
            zeros = np.zeros(tuple(shape), dtype or "float32")
            variable = Variable(zeros, dtype=str(zeros.dtype), trainable=False, name=name)
        else:
            from .. import initializers

            variable = Variable(
                initializers.get(initializer),
                shape=tuple(shape),
                dtype=dtype or "float32",
                trainable=False,
                name=name,
            )
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: tuple[int, ...] | list[int] = (),
        initializer: Any = "zeros",
        dtype: str | None = None,
        name: str = "variable",
    ) -> Variable:
        """The same as `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def reset_state(self) -> None:
        """Sets every state variable to zero."""
        for variable in self.variables:
            variable._value[...] = 0
            variable.touch()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} must implement update_state")

    def result(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must implement result")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
