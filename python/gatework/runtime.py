"""The processor, the threads and the build the kernels run on."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core

__all__ = ["build_config", "get_num_threads", "isa", "isa_available", "set_num_threads"]


def isa() -> str:
    """The instruction-set level in use; the environment variable GATEWORK_ISA overrides it."""
    return _core.isa()


def isa_available() -> list[str]:
    """The levels this build holds and this machine runs, weakest first."""
    return _core.isa_available()


def get_num_threads() -> int:
    """How many threads a kernel may use. OMP_NUM_THREADS sets it at start; after a fork it is 1."""
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Sets how many threads kernels started from this Python thread may use.

    Results do not depend on it. Raises ValueError unless 1 <= n <= 4096.
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"n must be an integer, not {type(n).__name__}")
    _core.set_num_threads(int(n))


def build_config() -> dict[str, Any]:
    """Compiler, build type, OpenMP and instruction-set levels of this build."""
    return dict(_core.build_config())
