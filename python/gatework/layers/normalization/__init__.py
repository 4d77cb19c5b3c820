"""Layers that bring values to mean zero and deviation one, or parts of that."""

from .batch import BatchNormalization
from .group import GroupNormalization
from .layer import LayerNormalization
from .rms import RMSNormalization
from .unit import UnitNormalization

__all__ = [
    "BatchNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "RMSNormalization",
    "UnitNormalization",
]
