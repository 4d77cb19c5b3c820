"""What a layer computes in: float32, or with products of bfloat16."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["DTypePolicy", "dtype_policy", "get", "set_dtype_policy"]

_KNOWN = ("float32", "mixed_bfloat16")


class DTypePolicy:
    """Names what a layer computes in, and what its weights are kept in.

    "float32": everything. "mixed_bfloat16": the operands of products (kernels, recurrent kernels,
    their inputs and the gradients that pass through them) are rounded to bfloat16 as they are
    multiplied; sums, activations, states, what layers hand on and all weights stay float32. Keras
    hands on bfloat16; here that is never less exact than there. It pays on processors with
    bfloat16 products (AVX512-BF16); others compute the same numbers, slower than float32.

    Args:
        name: "float32" or "mixed_bfloat16".

    Raises:
        ValueError: for another name.
    """

    def __init__(self, name: str) -> None:
        if name not in _KNOWN:
            raise ValueError(f"dtype must be 'float32' or 'mixed_bfloat16', not {name!r}")
        self.name = str(name)

    @property
    def variable_dtype(self) -> str:
        """What weights are kept in."""
        return "float32"

    @property
    def compute_dtype(self) -> str:
        """What operands of products are rounded to."""
        return "bfloat16" if self.name == "mixed_bfloat16" else "float32"

    def get_config(self) -> dict[str, str]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, str]) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


_policies = {name: DTypePolicy(name) for name in _KNOWN}
_default = _policies["float32"]


def get(identifier: Any = None) -> DTypePolicy:
    """The policy of a name, of a NumPy dtype or of a configuration; the global one for None.

    Raises:
        ValueError: for one that is not known; the message names ``dtype``.
    """
    if identifier is None:
        return _default
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        config = identifier.get("config")
        identifier = config.get("name") if isinstance(config, dict) else identifier
    elif identifier is np.float32:
        identifier = "float32"
    name = getattr(identifier, "name", identifier)
    if not isinstance(name, str) or name not in _policies:
        raise ValueError(f"dtype must be 'float32' or 'mixed_bfloat16', not {name!r}")
    return _policies[name]


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are made without ``dtype``."""
    return _default


def set_dtype_policy(policy: Any) -> None:
    """Sets the policy of layers made from now on without ``dtype``.

    Raises:
        ValueError: ``policy`` is not "float32", "mixed_bfloat16" or a DTypePolicy.
    """
    global _default
    if policy is None:
        raise ValueError("policy must be 'float32', 'mixed_bfloat16' or a DTypePolicy, not None")
    _default = get(policy)
