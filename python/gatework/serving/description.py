"""What a client must know of a program."""

from __future__ import annotations

from typing import Any

from ..inference.lowering.plan import Input
from .settings import Settings

__all__ = ["described"]


def described(program: Any, settings: Settings) -> dict[str, Any]:
    """Name, inputs, outputs and bounds, as JSON can hold them. Sizes that may vary are null."""
    return {
        "name": program.name,
        "inputs": [_input(one) for one in program.inputs],
        "outputs": program._structure,
        "outputs_have_steps": list(program._output_time),
        "streams": program._unstreamable is None,
        "why_not": program._unstreamable,
        "bounds": {
            name: getattr(settings, name)
            for name in ("max_rows", "max_length", "max_body", "max_sessions")
        },
    }


def _input(one: Input) -> dict[str, Any]:
    shape = list(one.shape)
    shape[0] = None
    if one.time:
        shape[1] = None
    found: dict[str, Any] = {
        "name": one.name,
        "dtype": "int64" if one.kind == "ids" else "float32",
        "shape": shape,
    }
    if one.kind == "ids":
        found["below"] = one.limit
    return found
