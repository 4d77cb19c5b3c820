"""The words a model knows, and their numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]

UNKNOWN = "<unk>"
END = "</s>"


class Vocabulary:
    """The words a model knows, numbered from 0: ``<unk>``, ``</s>``, then by falling count.

    Args:
        words: every word with its number as position; starts with ``<unk>`` and ``</s>``.
    """

    def __init__(self, words: Sequence[str]) -> None:
        if list(words[:2]) != [UNKNOWN, END]:
            raise ValueError(f"words must begin with {UNKNOWN} and {END}, not {list(words[:2])}")
        self.words = list(words)
        self.numbers = {word: number for number, word in enumerate(self.words)}
        if len(self.numbers) != len(self.words):
            raise ValueError("words must be unique, not repeated")

    @classmethod
    def from_tokens(
        cls, tokens: Iterable[str], minimum_count: int = 2, maximum_size: int = 10_000
    ) -> Vocabulary:
        """The words seen at least `minimum_count` times, `maximum_size` of them at most."""
        counts = Counter(tokens)
        counts.pop(END, None)
        counts.pop(UNKNOWN, None)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        kept = [word for word, count in ranked if count >= minimum_count]
        return cls([UNKNOWN, END, *kept[: maximum_size - 2]])

    def __len__(self) -> int:
        return len(self.words)

    @property
    def unknown(self) -> int:
        """The number of ``<unk>``."""
        return 0

    @property
    def end(self) -> int:
        """The number of ``</s>``."""
        return 1

    def encode(self, tokens: Iterable[str]) -> Ids:
        """The numbers of `tokens`, int64, shape (N,)."""
        return np.array([self.numbers.get(t, self.unknown) for t in tokens], dtype=np.int64)

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """The words of `numbers`."""
        return [self.words[int(n)] for n in numbers]

    def save(self, path: Path) -> None:
        """Write the words as a JSON list."""
        path.write_text(json.dumps(self.words, ensure_ascii=False, indent=0), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote."""
        return cls(json.loads(path.read_text(encoding="utf-8")))
