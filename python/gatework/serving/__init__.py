"""A small HTTP server of one program: predictions in batches, streams, health and figures.

It needs the extra ``serve`` (aiohttp, orjson, prometheus-client), imported when a server is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .settings import Settings

if TYPE_CHECKING:
    from .reading import load_program
    from .server import Server

__all__ = ["Server", "Settings", "load_program"]


def __getattr__(name: str) -> Any:
    # The command line asks for the settings alone, and should not wait for asyncio.
    if name == "Server":
        from .server import Server

        return Server
    if name == "load_program":
        from .reading import load_program

        return load_program
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
