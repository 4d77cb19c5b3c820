"""Makes Keras compute in float64, whatever its backend."""

from __future__ import annotations

import keras
from keras.src.backend.common import dtypes


def use_float64() -> None:
    """Sets float64 as Keras' float type and keeps it through every operation.

    On JAX, Keras rounds the result of `tanh`, `exp` and their like to float32 whatever the float
    type is; one entry of its promotion table decides that.
    """
    keras.config.set_floatx("float64")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
