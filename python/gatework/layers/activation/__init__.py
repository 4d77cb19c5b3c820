"""Activations as layers."""

from .activation import Activation
from .prelu import PReLU
from .rectified import ELU, LeakyReLU, ReLU
from .softmax import Softmax

__all__ = ["ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax"]
