"""A run of `fit`: where it stands, and all that decides how it goes on.

What `capture` returns, given to `restore` in another process, continues to the same bits: weights,
the optimizer's variables, the seeds of dropout and of shuffling, Python's and NumPy's global
generators, metrics and carried states, the place in the data, and what callbacks remember.
"""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np

from ..autograd import Variable
from ..random import SeedGenerator, global_state, restore_global_state
from ..tree import flatten
from .epochs import Epochs
from .states import stateful_layers


class FitRun:
    """The state of a run of `fit`, kept up to date by its loop.

    Attributes:
        epoch: the epoch that runs, or comes next.
        batch: batches of it that are done.
    """

    def __init__(self, model: Any, train: Epochs, callbacks: Any, epoch: int) -> None:
        self._model = model
        self._train = train
        self._callbacks = callbacks
        self.epoch = epoch
        self.batch = 0

    def capture(self) -> bytes:
        """The state as bytes."""
        from ..utils.plain_state import pack_state

        model = self._model
        return pack_state(
            {
                "epoch": self.epoch,
                "batch": self.batch,
                "stopped": bool(model.stop_training),
                "data": self._train.position(),
                "variables": [[str(v.path or v.name), v.numpy()] for v in self._variables()],
                "metrics": [v.numpy() for metric in model.metrics for v in metric.variables],
                "states": [_values(layer.states) for layer in stateful_layers(model)],
                "generators": _generators(),
                "callbacks": self._memories(),
            }
        )

    def restore(self, data: bytes) -> None:
        """Goes on from a captured state.

        Raises:
            ValueError: if it is that of another model; this one is then as before.
        """
        from ..utils.plain_state import unpack_state

        state = unpack_state(data)
        model = self._model
        if model.optimizer is not None and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        own, saved = self._variables(), state["variables"]
        shapes, wanted = [v.shape for v in own], [value.shape for _, value in saved]
        if shapes != wanted:
            raise ValueError(
                "the backup must be that of the same model and optimizer: it holds "
                f"{len(wanted)} variables of other shapes than these {len(shapes)}"
            )
        if state["batch"]:
            self._build_metrics()
        self.epoch, self.batch = state["epoch"], state["batch"]
        self._train.go_to(state["data"])
        for variable, (_, value) in zip(own, saved, strict=True):
            variable.assign(value)
        self._restore_metrics(state["metrics"])
        for layer, values in zip(stateful_layers(model), state["states"], strict=True):
            layer.reset_states(values)
        self._remember(state["callbacks"])
        model.stop_training = state["stopped"]
        _restore_generators(state["generators"])

    def _variables(self) -> list[Variable]:
        model = self._model
        found = list(model.variables)
        for layer in model._flatten_layers():
            seeds = [value for value in vars(layer).values() if isinstance(value, SeedGenerator)]
            found.extend(seed.state for seed in seeds)
        if model.optimizer is not None:
            found.extend(model.optimizer.variables)
        return list({id(variable): variable for variable in found}.values())

    def _build_metrics(self) -> None:
        """Metrics are made by the first batch, which the run to go on with has behind it."""
        try:
            self._model.test_step(self._train.source.first())
        except Exception as error:
            warnings.warn(f"the metrics of the epoch begin anew: {error}", stacklevel=5)

    def _restore_metrics(self, values: list[Any]) -> None:
        variables = [v for metric in self._model.metrics for v in metric.variables]
        if [v.shape for v in variables] == [value.shape for value in values]:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _memories(self) -> dict[str, Any]:
        """What callbacks remember, by class and number."""
        return {
            key: {name: getattr(callback, name) for name in callback.saved_attributes}
            for key, callback in self._remembering()
        }

    def _remember(self, memories: dict[str, Any]) -> None:
        for key, callback in self._remembering():
            for name, value in memories.get(key, {}).items():
                if name in callback.saved_attributes:
                    setattr(callback, name, value)

    def _remembering(self) -> list[tuple[str, Any]]:
        count: dict[str, int] = {}
        found = []
        for callback in self._callbacks.callbacks:
            name = type(callback).__name__
            count[name] = count.get(name, 0) + 1
            if getattr(callback, "saved_attributes", ()):
                found.append((f"{name} {count[name]}", callback))
        return found


def _values(states: Any) -> list[Any] | None:
    leaves = flatten(states)
    return None if leaves[0] is None else [leaf.numpy() for leaf in leaves]


def _generators() -> dict[str, Any]:
    version, words, gauss = random.getstate()
    old: Any = np.random.get_state(legacy=True)  # noqa: NPY002  # user code may draw from it
    return {
        "gatework": list(global_state()),
        "python": [version, np.array(words, np.uint64), gauss],
        "numpy": [old[0], np.asarray(old[1]), *old[2:]],
    }


def _restore_generators(state: dict[str, Any]) -> None:
    restore_global_state(*state["gatework"])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    np.random.set_state(tuple(state["numpy"]))  # noqa: NPY002
