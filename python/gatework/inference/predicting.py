"""`predict` on compiled programs, where they give the numbers that the layers give.

A model's program is made at the first batch and kept as long as the model lives. Each batch asks
whether it is still that of the model: whether an attribute of a layer was assigned to since, or a
weight written to, which takes a microsecond or two. Only then is the model lowered again, and only
where that gives another plan or weights are new is the program made again. Whatever a program
cannot do as the layers do, down to the sentences of errors, is left to them.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core, tree
from ..autograd import Array, Tensor, as_array
from ..layers import Layer
from ..models.trainer import Trainer
from ..preprocessing.batch import unpack_x_y_sample_weight
from .linking import Versions, link_present
from .lowering import CannotCompile, Input, Plan, lower

__all__ = ["predicted"]

# Memory of a call that is kept for the next one.
_KEPT_BYTES = 1 << 26


_stamp = operator.attrgetter("_stamp")


@dataclass(frozen=True, slots=True)
class _Linked:
    plan: Plan
    versions: Versions
    core: _core.Program


class _Kept:
    """What the last batch found out about a model. Copies and pickles of it are empty.

    Args:
        model: the model.
    """

    __slots__ = ("_call", "_layers", "_own", "_stamps", "linked", "plan")

    def __init__(self, model: Any = None) -> None:
        self._call = getattr(type(model), "call", None)  # a class may get another
        self._own = getattr(model, "_stamp", -1)
        layers = () if model is None else model._flatten_layers()
        self._layers = tuple(layer for layer in layers if layer is not model)
        self._stamps = tuple(map(_stamp, self._layers))
        # The settings are read only now: one that changes meanwhile has another stamp.
        self.plan = None if model is None else _exact_plan(model)
        self.linked: _Linked | None = None

    def is_present(self, model: Any) -> bool:
        """Whether no attribute of the model or of a layer in it was assigned to since."""
        return (
            model._stamp == self._own
            and tuple(map(_stamp, self._layers)) == self._stamps
            and type(model).call is self._call
        )

    def __reduce__(self) -> tuple[type[_Kept], tuple[()]]:
        return _Kept, ()


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
    kept = model.__dict__.get("_kept_program")
    if kept is None or not kept.is_present(model):
        before, kept = kept, _Kept(model)
        if before is not None and before.linked is not None and kept.plan is not None:
            kept.linked = before.linked if kept.plan.same_as(before.plan) else None
        object.__setattr__(model, "_kept_program", kept)  # no change of the model
    linked: _Linked | None = kept.linked
    if kept.plan is not None and (linked is None or not linked.versions.are_present()):
        versions = Versions.of(kept.plan)
        linked = kept.linked = _Linked(kept.plan, versions, link_present(kept.plan))
    return linked


def _exact_plan(model: Any) -> Plan | None:
    try:
        plan = lower(model)
    except CannotCompile:
        return None
    return plan if plan.inexact is None else None


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
        elif one.kind == "mask":
            array = array.astype(bool)
        elif array.dtype not in (np.int32, np.int64):
            return None
        if array.ndim != len(one.shape):
            return None
        found.append(np.ascontiguousarray(array))
    return tuple(found)
