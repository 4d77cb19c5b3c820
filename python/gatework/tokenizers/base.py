"""What tokenizers share: batches, streams of ids, files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .._json_text import read_json
from ..utils.files import atomic_write, read_file

__all__ = ["Ids", "Tokenizer", "check_ids", "check_text"]

Ids = npt.NDArray[np.int64]

_UNFINISHED = "\N{REPLACEMENT CHARACTER}"  # what stands for bytes that are no character yet


class Tokenizer:
    """Text to token ids and back.

    A subclass implements ``encode``, ``decode``, ``vocabulary_size`` and ``get_config``.
    """

    @property
    def vocabulary_size(self) -> int:
        """The number of ids."""
        raise NotImplementedError(f"{type(self).__name__} must implement vocabulary_size")

    def __len__(self) -> int:
        return self.vocabulary_size

    def encode(self, text: str) -> Ids:
        """The ids of a text, (time,)."""
        raise NotImplementedError(f"{type(self).__name__} must implement encode(text)")

    def decode(self, ids: Any) -> str:
        """The text of ids (time,)."""
        raise NotImplementedError(f"{type(self).__name__} must implement decode(ids)")

    def encode_batch(self, texts: Iterable[str]) -> list[Ids]:
        """The ids of each text."""
        if isinstance(texts, str):
            raise TypeError(f"texts must be several texts, not one: {texts[:40]!r}")
        return [self.encode(text) for text in texts]

    def decode_batch(self, rows: Iterable[Any]) -> list[str]:
        """The text of each row of ids."""
        return [self.decode(row) for row in rows]

    def decode_stream(self, ids: Iterable[int]) -> Iterator[str]:
        """Yields the text of ids as they come; parts of a character wait for the others."""
        waiting: list[int] = []
        for one in ids:
            waiting.append(int(one))
            text = self.decode(waiting)
            if not text.endswith(_UNFINISHED):
                yield text
                waiting.clear()
        if waiting:
            yield self.decode(waiting)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as JSON can hold them."""
        raise NotImplementedError(f"{type(self).__name__} must implement get_config()")

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the tokenizer to a JSON file; an older one stays until the new one is whole."""
        content = {"class_name": type(self).__name__, "config": self.get_config()}
        with atomic_write(filepath) as file:
            file.write(json.dumps(content, ensure_ascii=True, indent=1).encode())

    @classmethod
    def load(cls, filepath: str | os.PathLike[str]) -> Self:
        """Reads what ``save`` wrote.

        Raises:
            ValueError: if the file holds something else, or another class of tokenizer.
            OSError: if it cannot be read.
        """
        name = os.fspath(filepath)
        content = read_json(read_file(filepath), f"tokenizer file '{name}'")
        found = content.get("class_name") if isinstance(content, dict) else None
        config = content.get("config") if isinstance(content, dict) else None
        if found != cls.__name__ or not isinstance(config, dict):
            raise ValueError(f"tokenizer file '{name}' must hold a {cls.__name__}, not {found!r}")
        try:
            return cls(**config)
        except (TypeError, ValueError) as error:
            raise ValueError(f"tokenizer file '{name}' must be readable: {error}") from error


def check_text(text: Any) -> str:
    """The text; TypeError for anything else."""
    if not isinstance(text, str):
        raise TypeError(f"text must be a string, not {text!r}")
    return text


def check_ids(ids: Any, size: int) -> Ids:
    """The ids as an array.

    Raises:
        TypeError: for what are not whole numbers.
        ValueError: for several rows, or an id out of range.
    """
    array = np.asarray(ids)
    if array.ndim != 1:
        raise ValueError(f"ids must have shape (time,), not {array.shape}: see decode_batch")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"ids must be whole numbers, not {array.dtype.name}")
    wrong = (array < 0) | (array >= size)
    if wrong.any():
        at = int(wrong.argmax())
        raise ValueError(f"ids must be in [0, {size}), not {array[at]} at {at}")
    return array.astype(np.int64)
