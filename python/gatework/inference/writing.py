"""`generate` on compiled programs: a stream of token ids, one call for each token.

The program is made at the first call and kept as long as the model lives. It reads the weights
that the model has: when one was written to, a stream goes on with a new program and the states of
the old one, as the layers themselves would.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _core
from ..autograd import Array, as_array
from .linking import Versions, link_present
from .lowering import CannotCompile, Plan, lower
from .lowering.writing import after_the_last_step, ends_in, split, without_softmax

__all__ = ["TokenStream", "token_stream"]


@dataclass(frozen=True)
class _Linked:
    """A model's programs.

    Attributes:
        plan: of the whole model.
        versions: of its weights.
        first: what does not depend on the tokens; None where all does.
        second: the scores of the next token, of one step or more.
        others: which of the model's inputs ``second`` reads beside the tokens.
        logits: whether a softmax at the end was left out.
    """

    plan: Plan
    versions: Versions
    first: _core.Program | None
    second: _core.Program
    others: list[int]
    logits: bool


_linked: weakref.WeakKeyDictionary[Any, dict[tuple[int, bool], _Linked]] = (
    weakref.WeakKeyDictionary()
)


class TokenStream:
    """The scores of the next tokens of some sequences.

    Attributes:
        logits: whether they are logits, whatever the model's last activation.
    """

    def __init__(
        self,
        model: Any,
        linked: _Linked,
        batch: int,
        sequence: int,
        logits: bool,
        context: Sequence[Any] | None,
    ) -> None:
        self._model = model
        self._key = (sequence, logits)
        self._linked = linked
        self.logits = linked.logits
        self._context = context
        self._session = _core.ProgramSession(linked.second, batch)
        self._steady = self._computed_once()

    def advance(self, tokens: Array) -> Array:
        """Reads (rows, steps) further tokens; the scores after the last, (rows, vocabulary)."""
        ids = np.ascontiguousarray(tokens)
        if not self._linked.versions.are_present():
            self._link_again()
        scores = self._session.run((ids, *self._steady), None, False)
        found: Array = scores.reshape(len(scores), -1)
        return found

    def select(self, rows: Any) -> None:
        """Goes on with these rows, in that order; one may come several times."""
        chosen = np.asarray(rows)
        if chosen.dtype == bool:
            chosen = np.flatnonzero(chosen)
        self._session.select(chosen.tolist())
        self._steady = tuple(np.ascontiguousarray(one[chosen]) for one in self._steady)
        if self._context is not None:
            self._context = [None if one is None else one[chosen] for one in self._context]

    def _computed_once(self) -> tuple[Array, ...]:
        linked = self._linked
        if self._context is None:
            return ()
        given = [one for one in self._context if one is not None]
        places = [i for i, one in enumerate(self._context) if one is not None]
        found = [] if linked.first is None else linked.first.run(tuple(given))
        return (*found, *(given[places.index(i)] for i in linked.others))

    def _link_again(self) -> None:
        """Goes on with the weights that the model has now; what was computed of them stays."""
        linked = _linked_of(self._model, *self._key)
        if linked is None or not linked.plan.same_as(self._linked.plan):
            linked = _link(self._linked.plan, *self._key)
        session = _core.ProgramSession(linked.second, self._session.batch)
        session.set_states([values for _, _, values in self._session.states()])
        self._linked, self._session = linked, session


def token_stream(
    model: Any, batch: int, reach: int, context: Sequence[Any] | None, from_logits: bool | None
) -> TokenStream | None:
    """A stream through the program of a model; None where its layers must do it themselves.

    Args:
        model: a model whose only output are scores of tokens.
        batch: number of sequences.
        reach: the most steps that they will have.
        context: the model's inputs, None in the place of the tokens; None for a model of one.
        from_logits: as for ``generate``.
    """
    own = (type(model).call_with_cache, type(model).initial_cache)
    if any(not one.__module__.startswith("gatework.") for one in own):
        return None
    arrays = None
    sequence = 0
    if context is not None:
        sequence = next(i for i, one in enumerate(context) if one is None)
        if any(one is not None and one._keras_mask is not None for one in context):
            return None
        arrays = [None if one is None else as_array(one) for one in context]
    linked = _linked_of(model, sequence, from_logits is None)
    if linked is None or not _has_positions(linked.plan, reach):
        return None
    if arrays is not None:
        arrays = _as_read(linked.plan, arrays)
        if arrays is None:
            return None
    try:
        return TokenStream(model, linked, batch, sequence, from_logits is None, arrays)
    except ValueError:  # the layers say better what is wrong
        return None


def _as_read(plan: Plan, arrays: Sequence[Any]) -> list[Any] | None:
    """The context in the dtypes of the program; None if it must be looked at first."""
    found: list[Any] = []
    for one, array in zip(plan.inputs, arrays, strict=True):
        if array is not None and one.kind == "ids" and array.dtype not in (np.int32, np.int64):
            return None
        dtype = {"floats": np.float32, "mask": bool}.get(one.kind)
        found.append(None if array is None else np.ascontiguousarray(array, dtype))
    return found


def _has_positions(plan: Plan, reach: int) -> bool:
    tables = [one.weights["table"] for one in plan.instructions if one.op == "position"]
    return all(one is None or one.variables[0].shape[0] >= reach for one in tables)


def _linked_of(model: Any, sequence: int, leave_softmax: bool) -> _Linked | None:
    try:
        plan = lower(model, sequence=sequence)
    except CannotCompile:
        return None
    if (
        plan.unstreamable is not None
        or plan.structure != 0
        or plan.inputs[sequence].kind != "ids"
        or len(plan.inputs[sequence].shape) != 2
        or ends_in(plan) == "sigmoid"  # the layers look at what it was taken of
    ):
        return None
    kept = _linked.setdefault(model, {})
    known = kept.get((sequence, leave_softmax))
    if known is not None and known.versions.are_present() and plan.same_as(known.plan):
        return known
    found: _Linked | None = _link(plan, sequence, leave_softmax)
    if found is not None:
        kept[sequence, leave_softmax] = found
    return found


def _link(plan: Plan, sequence: int, leave_softmax: bool) -> Any:
    logits = leave_softmax and ends_in(plan) == "softmax"
    parts = split(after_the_last_step(without_softmax(plan) if logits else plan), sequence)
    if parts is None:
        return None
    first, second, others = parts
    versions = Versions.of(plan)
    programs = [None if one is None else _program(one) for one in (first, second)]
    assert programs[1] is not None
    return _Linked(plan, versions, programs[0], programs[1], others, logits)


def _program(plan: Plan) -> _core.Program:
    return link_present(plan, {place for one in plan.instructions for place in one.inputs})
