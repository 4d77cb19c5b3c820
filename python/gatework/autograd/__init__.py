"""A small eager tape: tensors, variables, and reverse-mode differentiation over NumPy arrays.

``tensor`` holds the values, ``recording`` what an operation leaves behind for its gradient, and
``tape`` the walk backwards (Griewank & Walther, Evaluating Derivatives, 2008, chapter 3).
"""

from .later import NoValueYet
from .recording import is_recording, needs_gradient, no_recording, record, record_many
from .tape import GradientTape
from .tensor import Array, Tensor, Variable, as_array, as_tensor, wrap

__all__ = [
    "Array",
    "GradientTape",
    "NoValueYet",
    "Tensor",
    "Variable",
    "as_array",
    "as_tensor",
    "is_recording",
    "needs_gradient",
    "no_recording",
    "record",
    "record_many",
    "wrap",
]
