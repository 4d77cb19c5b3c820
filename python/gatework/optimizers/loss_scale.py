"""Loss scaling whose factor follows the gradients: grows while they stay finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..autograd import Variable, as_array
from .base import Optimizer


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss, divides the gradients, and leaves out updates that overflowed.

    The factor is halved by an update with infinite or NaN gradients, which changes nothing else,
    and doubled after `dynamic_growth_steps` finite ones. Everything here computes in float32 and
    seldom needs it; models trained elsewhere in float16 bring it along.

    Args:
        inner_optimizer: the `Optimizer` that changes the weights; its options are set there.
        initial_scale: the factor to begin with.
        dynamic_growth_steps: finite updates before the factor doubles.
        name: the class name in snake case when None.

    Raises:
        ValueError: for an option that belongs to `inner_optimizer`.
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(inner_optimizer, Optimizer):
            raise ValueError(f"inner_optimizer must be an Optimizer, not {inner_optimizer!r}")
        super().__init__(learning_rate=0.0, name=name)
        if not kwargs.pop("dynamic", True):
            raise ValueError("dynamic must be True, not False: set loss_scale_factor instead")
        # Older files hold these options at their defaults.
        for option, value in kwargs.items():
            if option not in self.options() or value != self.options()[option]:
                raise ValueError(f"{option} must be set on inner_optimizer, not {value!r} here")
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        # The gradients that arrive there are not scaled any more.
        inner_optimizer.loss_scale_factor = None
        self._counters: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        start = np.asarray(self.initial_scale, np.float32)
        self._counters = [
            self._own_variable(np.zeros((), np.int32), "step_counter"),
            self._own_variable(start, "dynamic_scale"),
        ]
        self.inner_optimizer.build(variables)

    @property
    def variables(self) -> list[Variable]:
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def learning_rate(self) -> Any:
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self) -> Any:
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Any) -> Any:
        return loss * (float(self._counters[1]) if self.built else self.initial_scale)

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        if not self.built:
            if trainable_variables is None:
                raise ValueError("variables must be given, or build() called, before apply(grads)")
            self.build(trainable_variables)
        counter, dynamic = self._counters
        scale, count = float(dynamic), int(counter)
        arrays = [None if g is None else as_array(g, "float32") for g in grads]
        if not all(np.isfinite(array).all() for array in arrays if array is not None):
            counter.assign(0)
            dynamic.assign(scale * 0.5)
            return
        factor = np.float32(1.0 / scale)
        unscaled = [None if array is None else array * factor for array in arrays]
        self.inner_optimizer.apply(unscaled, trainable_variables)
        grown = count == self.dynamic_growth_steps - 1
        counter.assign(0 if grown else count + 1)
        if grown:
            dynamic.assign(scale * 2.0)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        from ..saving import serialize_keras_object

        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        from ..saving import deserialize_keras_object

        config = dict(config)
        inner = deserialize_keras_object(
            config.pop("inner_optimizer"), custom_objects=custom_objects
        )
        return cls(inner, **config)
