"""The packages of the extra ``serve``, imported when a server is made."""

from __future__ import annotations

import functools
from typing import Any

from ..interop.extras import load_extra

__all__ = ["aiohttp", "orjson", "prometheus"]


@functools.cache
def aiohttp() -> Any:
    """The package that speaks HTTP. Raises ImportError where it is not installed."""
    return load_extra("aiohttp", "Servers", "web", extra="serve")


@functools.cache
def orjson() -> Any:
    """The package that reads and writes JSON, NumPy's arrays too."""
    return load_extra("orjson", "Servers", extra="serve")


@functools.cache
def prometheus() -> Any:
    """The package that counts for Prometheus."""
    return load_extra("prometheus_client", "Servers", extra="serve")
