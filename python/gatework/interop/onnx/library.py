"""The onnx package, imported when first used: it is an extra."""

from __future__ import annotations

import functools
from typing import Any

from ..extras import load_extra

__all__ = ["load_onnx"]


@functools.cache
def load_onnx() -> Any:
    """The onnx package.

    Raises:
        ImportError: if it is not installed; the message says how to install it.
    """
    return load_extra("onnx", "ONNX files", "helper", "numpy_helper")
