"""From a model to an ONNX graph: one converter per layer, in a closed table."""

from __future__ import annotations

from .model import export_model

__all__ = ["export_model"]
