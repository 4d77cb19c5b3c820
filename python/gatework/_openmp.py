"""Loads the kernels with an OpenMP runtime that does not wait in a busy loop for long.

GNU OpenMP's threads spin for milliseconds after every parallel region unless told otherwise, which
takes the cores from NumPy's own threads, and from everything else on a busy machine. It reads its
settings once, when it is loaded. What the user has set stays.
"""

import os
import sys
from types import ModuleType

__all__ = ["core"]

_SETTING = "GOMP_SPINCOUNT"
_SPINS = "20000"  # some tens of microseconds: longer than the gap between two kernels of a step


def _refuse_other_interpreters() -> None:
    """Before Python 3.12 an extension cannot tell interpreters apart: a second one would hang."""
    if sys.version_info >= (3, 12):
        return
    try:
        import _xxsubinterpreters as interpreters  # type: ignore[import-not-found]
    except ImportError:
        return
    if interpreters.get_current() != interpreters.get_main():
        raise ImportError("gatework must be imported by the main interpreter before Python 3.12")


def _load() -> ModuleType:
    _refuse_other_interpreters()
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
