"""The Optimizer base class: everything about an update except its formula.

Order of one `apply`, as in Keras: loss scale, accumulation, clipping, weight decay, the formula,
moving average of the weights, constraints. The formula runs as one fused call over all weights.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor, Variable, as_array
from .clipping import clip_gradients
from .schedules import LearningRateSchedule
from .state import OptimizerState, chosen

FloatArray = npt.NDArray[np.float32]
Rate = float | LearningRateSchedule | Callable[[], Any]
Update = TypeVar("Update", bound=Callable[..., None])


def decaying(update: Update) -> Update:
    """Marks an `update` that shrinks the weights by `fused_decay` in the same pass."""
    update.decays = True  # type: ignore[attr-defined]
    return update


class Optimizer(OptimizerState):
    """Changes weights by their gradients.

    A subclass overrides `update(params, grads, indices, learning_rate, scale)`, which changes all
    arrays in place, or, one weight at a time, `update_step(gradient, variable, learning_rate)`.
    It creates its slots in `build` with `add_slots`.

    Args:
        learning_rate: a float, a `LearningRateSchedule`, or a function without arguments.
        weight_decay: each update first shrinks weights by `weight_decay * learning_rate`.
        clipnorm: the largest norm of the gradient of one weight.
        clipvalue: the largest absolute value of a gradient entry.
        global_clipnorm: the largest norm of all gradients together.
        use_ema: keeps moving averages of the weights, which replace them when `fit` ends.
        ema_momentum: average = ema_momentum * average + (1 - ema_momentum) * weight.
        ema_overwrite_frequency: also replace the weights every so many updates.
        loss_scale_factor: gradients come from a loss multiplied by this and are divided by it.
        gradient_accumulation_steps: weights change every so many calls, by the mean gradient.
        name: the class name in snake case when None.

    Raises:
        ValueError: for an unknown argument or one outside its range.
    """

    # The names of a subclass' own arguments, for its config.
    _arguments: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )
        self._learning_rate: Any
        if callable(learning_rate):
            self._learning_rate = learning_rate
        else:
            rate = self._checked_rate(learning_rate)
            self._learning_rate = self._own_variable(np.float32(rate), "learning_rate")

    @property
    def iterations(self) -> Any:
        """The number of updates made."""
        if self.gradient_accumulation_steps:
            return int(self._iterations._value) // self.gradient_accumulation_steps
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The current rate: a variable, or what the schedule says."""
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(int(self._iterations._value))
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        own = self._learning_rate if isinstance(self._learning_rate, Variable) else None
        if callable(value) and not isinstance(value, Tensor):
            if own is not None:
                self._variables = [v for v in self._variables if v is not own]
            self._learning_rate = value
        elif own is not None:
            own.assign(np.float32(self._checked_rate(value)))
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                "learning_rate must not be set on an optimizer that follows a "
                f"{type(self._learning_rate).__name__}; create it with a float instead"
            )
        else:
            self._learning_rate = self._own_variable(np.float32(value), "learning_rate")

    @property
    def fused_decay(self) -> float:
        """The weight decay that `update` applies itself; 0 when some weights are spared."""
        if self.weight_decay is None:
            return 0.0
        spared = self._no_decay or self._no_decay_pattern is not None
        if spared or not getattr(type(self).update, "decays", False):
            return 0.0
        return float(self.weight_decay)

    # ---- the update

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """Applies pairs of gradient and variable; returns the number of calls so far."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """Changes the variables by their gradients.

        Args:
            grads: one gradient, or None, per variable.
            trainable_variables: those given to `build` when None.

        Raises:
            ValueError: when no gradient is there, the numbers differ, or a variable is unknown.
        """
        if len(grads) == 0:
            return
        if trainable_variables is None:
            if not self.built:
                raise ValueError("variables must be given, or build() called, before apply(grads)")
            trainable_variables = self._trainable_variables
        elif not self.built:
            self.build(trainable_variables)
        if len(grads) != len(trainable_variables):
            raise ValueError(
                f"grads must be {len(trainable_variables)} in number, not {len(grads)}"
            )
        pairs = self._known_pairs(grads, trainable_variables)
        self._apply_pairs(*pairs)
        for variable in pairs[1]:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        count = self._iterations._value
        count[()] = count.item() + 1
        self._iterations.touch()

    def _known_pairs(
        self, grads: Sequence[Any], variables: Sequence[Variable]
    ) -> tuple[list[FloatArray], Sequence[Variable], list[int]]:
        arrays: list[FloatArray] = []
        missing: list[Variable] = []
        indices = self._indices(variables)
        for gradient, variable in zip(grads, variables, strict=True):
            if gradient is None:
                missing.append(variable)
                continue
            array = as_array(gradient, "float32")
            if not array.flags.c_contiguous:
                array = np.ascontiguousarray(array)
            if array.shape != variable._value.shape:
                raise ValueError(
                    f"gradient of {variable.name!r} must have shape {variable.shape}, "
                    f"not {array.shape}"
                )
            arrays.append(array)
        if not arrays:
            raise ValueError("grads must hold a gradient for some variable, not None for all")
        if not missing:
            return arrays, variables, indices
        names = [str(variable.path or variable.name) for variable in missing]
        warnings.warn(f"no gradient reaches {names}: these weights do not train", stacklevel=4)
        kept = [i for i, gradient in enumerate(grads) if gradient is not None]
        return arrays, [variables[i] for i in kept], [indices[i] for i in kept]

    def _indices(self, variables: Sequence[Variable]) -> list[int]:
        """Where the variables stand among those that the slots belong to."""
        own = self._trainable_variables
        if len(variables) == len(own) and all(map(operator.is_, variables, own)):
            return list(range(len(own)))  # nearly always, and quickly seen
        indices = [self._index.get(id(variable), -1) for variable in variables]
        if -1 in indices:
            stranger = variables[indices.index(-1)]
            raise ValueError(
                f"variables must be those the optimizer was built with, not {stranger.name!r}"
            )
        return indices

    def _apply_pairs(
        self, grads: list[FloatArray], variables: Sequence[Variable], indices: list[int]
    ) -> None:
        scale = 1.0 if self.loss_scale_factor is None else 1.0 / self.loss_scale_factor
        steps = self.gradient_accumulation_steps
        if steps:
            sums = chosen(self._accumulators, indices)
            for total, gradient in zip(sums, grads, strict=True):
                total += gradient
            grads, scale = sums, scale / steps
        if not steps or (int(self._iterations._value) + 1) % steps == 0:
            self._change(grads, variables, indices, scale)
        if self.use_ema:
            self._update_averages()

    def _change(
        self,
        grads: list[FloatArray],
        variables: Sequence[Variable],
        indices: list[int],
        scale: float,
    ) -> None:
        grads, scale = clip_gradients(
            grads, scale, self.clipnorm, self.clipvalue, self.global_clipnorm
        )
        rate = float(self.learning_rate)
        self._decay_weights(variables, rate)
        self.update_variables(grads, variables, indices, rate, scale)
        for variable in variables:
            variable.touch()
        for accumulator in self._accumulators:
            accumulator._value[...] = 0

    def _decay_weights(self, variables: Sequence[Variable], rate: float) -> None:
        if self.weight_decay is None:
            return
        if type(self).update_step is Optimizer.update_step and self.fused_decay:
            return
        keep = np.float32(1.0 - self.weight_decay * rate)
        for variable in variables:
            if self._decays(variable):
                array = variable._value
                np.multiply(array, keep, out=array)

    def update_variables(
        self,
        grads: list[FloatArray],
        variables: Sequence[Variable],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        """Changes the variables; calls `update` on their arrays when a subclass has it fused."""
        if type(self).update_step is not Optimizer.update_step:
            for gradient, variable in zip(grads, variables, strict=True):
                array = gradient if scale == 1.0 else gradient * np.float32(scale)
                self.update_step(Tensor(array), variable, learning_rate)
            return
        params = [variable._value for variable in variables]
        self.update(params, grads, indices, learning_rate, scale)

    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        """Changes `params` in place; `indices` find their slots, `scale` multiplies `grads`."""
        raise NotImplementedError(f"{type(self).__name__} must implement update or update_step")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable; an alternative to `update` for optimizers written in `ops`."""
        raise NotImplementedError(f"{type(self).__name__} must implement update or update_step")

    # ---- moving averages of the weights

    def _update_averages(self) -> None:
        # The first update starts the average at the weights themselves.
        started = int(self.iterations) != 0
        share = np.float32(1.0 - self.ema_momentum * started)
        for variable, average in zip(self._trainable_variables, self._averages, strict=True):
            mean = average._value
            mean += share * (variable._value - mean)
            average.touch()
        every = self.ema_overwrite_frequency
        if every and (int(self.iterations) + 1) % every == 0:
            self.finalize_variable_values(self._trainable_variables)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Replaces the weights by their moving averages, when `use_ema`."""
        if not self.use_ema or not self.built:
            return
        for variable in var_list:
            index = self._index.get(id(variable))
            if index is not None:
                variable.assign(self._averages[index].numpy().copy())

    # ---- configs

    def get_config(self) -> dict[str, Any]:
        rate = self._learning_rate
        if isinstance(rate, Variable):
            rate = float(rate)
        else:
            from ..saving import serialize_keras_object

            rate = serialize_keras_object(rate)
        own = {name: getattr(self, name) for name in self._arguments}
        return {"name": self.name, "learning_rate": rate, **self.options(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            from ..saving import deserialize_keras_object

            config["learning_rate"] = deserialize_keras_object(
                config["learning_rate"], custom_objects=custom_objects
            )
        return cls(**config)
