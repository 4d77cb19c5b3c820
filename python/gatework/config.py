"""Settings of the whole package, under Keras' names."""

from typing import Any

from .dtype_policies import dtype_policy, set_dtype_policy

__all__ = ["dtype_policy", "floatx", "set_dtype_policy", "set_floatx"]


def floatx() -> str:
    """The dtype of weights and results: "float32"."""
    return "float32"


def set_floatx(value: Any) -> None:
    """Accepts "float32" only.

    Raises:
        ValueError: for another dtype.
    """
    if value != "float32":
        raise ValueError(f"value must be 'float32', not {value!r}: see set_dtype_policy")
