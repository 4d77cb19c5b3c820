"""`generate`: language models that write, token by token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import samplers
from .._suggest import named_arguments
from ..random import SeedGenerator, numpy_generator
from ..samplers import BeamSampler, Sampler
from .decoding import ModelDecoder
from .prompts import Prompts, stop_set
from .reading import Reading

__all__ = ["Generation"]

Tokens = npt.NDArray[np.int64]

_BLOCK = 256  # positions that are drawn for at once


class Generation:
    """Gives models of token ids `generate` and `stream_generate`."""

    @named_arguments
    def generate(
        self,
        prompt: Any,
        max_length: int,
        sampler: Any = "greedy",
        *,
        stop_tokens: Any = None,
        seed: int | None = None,
        strip_prompt: bool = False,
        from_logits: bool | None = None,
        use_cache: bool = True,
        window: int | None = None,
        padding: str | None = None,
        context: Any = None,
    ) -> Any:
        """Goes on from a prompt until a stop token or `max_length`.

        The model maps token ids (batch, time) to logits or probabilities of the next token at each
        step, (batch, time, vocabulary), or after the last step alone, (batch, vocabulary). The
        prompt is read in one call, then each step costs one step: recurrent states, keys and values
        are carried inside. Prompts of a batch may have unequal lengths; each row is what it would
        be alone. No state or weight of the model changes.

        Args:
            prompt: token ids, a list or array; or several of them, a list of lists or an array
                (batch, time).
            max_length: length of the results, prompt included, at most.
            sampler: how tokens are chosen: "greedy", "random", "top_k", "top_p", "min_p", "beam",
                or an object of `gatework.samplers`.
            stop_tokens: an id, or several, that end a sequence; they are part of the result.
            seed: integer in [0, 2**32) that fixes the draws; else they follow the sampler's seed,
                or `utils.set_random_seed`. The first row is what it would be alone.
            strip_prompt: return what follows the prompt only.
            from_logits: whether the model gives logits; found out by its last activation, or by
                outputs that are distributions, when None.
            use_cache: False reads the whole sequence anew for every token, as layers that look
                ahead need it.
            window: the model reads this many of the last tokens at most. Beyond it they are read
                anew for every token, as positions shift. That of a functional model of fixed length
                is its length.
            padding: "pre" or "post" fills shorter sequences up to the window with id 0, for models
                that were trained so. Needs `use_cache=False`.
            context: the other inputs of a functional model of several, such as the texts that an
                encoder reads: a dictionary by name, of all inputs but that of the ids; or an array,
                or a list of them, for all inputs but the last. Each has a row for every prompt.

        Returns:
            The token ids, an int64 array; a list of them for a batch of prompts.

        Raises:
            ValueError: an argument or id is out of range; a layer cannot run step by step (the
                message names it); the model's scores are NaN.
        """
        reading = Reading(from_logits, use_cache, window, padding, context)
        run = _Run(self, prompt, max_length, sampler, stop_tokens, seed, reading)
        for _ in run.steps():
            pass
        return run.results(strip_prompt)

    @named_arguments
    def stream_generate(
        self,
        prompt: Any,
        max_length: int,
        sampler: Any = "greedy",
        *,
        stop_tokens: Any = None,
        seed: int | None = None,
        from_logits: bool | None = None,
        use_cache: bool = True,
        window: int | None = None,
        padding: str | None = None,
        context: Any = None,
    ) -> Iterator[Any]:
        """Yields the tokens that `generate` appends as soon as they are chosen.

        Takes the arguments of `generate`. The arguments are checked at once, and the model runs as
        the iterator is read; leaving off is fine.

        Returns:
            An iterator over ids; over pairs (row, id) for a batch of prompts.

        Raises:
            ValueError: as `generate`, and for a beam search, which knows nothing before its end.
        """
        reading = Reading(from_logits, use_cache, window, padding, context)
        run = _Run(self, prompt, max_length, sampler, stop_tokens, seed, reading)
        if isinstance(run.sampler, BeamSampler):
            raise ValueError("sampler must choose token by token to stream, not be a BeamSampler")
        pairs = run.steps()
        return (token for _, token in pairs) if run.prompts.alone else pairs


class _Run:
    """One call of `generate`: its checked arguments, and the sequences so far."""

    def __init__(
        self,
        model: Any,
        prompt: Any,
        max_length: Any,
        sampler: Any,
        stop_tokens: Any,
        seed: int | None,
        reading: Reading,
    ) -> None:
        if not model.built:
            raise ValueError(
                f"model '{model.name}' must be built before it generates: it has no weights yet"
            )
        self.prompts = Prompts(prompt, max_length)
        self.sampler: Sampler = samplers.get(sampler)
        self._stop = stop_set(stop_tokens)
        self._seeds = None if seed is None else SeedGenerator(seed)
        batch, length = self.tokens.shape
        self._decoder = ModelDecoder(model, batch, length, reading)
        self._ends = np.full(batch, length)

    @property
    def tokens(self) -> Tokens:
        """(batch, max_length); each row begins with its prompt."""
        return self.prompts.tokens

    def results(self, strip_prompt: bool) -> Any:
        """The sequences as the caller gets them."""
        starts = self.prompts.lengths if strip_prompt else np.zeros_like(self._ends)
        found = [
            row[start:end].copy()
            for row, start, end in zip(self.tokens, starts, self._ends, strict=True)
        ]
        return found[0] if self.prompts.alone else found

    def steps(self) -> Iterator[tuple[int, int]]:
        """Yields the row and the id of every token that is chosen.

        All rows stand at one position: those with longer prompts read on while the others write.
        """
        lengths, length = self.prompts.lengths, self.tokens.shape[1]
        position = int(lengths.min())
        if position == length:
            return
        decoder = _Checked(self._decoder, self.prompts, self._stop)
        if isinstance(self.sampler, BeamSampler):
            found, self._ends = self.sampler.search(decoder, self.tokens, lengths, self._stop)
            self.prompts.tokens = found
            return
        sampler, stop, tokens = self.sampler, self._stop, self.tokens
        draws = self._draws() if sampler.needs_draws else None
        logits = decoder.advance(tokens[:, :position])
        seen = self._seen(logits.shape[1], position) if sampler.repetition_penalty != 1 else None
        rows, last_prompt = np.arange(len(tokens)), int(lengths.max())
        while True:
            writing = None if position >= last_prompt else lengths[rows] <= position
            if seen is not None:
                logits = sampler.penalized(logits, seen[rows])
            drawn = None if draws is None else draws.at(position)[rows]
            chosen = np.asarray(sampler(logits, drawn))
            if chosen.shape != rows.shape or chosen.dtype.kind not in "iu":
                raise ValueError(
                    f"sampler must choose {len(rows)} token ids, not {chosen.dtype.name} of shape "
                    f"{chosen.shape}"
                )
            if writing is not None:
                chosen = np.where(writing, chosen, tokens[rows, position])
            tokens[rows, position] = chosen
            if seen is not None:
                seen[rows, chosen] = True
            position += 1
            ended = []
            for i, token in enumerate(chosen.tolist()):
                if writing is None or writing[i]:
                    yield int(rows[i]), token
                    if token in stop:
                        ended.append(i)
            if ended:
                self._ends[rows[ended]] = position
                kept = np.delete(np.arange(len(rows)), ended)
                rows, chosen = rows[kept], chosen[kept]
                if len(rows) and position < length:
                    decoder.select(kept)
            if not len(rows) or position == length:
                return
            logits = decoder.advance(chosen[:, None])

    def _draws(self) -> _Draws:
        seeds = self.sampler.seed_generator if self._seeds is None else self._seeds
        return _Draws([numpy_generator(seeds) for _ in self.tokens], self.prompts.lengths)

    def _seen(self, vocabulary: int, position: int) -> npt.NDArray[np.bool_]:
        """(batch, vocabulary), true at the tokens that a row has read."""
        seen = np.zeros((len(self.tokens), vocabulary), bool)
        np.put_along_axis(seen, self.tokens[:, :position], True, axis=1)
        return seen


class _Checked:
    """A decoder that compares ids with the vocabulary as soon as its size is known."""

    def __init__(self, decoder: ModelDecoder, prompts: Prompts, stop: frozenset[int]) -> None:
        self._decoder = decoder
        self._prompts = prompts
        self._stop = stop
        self._first = True
        self.select = decoder.select

    def advance(self, tokens: Tokens) -> Any:
        logits = self._decoder.advance(tokens)
        if self._first:
            self._first = False
            size = logits.shape[1]
            self._prompts.check_vocabulary(size)
            for token in self._stop:
                if token >= size:
                    raise ValueError(
                        f"stop_tokens must be below {size}, the size of the vocabulary, not {token}"
                    )
        return logits


class _Draws:
    """A number of [0, 1) for every row and position behind its prompt.

    Those of a row do not hang on the other rows.
    """

    def __init__(self, generators: list[np.random.Generator], lengths: Tokens) -> None:
        self._generators = generators
        self._lengths = lengths
        self._start = 0
        self._block = np.zeros((0, len(generators)))

    def at(self, position: int) -> npt.NDArray[np.float64]:
        """(batch,), those of a position; positions are asked for in order."""
        if position >= self._start + len(self._block):
            self._start = position
            self._block = np.zeros((_BLOCK, len(self._generators)))
            for row, generator in enumerate(self._generators):
                before = min(max(int(self._lengths[row]) - position, 0), _BLOCK)
                self._block[before:, row] = generator.random(_BLOCK - before)
        drawn: npt.NDArray[np.float64] = self._block[position - self._start]
        return drawn
