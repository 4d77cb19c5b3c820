"""Characters and bytes as tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from .base import Ids, Tokenizer, check_ids, check_text

__all__ = ["ByteTokenizer", "CharacterTokenizer"]


class CharacterTokenizer(Tokenizer):
    """One id for each character (code point) of a vocabulary.

    Args:
        characters: the vocabulary, in the order of the ids.
        unknown: the character that stands for those outside of the vocabulary; it gets the last id
            unless it is in the vocabulary already. Without it, such characters are an error.

    Raises:
        TypeError: if an argument is no text.
        ValueError: for no characters, repeated ones, or an ``unknown`` of several characters.
    """

    def __init__(self, characters: str, unknown: str | None = None) -> None:
        self.characters = check_text(characters)
        if unknown is not None and (not isinstance(unknown, str) or len(unknown) != 1):
            raise ValueError(f"unknown must be one character or None, not {unknown!r}")
        self.unknown = unknown
        if unknown is not None and unknown not in characters:
            self.characters += unknown
        if not characters:
            raise ValueError("characters must hold at least one character, not none")
        self._codes = _codes(self.characters)
        self._order = np.argsort(self._codes, kind="stable")
        self._sorted = self._codes[self._order]
        if (self._sorted[1:] == self._sorted[:-1]).any():
            twice = next(c for i, c in enumerate(characters) if c in characters[:i])
            raise ValueError(f"characters must be unique, not hold {twice!r} twice")

    @classmethod
    def from_text(cls, text: str | Iterable[str], unknown: str | None = None) -> Self:
        """The tokenizer of all characters of a text, or of several, in code point order."""
        texts = [text] if isinstance(text, str) else text
        found: set[str] = set()
        for one in texts:
            found.update(check_text(one))
        return cls("".join(sorted(found)), unknown)

    @property
    def vocabulary_size(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Ids:
        """The ids of a text, (time,).

        Raises:
            ValueError: for a character outside of the vocabulary, if there is no ``unknown``.
        """
        codes = _codes(check_text(text))
        places = np.minimum(np.searchsorted(self._sorted, codes), len(self._sorted) - 1)
        ids: Ids = self._order[places]
        strange = self._sorted[places] != codes
        if strange.any():
            if self.unknown is None:
                at = int(strange.argmax())
                raise ValueError(
                    f"text must hold characters of the vocabulary, not {text[at]!r} at {at}"
                )
            ids[strange] = self.characters.index(self.unknown)
        return ids

    def decode(self, ids: Any) -> str:
        """The text of ids (time,). Raises ValueError for an id out of range."""
        codes = self._codes[check_ids(ids, self.vocabulary_size)]
        return str(codes.tobytes(), "utf-32-le", "surrogatepass")

    def get_config(self) -> dict[str, Any]:
        return {"characters": self.characters, "unknown": self.unknown}


class ByteTokenizer(Tokenizer):
    """The 256 bytes of UTF-8: every text has ids."""

    @property
    def vocabulary_size(self) -> int:
        return 256

    def encode(self, text: str) -> Ids:
        """The ids of a text, (time,). Raises ValueError for half a surrogate pair."""
        return np.frombuffer(check_text(text).encode(), np.uint8).astype(np.int64)

    def decode(self, ids: Any) -> str:
        """The text of ids (time,); "\\N{REPLACEMENT CHARACTER}" where they are no UTF-8.

        Raises:
            ValueError: for an id out of range.
        """
        return check_ids(ids, 256).astype(np.uint8).tobytes().decode("utf-8", "replace")

    def get_config(self) -> dict[str, Any]:
        return {}


def _codes(text: str) -> Any:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
