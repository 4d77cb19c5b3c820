"""JSON from files: no key twice, finite numbers, no depth that would exhaust the stack."""

from __future__ import annotations

import json
from typing import Any

MAX_DIGITS = 100

__all__ = ["read_json"]


def read_json(data: bytes, label: str) -> Any:
    """The value of a JSON text; ``label`` is the subject of the error sentence."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError(f"{label} must not name a key twice")
        return found

    def refuse(name: str) -> Any:
        raise ValueError(f"{label} must hold finite numbers, not {name}")

    def whole(digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise ValueError(
                f"{label} must hold numbers of at most {MAX_DIGITS} digits, not {len(digits)}"
            )
        return int(digits)

    try:
        return json.loads(data, object_pairs_hook=unique, parse_constant=refuse, parse_int=whole)
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{label} must be readable JSON: {error}") from error
