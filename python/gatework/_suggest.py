"""The end of an error sentence: which known names come nearest to a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns "; nearest: 'a', 'b'", or "; known: ..." when nothing is near."""
    # Of two spellings of one name the one in the style of the question is shown.
    names = sorted(set(known), key=lambda other: (other.islower() != name.islower(), other))
    folded: dict[str, str] = {}
    for candidate in names:
        folded.setdefault(_fold(candidate), candidate)
    near = difflib.get_close_matches(_fold(name), list(folded), n=3, cutoff=0.6)
    if near:
        return "; nearest: " + ", ".join(repr(folded[key]) for key in near)
    return "; known: " + ", ".join(repr(candidate) for candidate in sorted(folded.values()))


def _fold(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")
