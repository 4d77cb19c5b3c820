"""The onnx package, imported when first used: it is an extra."""

from __future__ import annotations

import functools
import importlib
from typing import Any

__all__ = ["load_onnx"]


@functools.cache
def load_onnx() -> Any:
    """The onnx package.

    Raises:
        ImportError: if it is not installed; the message says how to install it.
    """
    try:
        onnx = importlib.import_module("onnx")
        for name in ("helper", "numpy_helper"):
            importlib.import_module(f"onnx.{name}")
    except ImportError as error:
        raise ImportError(
            "ONNX files need the onnx package: pip install 'gatework[onnx]'"
        ) from error
    return onnx
