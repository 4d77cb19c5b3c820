"""Training and prediction with products of bfloat16, under Keras' names.

gatework.mixed_precision.set_global_policy("mixed_bfloat16")
"""

from .dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from .dtype_policies import DTypePolicy as Policy
from .dtype_policies import dtype_policy as global_policy
from .dtype_policies import set_dtype_policy as set_global_policy
from .optimizers import LossScaleOptimizer

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
