"""From an ONNX graph to a model: one converter per operator, in a closed table."""

from __future__ import annotations

from .model import import_model

__all__ = ["import_model"]
