"""What a user is told whose data holds something other than numbers."""

from __future__ import annotations

from typing import Any

from ..autograd.convert import held_in

_HINT = ": give each word or class a number first, as gatework.tokenizers or np.unique do"


def no_numbers(name: str, dtype: Any) -> TypeError:
    """The error for an argument of that dtype."""
    found = held_in(dtype)
    return TypeError(f"{name} must hold numbers, not {found}{_HINT if found == 'strings' else ''}")


def refuse_strings(value: Any, name: str) -> None:
    """Raises TypeError for a list of strings, or of lists that begin with one."""
    first = value
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if isinstance(first, str | bytes) and first is not value:
        raise TypeError(f"{name} must hold numbers, not strings{_HINT}")
