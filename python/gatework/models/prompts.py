"""The beginnings that a model goes on from, as rows of one array."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor

__all__ = ["Prompts", "stop_set"]

Tokens = npt.NDArray[np.int64]


class Prompts:
    """Checked prompts.

    Args:
        prompt: token ids: a list or array of them, or a list of such or an array (batch, time) for
            several at once.
        max_length: the length of the longest result, prompt and what follows together.

    Attributes:
        alone: whether it was one prompt, not a batch of them.
        tokens: (batch, max_length); each row begins with its prompt.
        lengths: (batch,), the lengths of the prompts.

    Raises:
        TypeError: for what are not whole numbers.
        ValueError: for no prompt, an empty or too long one, or a negative id.
    """

    def __init__(self, prompt: Any, max_length: Any) -> None:
        if isinstance(max_length, bool) or not hasattr(max_length, "__index__") or max_length < 1:
            raise ValueError(f"max_length must be a positive integer, not {max_length!r}")
        if isinstance(prompt, str | bytes) or (
            isinstance(prompt, list | tuple) and prompt and isinstance(prompt[0], str | bytes)
        ):
            raise TypeError(
                f"prompt must be token ids, not text {prompt!r}: a tokenizer's encode() makes them"
            )
        self.alone, rows = _rows(prompt)
        self.lengths: Tokens = np.array([len(row) for row in rows])
        length = int(max_length.__index__())
        for i, row in enumerate(rows):
            name = "prompt" if self.alone else f"prompt[{i}]"
            if not len(row):
                raise ValueError(f"{name} must hold at least one token, not none")
            if len(row) > length:
                raise ValueError(
                    f"max_length must be at least the {len(row)} tokens of {name}, not {length}"
                )
            if row.min() < 0:
                at = int(row.argmin())
                raise ValueError(f"{name} must hold ids of at least 0, not {row[at]} at {at}")
        self.tokens: Tokens = np.zeros((len(rows), length), np.int64)
        for i, row in enumerate(rows):
            self.tokens[i, : len(row)] = row

    def check_vocabulary(self, size: int) -> None:
        """Raises ValueError for an id that the model has no score for."""
        for i, length in enumerate(self.lengths.tolist()):
            row = self.tokens[i, :length]
            if row.max() >= size:
                name, at = "prompt" if self.alone else f"prompt[{i}]", int(row.argmax())
                raise ValueError(
                    f"{name} must hold ids below {size}, the size of the model's vocabulary, "
                    f"not {row[at]} at {at}"
                )


def stop_set(stop_tokens: Any) -> frozenset[int]:
    """The ids that end a sequence.

    Raises:
        ValueError: for what are not ids of at least 0.
    """
    if stop_tokens is None:
        return frozenset()
    given = np.asarray(list(stop_tokens) if isinstance(stop_tokens, Set) else stop_tokens)
    if given.size and (given.dtype.kind not in "iu" or given.ndim > 1 or given.min() < 0):
        raise ValueError(f"stop_tokens must be an id or a list of ids, not {stop_tokens!r}")
    return frozenset(given.ravel().tolist())


def _rows(prompt: Any) -> tuple[bool, list[Tokens]]:
    if isinstance(prompt, Tensor):
        prompt = prompt.numpy()
    if isinstance(prompt, np.ndarray):
        if prompt.ndim not in (1, 2):
            raise ValueError(f"prompt must have shape (time,) or (batch, time), not {prompt.shape}")
        alone = prompt.ndim == 1
        parts: Sequence[Any] = [prompt] if alone else list(prompt)
    elif isinstance(prompt, list | tuple):
        alone = not (len(prompt) and isinstance(prompt[0], list | tuple | np.ndarray | Tensor))
        parts = [prompt] if alone else prompt
    else:
        raise TypeError(f"prompt must be a list or array of token ids, not {prompt!r}")
    if not len(parts):
        raise ValueError("prompt must hold at least one sequence, not none")
    return alone, [_ids(part) for part in parts]


def _ids(part: Any) -> Tokens:
    try:
        array = np.asarray(part.numpy() if isinstance(part, Tensor) else part)
    except ValueError:
        raise ValueError(f"prompt must be token ids or lists of them, not {part!r}") from None
    if array.ndim != 1:
        raise ValueError(
            f"prompt must have shape (time,) or (batch, time), not {array.shape} in it"
        )
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"prompt must hold whole numbers, not {array.dtype.name}")
    return array.astype(np.int64)
