"""A model that reads tokens and scores the next ones, with or without caches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import tree
from ..autograd import Tensor, wrap
from ..layers.stepping import inference, select_rows
from ..utils.steady_weights import steady_weights
from .reading import Reading
from .states import kept_states, stateful_layers

__all__ = ["ModelDecoder"]

Floats = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.int64]


class ModelDecoder:
    """The distribution of the next token, after the tokens read so far.

    Args:
        model: a model of token ids (batch, time) that gives logits or probabilities, (batch, time,
            vocabulary) or, after the last step alone, (batch, vocabulary).
        batch: number of sequences.
        max_length: the most tokens a sequence will have.
        reading: what else the model is given, and how it reads.

    Raises:
        ValueError: a layer cannot run step by step; the message names it.
    """

    def __init__(
        self,
        model: Any,
        batch: int,
        max_length: int,
        reading: Reading,
    ) -> None:
        reading = reading.of(model, batch)
        self._model = model
        self._window = window = reading.window
        self._padding = reading.padding
        self._from_logits = reading.from_logits
        self._others = reading.context
        self._use_cache = use_cache = reading.use_cache
        self._is_log: bool | None = None  # whether scores are the outputs as they are
        self._length = 0
        self._cache: Any = None
        reach = max_length if window is None else min(window, max_length)
        self._stream: Any = None
        if use_cache:
            with steady_weights(model):
                self._stream = self._program(batch, reach)
        if use_cache and self._stream is None:
            with inference(model):
                if self._others is None:
                    self._cache = model.initial_cache(batch, reach)
                else:
                    self._cache = model._graph_cache(batch, reach, self._others)
        # Only what may be read anew is kept.
        keeps = not use_cache or reach < max_length
        self._tokens = np.zeros((batch, max_length), np.int64) if keeps else None
        self._stateful = stateful_layers(model) if keeps else []

    def _program(self, batch: int, reach: int) -> Any:
        """A stream through a compiled program, if the model can have one."""
        from ..inference.writing import token_stream

        return token_stream(self._model, batch, reach, self._others, self._from_logits)

    def advance(self, tokens: Tokens) -> Floats:
        """Reads (rows, steps) further tokens; the logits after the last, (rows, vocabulary).

        Raises:
            ValueError: the model's outputs have another shape or are no distributions.
        """
        start, self._length = self._length, self._length + tokens.shape[1]
        if self._tokens is not None:
            self._tokens[:, start : self._length] = tokens
        within = self._use_cache and (self._window is None or self._length <= self._window)
        if within and self._stream is not None:
            with steady_weights(self._model):
                found: Floats = self._stream.advance(tokens)
            if self._is_log or (self._stream.logits and found.shape[1] > 1):
                return found  # or what the model takes the softmax of
            return self._scores(wrap(found), -1)
        with steady_weights(self._model), inference(self._model):
            if within:
                outputs, self._cache = self._model.call_with_cache(wrap(tokens), self._cache)
                return self._scores(outputs, -1)
            self._use_cache, self._cache, self._stream = False, None, None
            return self._read_anew()

    def _read_anew(self) -> Floats:
        assert self._tokens is not None
        start = 0 if self._window is None else max(0, self._length - self._window)
        read = self._tokens[:, start : self._length]
        last = -1
        if self._padding is not None and self._window is not None:
            missing = self._window - read.shape[1]
            sides = (missing, 0) if self._padding == "pre" else (0, missing)
            read = np.pad(read, ((0, 0), sides))
            last = -1 - sides[1]
        inputs: Any = wrap(read)
        if self._others is not None:
            flat = [inputs if value is None else value for value in self._others]
            inputs = tree.pack_sequence_as(self._model.input, flat)
        with kept_states(self._stateful):
            for layer in self._stateful:
                layer.reset_states()
            return self._scores(self._model(inputs, training=False), last)

    def select(self, rows: Any) -> None:
        """Goes on with these rows, in that order; one may come several times."""
        if self._tokens is not None:
            self._tokens = self._tokens[rows]
        if self._stream is not None:
            self._stream.select(rows)
        elif self._use_cache:
            self._cache = select_rows(self._cache, rows)
        if self._others is not None and self._tokens is not None:
            self._others = [
                None if value is None else wrap(value._value[rows]) for value in self._others
            ]

    def _scores(self, outputs: Any, last: int) -> Floats:
        if not isinstance(outputs, Tensor) or outputs.ndim not in (2, 3):
            got = f"shape {outputs.shape}" if isinstance(outputs, Tensor) else "several outputs"
            raise ValueError(
                f"model '{self._model.name}' must give (batch, time, vocabulary) or "
                f"(batch, vocabulary) to generate, not {got}"
            )
        if outputs.ndim == 2 and last != -1:
            raise ValueError(
                "padding must be 'pre' for a model that gives the last step alone, not 'post'"
            )
        if self._is_log is None:
            self._is_log = self._are_logits(outputs, last)
        logits = outputs._logits if self._from_logits is None else None
        if logits is not None:
            return _last(logits, outputs.ndim, last)
        scores = _last(outputs, outputs.ndim, last)
        if not self._is_log:
            with np.errstate(divide="ignore"):
                np.log(scores, out=scores)
        return scores

    def _are_logits(self, outputs: Tensor, last: int) -> bool:
        """Whether the outputs themselves are logits."""
        if outputs.shape[-1] < 2:
            raise ValueError(
                f"model '{self._model.name}' must have a vocabulary of at least two tokens to "
                f"generate, not outputs of shape {outputs.shape}"
            )
        if self._from_logits:
            return True
        found = _last(outputs, outputs.ndim, last)
        positive = bool((found >= 0).all())
        if positive and bool((np.abs(found.sum(axis=1, dtype=np.float64) - 1) < 1e-3).all()):
            return False
        if self._from_logits is None and outputs._logits is None:
            return True
        said = "outputs of a sigmoid" if self._from_logits is None else "from_logits is False"
        raise ValueError(
            f"model '{self._model.name}' must give probabilities that add up to one ({said}), "
            f"not {found[0][:4].tolist()} ..."
        )


def _last(outputs: Tensor, ndim: int, last: int) -> Floats:
    """(rows, vocabulary) at the step, as an array of its own."""
    value = outputs._value if ndim == 2 else outputs._value[:, last]
    return np.array(value, np.float32)
