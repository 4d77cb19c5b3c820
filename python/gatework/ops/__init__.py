"""Operations on tensors: each computes its value and, under a GradientTape, knows its gradient.

Names and arguments are those of ``keras.ops``. Everything takes Tensors, arrays or numbers and
returns Tensors.
"""

import functools
from collections.abc import Callable
from typing import Any

from ..autograd import Array, NoValueYet, Tensor, as_array, as_tensor
from .attention import *  # noqa: F403
from .attention import __all__ as _attention
from .convolution import *  # noqa: F403
from .convolution import __all__ as _convolution
from .cross_entropy import *  # noqa: F403
from .cross_entropy import __all__ as _cross_entropy
from .ctc import *  # noqa: F403
from .ctc import __all__ as _ctc
from .dense import dense, dense_together
from .linalg import *  # noqa: F403
from .linalg import __all__ as _linalg
from .math import *  # noqa: F403
from .math import __all__ as _math
from .nn import *  # noqa: F403
from .nn import __all__ as _nn
from .normalization import *  # noqa: F403
from .normalization import __all__ as _normalization
from .pooling import *  # noqa: F403
from .pooling import __all__ as _pooling
from .recurrent import recurrent
from .reduce import *  # noqa: F403
from .reduce import __all__ as _reduce
from .rotary import *  # noqa: F403
from .rotary import __all__ as _rotary
from .shape import *  # noqa: F403
from .shape import __all__ as _shape

__all__ = [
    *_attention,
    *_convolution,
    *_cross_entropy,
    *_ctc,
    *_linalg,
    *_math,
    *_nn,
    *_normalization,
    *_pooling,
    *_reduce,
    *_rotary,
    *_shape,
    "convert_to_numpy",
    "convert_to_tensor",
    "dense",
    "dense_together",
    "recurrent",
]


def convert_to_tensor(x: Any, dtype: Any = None) -> Tensor:
    """A Tensor of x; floats become float32 unless a dtype is given."""
    return as_tensor(x, dtype)


def convert_to_numpy(x: Any) -> Array:
    """A NumPy array of x, which training does not change."""
    return x.numpy() if isinstance(x, Tensor) else as_array(x)


# What cannot be put off until there is data: it takes no tensor, or belongs inside a layer.
_AT_ONCE = {"arange", "exponential", "full", "linear", "mish", "ones", "shape", "zeros"}
_AT_ONCE |= {"dropout", "dropout_mask", "embedding", "hard_swish", "spatial_dropout1d", "swish"}
_AT_ONCE |= {"BatchStatistics", "normalize_batch"}
_WITH_ARRAYS = {*_cross_entropy, *_linalg, *_math, *_nn, *_reduce, *_shape}
_WITH_ARRAYS |= {*_attention, *_convolution, *_normalization, *_pooling, *_rotary}
DEFERRABLE = frozenset(_WITH_ARRAYS) - _AT_ONCE


def _deferring(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which on symbolic tensors becomes a node of their graph.

    Only the failure to find a value leads there, so that calls with values pay nothing for it,
    however deep in a list a symbolic tensor may sit.
    """

    @functools.wraps(function)
    def operation(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except NoValueYet as missing:
            symbol = missing.symbol
        return symbol.defer(name, args, kwargs)

    operation.__module__, operation.__qualname__ = __name__, name  # where pickle finds it
    return operation


for _name in DEFERRABLE:
    globals()[_name] = _deferring(_name, globals()[_name])
swish, hard_swish = globals()["silu"], globals()["hard_silu"]
