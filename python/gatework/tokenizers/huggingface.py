"""Tokenizers of the ``tokenizers`` library: byte pairs, word pieces and others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from ..interop.extras import load_extra
from ..layers.arguments import positive_int
from ..utils.files import atomic_write, read_file
from .base import Ids, Tokenizer, check_ids, check_text

__all__ = ["HuggingFaceTokenizer"]

_PARTS = ("decoders", "models", "pre_tokenizers", "trainers")


class HuggingFaceTokenizer(Tokenizer):
    """A ``tokenizers.Tokenizer``: one that was trained here, or the ``tokenizer.json`` of a model.

    Args:
        tokenizer: the object of the ``tokenizers`` library.

    Raises:
        ImportError: the ``tokenizers`` package is not installed.
        TypeError: for another object.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not isinstance(tokenizer, _library().Tokenizer):
            raise TypeError(f"tokenizer must be a tokenizers.Tokenizer, not {tokenizer!r}")
        self.tokenizer = tokenizer

    @classmethod
    def train_bpe(
        cls,
        texts: str | Iterable[str],
        vocabulary_size: int,
        special_tokens: Sequence[str] = (),
    ) -> Self:
        """Learns byte pairs (Sennrich et al. 2016), on bytes as GPT-2: every text has ids.

        Args:
            texts: a text, or several.
            vocabulary_size: the number of ids at most: special tokens, 256 bytes, then pairs.
            special_tokens: texts that are one id each; they get the first ids.

        Raises:
            ValueError: if the vocabulary has no room for the bytes and the special tokens.
        """
        library = _library()
        least = 256 + len(special_tokens)
        if positive_int("vocabulary_size", vocabulary_size) < least:
            raise ValueError(
                f"vocabulary_size must be at least {least} (256 bytes and {len(special_tokens)} "
                f"special tokens), not {vocabulary_size}"
            )
        tokenizer = library.Tokenizer(library.models.BPE())
        tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            special_tokens=list(special_tokens),
            initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        given = [texts] if isinstance(texts, str) else texts
        tokenizer.train_from_iterator((check_text(text) for text in given), trainer)
        return cls(tokenizer)

    @property
    def vocabulary_size(self) -> int:
        return int(self.tokenizer.get_vocab_size())

    def id_of(self, token: str) -> int:
        """The id of a token, such as the one that ends a text. Raises ValueError without one."""
        found = self.tokenizer.token_to_id(check_text(token))
        if found is None:
            raise ValueError(f"token must be in the vocabulary, not {token!r}")
        return int(found)

    def encode(self, text: str) -> Ids:
        """The ids of a text, (time,), with the special tokens that the tokenizer adds."""
        return np.array(self.tokenizer.encode(check_text(text)).ids, np.int64)

    def encode_batch(self, texts: Iterable[str]) -> list[Ids]:
        if isinstance(texts, str):
            return super().encode_batch(texts)
        found = self.tokenizer.encode_batch([check_text(text) for text in texts])
        return [np.array(one.ids, np.int64) for one in found]

    def decode(self, ids: Any) -> str:
        """The text of ids (time,), special tokens left out. ValueError for an id out of range."""
        checked = check_ids(ids, self.vocabulary_size)
        return str(self.tokenizer.decode(checked.tolist(), skip_special_tokens=True))

    def decode_stream(self, ids: Iterable[int]) -> Iterator[str]:
        stream = _library().decoders.DecodeStream(skip_special_tokens=True)
        for one in ids:
            (checked,) = check_ids([one], self.vocabulary_size).tolist()
            text = stream.step(self.tokenizer, checked)
            if text is not None:
                yield str(text)

    def get_config(self) -> dict[str, Any]:
        return {"tokenizer": self.tokenizer.to_str()}

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes a ``tokenizer.json``, which the ``tokenizers`` library reads too."""
        with atomic_write(filepath) as file:
            file.write(self.tokenizer.to_str(pretty=True).encode())

    @classmethod
    def load(cls, filepath: str | os.PathLike[str]) -> Self:
        """Reads a ``tokenizer.json``.

        Raises:
            ValueError: if the file holds something else.
            OSError: if it cannot be read.
        """
        library = _library()
        try:
            return cls(library.Tokenizer.from_buffer(read_file(filepath)))
        except OSError:
            raise
        except BaseException as error:  # the library raises Exception itself, and panics
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            name = os.fspath(filepath)
            raise ValueError(f"file '{name}' must be a tokenizer.json: {error}") from error


def _library() -> Any:
    return load_extra("tokenizers", "subword tokenizers", *_PARTS)
