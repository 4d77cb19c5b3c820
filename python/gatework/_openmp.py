"""Loads the kernels with an OpenMP runtime that does not wait in a busy loop for long.

GNU OpenMP's threads spin for milliseconds after every parallel region unless told otherwise, which
takes the cores from NumPy's own threads, and from everything else on a busy machine. It reads its
settings once, when it is loaded. What the user has set stays.
"""

import os
from types import ModuleType

__all__ = ["core"]

_SETTING = "GOMP_SPINCOUNT"
_SPINS = "20000"  # some tens of microseconds: longer than the gap between two kernels of a step


def _load() -> ModuleType:
    if _SETTING in os.environ or "OMP_WAIT_POLICY" in os.environ:
        from . import _core

        return _core
    os.environ[_SETTING] = _SPINS
    try:
        from . import _core
    finally:
        del os.environ[_SETTING]  # not for child processes or other libraries
    return _core


core = _load()
