"""How `generate` lets a model read: what it is given beside the ids, and how many of these."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..layers.arguments import positive_int

__all__ = ["Reading"]


@dataclass(frozen=True)
class Reading:
    """Arguments of `generate` that are about the model; it explains them."""

    from_logits: bool | None
    use_cache: bool
    window: int | None
    padding: str | None
    context: Any

    def of(self, model: Any, batch: int) -> Reading:
        """The same, checked against a model and a number of sequences.

        The window of a functional model of fixed length is that length, and the context becomes a
        list of tensors, with None in the place of the ids.

        Raises:
            ValueError: an argument does not fit; the message names it.
        """
        if self.window is not None:
            positive_int("window", self.window)
        if self.padding not in (None, "pre", "post"):
            raise ValueError(f"padding must be 'pre', 'post' or None, not {self.padding!r}")
        found = replace(self, context=self._others(model, batch))._within(model)
        if found.padding is not None and found.window is None:
            raise ValueError("window must be given with padding: the length to fill up to")
        if found.padding is not None and found.use_cache:
            raise ValueError(f"use_cache must be False with padding, not {found.use_cache!r}")
        return found

    def _others(self, model: Any, batch: int) -> Any:
        graph = getattr(model, "_graph", None)
        if graph is None or len(graph.flat_inputs) < 2:
            if self.context is not None:
                raise ValueError(
                    f"context must be None for '{model.name}', which is not a functional model of "
                    "several inputs"
                )
            return None
        if self.context is None:
            names = ", ".join(map(repr, model.input_names))
            raise ValueError(f"context must be given for '{model.name}' with its inputs {names}")
        others = model._graph_inputs.others(self.context)
        for value, name in zip(others, model.input_names, strict=True):
            if value is not None and value.shape[:1] != (batch,):
                raise ValueError(
                    f"context must have {batch} row(s), one for each prompt, not shape "
                    f"{value.shape} for '{name}'"
                )
        return others

    def _within(self, model: Any) -> Reading:
        graph = getattr(model, "_graph", None)
        if graph is None:
            return self
        place = 0 if self.context is None else _missing(self.context)
        fixed = (*graph.flat_inputs[place].shape, None, None)[1]
        if fixed is None:
            return self
        if self.window not in (None, fixed):
            raise ValueError(
                f"window must be {fixed}, the length of the inputs of '{model.name}', "
                f"not {self.window}"
            )
        every_step = len(graph.flat_outputs[0].shape) == 3
        if self.use_cache and not every_step:
            raise ValueError(
                f"use_cache must be False for '{model.name}': it was made for sequences of "
                f"{fixed} steps, which shorter ones are padded to"
            )
        padding = self.padding
        if not self.use_cache and padding is None:
            padding = "post" if every_step else "pre"
        return replace(self, window=fixed, padding=padding)


def _missing(others: list[Any]) -> int:
    """The place of the input that is the ids."""
    return next(i for i, value in enumerate(others) if value is None)
