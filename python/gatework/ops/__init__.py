"""Operations on tensors: each computes its value and, under a GradientTape, knows its gradient.

Names and arguments are those of ``keras.ops``. Everything takes Tensors, arrays or numbers and
returns Tensors.
"""

from typing import Any

from ..autograd import Array, Tensor, as_array, as_tensor
from .cross_entropy import *  # noqa: F403
from .cross_entropy import __all__ as _cross_entropy
from .dense import dense
from .linalg import *  # noqa: F403
from .linalg import __all__ as _linalg
from .math import *  # noqa: F403
from .math import __all__ as _math
from .nn import *  # noqa: F403
from .nn import __all__ as _nn
from .recurrent import recurrent
from .reduce import *  # noqa: F403
from .reduce import __all__ as _reduce
from .shape import *  # noqa: F403
from .shape import __all__ as _shape

__all__ = [
    *_cross_entropy,
    *_linalg,
    *_math,
    *_nn,
    *_reduce,
    *_shape,
    "convert_to_numpy",
    "convert_to_tensor",
    "dense",
    "recurrent",
]


def convert_to_tensor(x: Any, dtype: Any = None) -> Tensor:
    """A Tensor of x; floats become float32 unless a dtype is given."""
    return as_tensor(x, dtype)


def convert_to_numpy(x: Any) -> Array:
    """A NumPy array of x, which training does not change."""
    return x.numpy() if isinstance(x, Tensor) else as_array(x)
