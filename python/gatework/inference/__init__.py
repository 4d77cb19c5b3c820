"""Inference: compiled programs, streams through them, and the one file to ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .file import load
from .program import Program
from .report import LayerReport, Report
from .session import Session

if TYPE_CHECKING:
    from .c_export import export_c
    from .compiler import compile

__all__ = ["LayerReport", "Program", "Report", "Session", "compile", "export_c", "load"]


def __getattr__(name: str) -> Any:
    # Whoever loads a program needs no layers: they are imported with the first model.
    if name == "compile":
        from .compiler import compile

        return compile
    if name == "export_c":
        from .c_export import export_c

        return export_c
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
