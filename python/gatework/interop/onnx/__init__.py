"""ONNX models: written from models of this package, and read into them.

The onnx package is an extra: ``pip install 'gatework[onnx]'``.
"""

from __future__ import annotations

from .reading import import_model
from .writing import export_model

__all__ = ["export_model", "import_model"]
