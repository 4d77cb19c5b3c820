"""`predict` on compiled programs, where they give the numbers that the layers give.

A model's program is made at the first batch and kept as long as the model lives. Each batch asks
whether it is still that of the model: layers and their settings are lowered again, which takes
microseconds, and the weights' versions are compared. Whatever a program cannot do as the layers do,
down to the sentences of errors, is left to them.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core, runtime, tree
from ..autograd import Array, Tensor, as_array
from ..layers import Layer
from ..models.trainer import Trainer
from ..preprocessing.batch import unpack_x_y_sample_weight
from .linking import freeze, link
from .lowering import CannotCompile, Input, Plan, lower

__all__ = ["predicted"]

# Memory of a call that is kept for the next one.
_KEPT_BYTES = 1 << 26


@dataclass(frozen=True)
class _Linked:
    plan: Plan
    versions: tuple[Any, ...]
    core: _core.Program


_programs: weakref.WeakKeyDictionary[Any, _Linked] = weakref.WeakKeyDictionary()


def predicted(model: Any, batch: Any) -> Any:
    """What ``model.predict_step(batch)`` computes, as arrays; None where the layers must do it."""
    cls = type(model)
    if (
        cls.predict_step is not Trainer.predict_step
        or cls.__call__ is not Layer.__call__
        or "predict_step" in vars(model)
    ):
        return None
    try:
        linked = _program_of(model)
        if linked is None:
            return None
        arrays = _inputs(model, linked.plan.inputs, unpack_x_y_sample_weight(batch)[0])
        if arrays is None:
            return None
        outputs = linked.core.run(arrays)
    except ValueError:  # the layers say better what is wrong
        return None
    linked.core.trim(_KEPT_BYTES)
    return tree.map_structure(lambda i: outputs[i], linked.plan.structure)


def _program_of(model: Any) -> _Linked | None:
    try:
        plan = lower(model)
    except CannotCompile:
        return None
    if plan.inexact is not None:
        return None
    versions = (runtime.isa(), *(variable.version for variable in plan.variables()))
    linked = _programs.get(model)
    if linked is None or linked.versions != versions or not plan.same_as(linked.plan):
        core = link(
            plan.kinds,
            plan.constants,
            freeze(plan, copy=False),
            plan.inputs,
            plan.outputs,
            plan.output_time,
        )
        linked = _programs[model] = _Linked(plan, versions, core)
    return linked


def _inputs(model: Any, inputs: list[Input], x: Any) -> tuple[Array, ...] | None:
    """The arrays of a batch; None if one is masked, missing or of a dtype to be looked at."""
    values = [x] if model._graph_inputs is None else model._graph_inputs(x)
    if len(values) != len(inputs):
        return None
    found: list[Array] = []
    for one, value in zip(inputs, values, strict=True):
        if not isinstance(value, Tensor | np.ndarray) or (
            getattr(value, "_keras_mask", None) is not None
        ):
            return None
        array = as_array(value)
        if one.kind == "floats":
            array = as_array(value, "float32")
        elif array.dtype not in (np.int32, np.int64):
            return None
        if array.ndim != len(one.shape):
            return None
        found.append(np.ascontiguousarray(array))
    return tuple(found)
