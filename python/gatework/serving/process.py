"""A server as a process: it runs until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from .server import Server
from .settings import Settings

__all__ = ["serve"]


def serve(program: Any, settings: Settings, say: Any = print) -> None:
    """Serves a program until SIGTERM or SIGINT, then finishes what is in flight.

    Args:
        program: a compiled program.
        settings: address and bounds.
        say: told the address once it listens.

    Raises:
        OSError: the address cannot be had.
        ImportError: the extra ``serve`` is not installed.
    """
    asyncio.run(_serve(program, settings, say))


async def _serve(program: Any, settings: Settings, say: Any) -> None:
    server = Server(program, settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await server.start()
    try:
        say(f"{program.name} at {server.url}", flush=True)
        await stopped.wait()
        say("stopping", flush=True)
    finally:
        await server.stop()
