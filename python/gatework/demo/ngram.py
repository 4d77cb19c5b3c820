"""Counted language models to measure a neural one against.

`KneserNey` is interpolated modified Kneser-Ney smoothing after S. F. Chen and J. Goodman,
"An empirical study of smoothing techniques for language modeling", Computer Speech and
Language 13 (1999), pages 359-394.

Both models are distributions over all ``vocabulary_size`` numbers, whatever came before:
the probabilities of a context add up to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


class LanguageModel(Protocol):
    """What the demo asks of a counted model."""

    def log_probabilities(self, tokens: Ids) -> Floats:
        """Natural logarithm of the probability of each token given those before it."""


def perplexity(log_probabilities: Floats) -> float:
    """exp of the mean negative log probability: the number of words one hesitates between."""
    return float(np.exp(-np.mean(log_probabilities)))


class Unigram:
    """Relative frequencies, one added to every count so that no word is impossible.

    Args:
        tokens: training stream, numbers in ``[0, vocabulary_size)``, shape (N,).
        vocabulary_size: V.
    """

    def __init__(self, tokens: Ids, vocabulary_size: int) -> None:
        counts = np.bincount(tokens, minlength=vocabulary_size) + 1.0
        self.probabilities: Floats = counts / counts.sum()

    def log_probabilities(self, tokens: Ids) -> Floats:
        """See `LanguageModel`."""
        return np.log(self.probabilities[tokens])


@dataclass(frozen=True)
class _Level:
    """The counts of one order n: n-grams by key, and what their contexts share."""

    keys: Ids  # sorted keys of the n-grams seen
    discounted: Floats  # max(c - D(c), 0) / total of the context, per n-gram
    contexts: Ids  # sorted keys of the contexts seen, n-1 words each
    backoff: Floats  # weight of the lower order, per context


class KneserNey:
    """Interpolated modified Kneser-Ney model of a token stream.

    With c the count of an n-gram (of the highest order) or the number of different words seen
    before it (of a lower order), h the words before w and h' the same without the first,

        p(w | h) = max(c(hw) - D(c(hw)), 0) / sum_v c(hv)  +  gamma(h) p(w | h')

    where D is one of three discounts, for counts of one, two, and three or more, estimated
    from the counts of counts of that order, and gamma(h) is what the discounts took from h.
    Below the lowest order lies the uniform distribution 1/V.

    Args:
        tokens: training stream, numbers in ``[0, vocabulary_size)``, shape (N,), in reading
            order; it is preceded by `padding`, so the first words count too.
        vocabulary_size: V.
        order: number of words in the longest n-gram.
        padding: the number that stands before the first word, usually that of ``</s>``.

    Raises:
        ValueError: V to the power of `order` does not fit into 63 bits.
    """

    def __init__(self, tokens: Ids, vocabulary_size: int, order: int = 3, padding: int = 0) -> None:
        if vocabulary_size**order >= 2**63:
            raise ValueError(
                f"vocabulary_size ** order must be below 2**63, not {vocabulary_size} ** {order}"
            )
        self.vocabulary_size = vocabulary_size
        self.order = order
        self.padding = padding
        self._powers = vocabulary_size ** np.arange(order - 1, -1, -1, dtype=np.int64)
        keys, counts = np.unique(self._windows(tokens) @ self._powers, return_counts=True)
        self._levels: list[_Level] = []
        for n in range(order, 0, -1):
            self._levels.insert(0, self._level(keys, counts.astype(np.float64)))
            # The n-grams seen, without their first word: each counts once in the order below.
            keys, counts = np.unique(keys % vocabulary_size ** (n - 1), return_counts=True)

    def _windows(self, tokens: Ids) -> Ids:
        """Each token with the order-1 before it, shape (N, order)."""
        padded = np.concatenate([np.full(self.order - 1, self.padding, np.int64), tokens])
        return np.lib.stride_tricks.sliding_window_view(padded, self.order)

    def _level(self, keys: Ids, counts: Floats) -> _Level:
        discounts = modified_discounts(counts)
        taken = discounts[np.minimum(counts, 3).astype(np.int64)]
        contexts, owner = np.unique(keys // self.vocabulary_size, return_inverse=True)
        totals = np.bincount(owner, weights=counts)
        return _Level(
            keys=keys,
            discounted=(counts - taken) / totals[owner],
            contexts=contexts,
            backoff=np.bincount(owner, weights=taken) / totals,
        )

    def probabilities(self, windows: Ids) -> Floats:
        """p(last word | words before it) of each row of `windows`, shape (N, order)."""
        full = windows @ self._powers
        p = np.full(len(windows), 1.0 / self.vocabulary_size)
        for n, level in enumerate(self._levels, start=1):
            keys = full % self.vocabulary_size**n
            p *= _look_up(level.contexts, level.backoff, keys // self.vocabulary_size, 1.0)
            p += _look_up(level.keys, level.discounted, keys, 0.0)
        return p

    def log_probabilities(self, tokens: Ids) -> Floats:
        """See `LanguageModel`; the first tokens follow `padding`."""
        return np.log(self.probabilities(self._windows(tokens)))

    def distribution(self, context: Ids) -> Floats:
        """p(w | context) of every word w, shape (V,); only the last order-1 words matter."""
        padded = np.concatenate([np.full(self.order - 1, self.padding, np.int64), context])
        tail = padded[len(padded) - (self.order - 1) :]
        words = np.arange(self.vocabulary_size, dtype=np.int64)
        windows = np.column_stack([np.tile(tail, (self.vocabulary_size, 1)), words])
        return self.probabilities(windows)


def modified_discounts(counts: Floats) -> Floats:
    """The discounts of counts 0, 1, 2 and 3 or more, as Chen and Goodman estimate them.

    A text so small that counts of one to four do not all occur leaves the estimate undefined;
    then half a count is taken from every n-gram.
    """
    n1, n2, n3, n4 = (float(np.count_nonzero(counts == k)) for k in (1, 2, 3, 4))
    if min(n1, n2, n3, n4) == 0.0:
        return np.array([0.0, 0.5, 0.5, 0.5])
    y = n1 / (n1 + 2 * n2)
    estimates = [0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    # Irregular counts of counts can push an estimate below nothing or past its own count; a
    # little is always taken, so that no word becomes impossible after any context.
    return np.clip(estimates, [0.0, 0.05, 0.05, 0.05], [0.0, 0.95, 1.95, 2.95])


def _look_up(keys: Ids, values: Floats, wanted: Ids, missing: float) -> Floats:
    """`values` where `wanted` is among the sorted `keys`, else `missing`."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], missing)
