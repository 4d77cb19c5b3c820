"""Convolutions over time."""

from .conv import Conv1D
from .depthwise import DepthwiseConv1D
from .separable import SeparableConv1D
from .transposed import Conv1DTranspose

__all__ = ["Conv1D", "Conv1DTranspose", "DepthwiseConv1D", "SeparableConv1D"]
