"""Layers that move values and compute nothing."""

from .flatten import Flatten
from .length import Cropping1D, UpSampling1D, ZeroPadding1D
from .permute import Permute
from .repeat_vector import RepeatVector
from .reshape import Reshape

__all__ = [
    "Cropping1D",
    "Flatten",
    "Permute",
    "RepeatVector",
    "Reshape",
    "UpSampling1D",
    "ZeroPadding1D",
]
