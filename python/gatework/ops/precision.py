"""Whether products round their operands to bfloat16: what the layer being called computes in."""

import threading

__all__ = ["precision"]


class _Precision(threading.local):
    """Set by the call of a layer on its thread; operations read it when they compute forward."""

    bf16 = False


precision = _Precision()
