"""Layers that take the largest value, or the mean, over time."""

from .adaptive import AdaptiveAveragePooling1D, AdaptiveMaxPooling1D
from .over_all import GlobalAveragePooling1D, GlobalMaxPooling1D
from .windows import AveragePooling1D, MaxPooling1D

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveMaxPooling1D",
    "AveragePooling1D",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "MaxPooling1D",
]
