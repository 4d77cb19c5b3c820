"""Tokens drawn at random, from all of them or from the likeliest ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Floats, Sampler, Tokens, check_scores, pick, share

__all__ = ["MinPSampler", "RandomSampler", "TopKSampler", "TopPSampler"]

_FIRST_LOOK = 64  # tokens that are sorted at first in the search for a nucleus


class RandomSampler(Sampler):
    """Draws from the model's distribution, made flatter or sharper by the temperature.

    Args:
        seed, temperature, repetition_penalty: as for ``Sampler``.
    """

    def __init__(
        self,
        seed: int | None = None,
        temperature: float = 1.0,
        repetition_penalty: float = 1.0,
    ) -> None:
        super().__init__(temperature, repetition_penalty, seed)

    def __call__(self, logits: Floats, draws: Any) -> Tokens:
        return pick(self.weights(logits), draws)


class TopKSampler(Sampler):
    """Draws from the k likeliest tokens (Fan et al. 2018).

    Args:
        k: how many.
        seed, temperature, repetition_penalty: as for ``Sampler``.

    Raises:
        ValueError: if ``k`` is no positive integer.
    """

    def __init__(
        self,
        k: int = 5,
        seed: int | None = None,
        temperature: float = 1.0,
        repetition_penalty: float = 1.0,
    ) -> None:
        super().__init__(temperature, repetition_penalty, seed)
        self.k = _count("k", k)

    def __call__(self, logits: Floats, draws: Any) -> Tokens:
        if self.k >= logits.shape[1]:
            return pick(self.weights(logits), draws)
        # In the order of their numbers: which token a draw means must not hang on rounding.
        kept = np.sort(_likeliest(logits, self.k), axis=1)
        chosen = pick(self.weights(np.take_along_axis(logits, kept, axis=1)), draws)
        return kept[np.arange(len(kept)), chosen]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}


class TopPSampler(Sampler):
    """Draws from the nucleus (Holtzman et al. 2020): the fewest tokens likelier than p together.

    Args:
        p: the share of the probability, in (0, 1].
        k: look at the k likeliest tokens only.
        seed, temperature, repetition_penalty: as for ``Sampler``.

    Raises:
        ValueError: if ``p`` or ``k`` is out of range.
    """

    def __init__(
        self,
        p: float = 0.1,
        k: int | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
        repetition_penalty: float = 1.0,
    ) -> None:
        super().__init__(temperature, repetition_penalty, seed)
        self.p = share("p", p)
        self.k = None if k is None else _count("k", k)

    def __call__(self, logits: Floats, draws: Any) -> Tokens:
        weights = self.weights(logits)
        total = weights.sum(axis=1, dtype=np.float64, keepdims=True)
        most = min(self.k or weights.shape[1], weights.shape[1])
        count = min(_FIRST_LOOK, most)
        while True:
            some = np.sort(_likeliest(weights, count), axis=1)
            found = np.take_along_axis(weights, some, axis=1)
            order = np.argsort(-found, axis=1, kind="stable")
            falling = np.take_along_axis(found, order, axis=1)
            reached = np.cumsum(falling, axis=1, dtype=np.float64) / total
            if count == most or (reached[:, -1] > self.p).all():
                break
            count = min(4 * count, most)
        dropped = np.zeros(found.shape, bool)
        np.put_along_axis(dropped, order[:, 1:], reached[:, :-1] > self.p, axis=1)
        found[dropped] = 0
        return some[np.arange(len(some)), pick(found, draws)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "p": self.p, "k": self.k}


class MinPSampler(Sampler):
    """Draws from the tokens at least p times as likely as the likeliest (Nguyen et al. 2024).

    Args:
        p: the share of the largest probability, in (0, 1].
        seed, temperature, repetition_penalty: as for ``Sampler``. The temperature comes first.

    Raises:
        ValueError: if ``p`` is out of range.
    """

    def __init__(
        self,
        p: float = 0.1,
        seed: int | None = None,
        temperature: float = 1.0,
        repetition_penalty: float = 1.0,
    ) -> None:
        super().__init__(temperature, repetition_penalty, seed)
        self.p = share("p", p)

    def __call__(self, logits: Floats, draws: Any) -> Tokens:
        weights = self.weights(logits)  # the largest is one
        weights[weights < self.p] = 0
        return pick(weights, draws)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "p": self.p}


def _likeliest(scores: Floats, count: int) -> Tokens:
    """The columns of the largest scores of each row, (rows, count), in no order."""
    size = scores.shape[1]
    if count == size:
        return np.broadcast_to(np.arange(size), scores.shape)
    # NaN would be sorted as the largest of all.
    check_scores(scores.max(axis=1))
    return np.argpartition(scores, size - count, axis=1)[:, size - count :]


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return int(value.__index__())
