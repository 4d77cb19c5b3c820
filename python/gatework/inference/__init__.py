"""Inference: compiled programs, streams through them, and the one file to ship."""

from __future__ import annotations

from .c_export import export_c
from .compiler import compile
from .file import load
from .program import Program
from .session import Session

__all__ = ["Program", "Session", "compile", "export_c", "load"]
