"""Layers that act in training only."""

from .activity import ActivityRegularization
from .dropout import AlphaDropout, Dropout, SpatialDropout1D
from .noise import GaussianDropout, GaussianNoise

__all__ = [
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
]
