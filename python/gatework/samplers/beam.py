"""The likeliest sequences, several of them followed at once."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from .base import Floats, Sampler, Tokens, check_scores

__all__ = ["BeamSampler", "Decoder"]


class Decoder(Protocol):
    """A model that reads tokens and scores the next ones."""

    def advance(self, tokens: Tokens) -> Floats:
        """Reads (rows, steps) further tokens; the logits after the last, (rows, vocabulary)."""
        ...

    def select(self, rows: Any) -> None:
        """Goes on with these rows, in that order; one may come several times."""
        ...


class BeamSampler(Sampler):
    """Follows the likeliest beginnings side by side and returns the likeliest whole sequence.

    The score of a sequence is the sum of its tokens' log-probabilities. One that has met a stop
    token stays as it is and goes on competing; the search is over when it is ahead of all others,
    which can only fall behind. Nothing is drawn at random, and nothing is known before the end: it
    does not stream.

    Args:
        num_beams: how many beginnings are kept.
        temperature, repetition_penalty: as for ``Sampler``.

    Raises:
        ValueError: if ``num_beams`` is no positive integer.
    """

    needs_draws = False

    def __init__(
        self,
        num_beams: int = 5,
        temperature: float = 1.0,
        repetition_penalty: float = 1.0,
    ) -> None:
        super().__init__(temperature, repetition_penalty)
        if isinstance(num_beams, bool) or not hasattr(num_beams, "__index__") or num_beams < 1:
            raise ValueError(f"num_beams must be a positive integer, not {num_beams!r}")
        self.num_beams = int(num_beams.__index__())

    def __call__(self, logits: Floats, draws: Any) -> NoReturn:
        raise TypeError("BeamSampler chooses whole sequences, not one token: call generate()")

    def search(
        self, decoder: Decoder, tokens: Tokens, lengths: Tokens, stop: Set[int]
    ) -> tuple[Tokens, Tokens]:
        """Completes sequences.

        Args:
            decoder: the model, before its first step.
            tokens: (batch, max_length); each row begins with its prompt.
            lengths: (batch,), the lengths of the prompts.
            stop: tokens that end a sequence.

        Returns:
            The best sequences (batch, max_length) and where they end, (batch,).
        """
        batch, max_length = tokens.shape
        count = self.num_beams
        position = int(lengths.min())
        logits = decoder.advance(tokens[:, :position])
        vocabulary = logits.shape[1]
        decoder.select(np.repeat(np.arange(batch), count))
        logits = np.repeat(logits, count, axis=0)
        beams = np.repeat(tokens[:, None], count, axis=1)
        scores = np.full((batch, count), -np.inf)
        scores[:, 0] = 0.0  # the others are copies of the first until their ways part
        done = np.zeros((batch, count), bool)
        ends = np.full((batch, count), max_length)
        rows = np.arange(batch)[:, None]
        while position < max_length:
            summed = self._summed(logits, beams, position, scores, done)
            best = _highest(summed, count)
            given = (position < lengths)[:, None]
            parents = np.where(given, np.arange(count), best // vocabulary)
            chosen = np.where(given, tokens[:, position, None], best % vocabulary)
            reached = np.take_along_axis(summed, best, axis=1)
            scores = np.where(given, scores, reached)
            beams, done, ends = beams[rows, parents], done[rows, parents], ends[rows, parents]
            beams[:, :, position] = np.where(done, 0, chosen)
            position += 1
            stopped = ~done & ~given & np.isin(chosen, list(stop))
            ends[stopped] = position
            done |= stopped
            if position == max_length or done[:, 0].all():
                break
            decoder.select((rows * count + parents).ravel())
            logits = decoder.advance(beams[:, :, position - 1].reshape(-1, 1))
        return beams[:, 0], ends[:, 0]

    def _summed(
        self,
        logits: Floats,
        beams: Tokens,
        position: int,
        scores: npt.NDArray[np.float64],
        done: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.float64]:
        """The score of every beam with every next token, (batch, beams * vocabulary)."""
        if self.repetition_penalty != 1.0:
            seen = np.zeros(logits.shape, bool)
            np.put_along_axis(seen, beams.reshape(len(seen), -1)[:, :position], True, axis=1)
            logits = self.penalized(logits, seen)
        best = logits.max(axis=1, keepdims=True)
        check_scores(best)
        scaled = (logits - best).astype(np.float64) / self.temperature
        scaled -= np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        summed: npt.NDArray[np.float64] = scores[:, :, None] + scaled.reshape(*done.shape, -1)
        summed[done] = -np.inf
        summed[done, 0] = scores[done]
        return summed.reshape(len(scores), -1)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "num_beams": self.num_beams}
        del config["seed"]
        return config


def _highest(scores: npt.NDArray[np.float64], count: int) -> Tokens:
    """The columns of the highest scores of each row, the highest first."""
    size = scores.shape[1]
    some = np.sort(np.argpartition(scores, size - count, axis=1)[:, size - count :], axis=1)
    found = np.take_along_axis(scores, some, axis=1)
    return np.take_along_axis(some, np.argsort(-found, axis=1, kind="stable"), axis=1)
