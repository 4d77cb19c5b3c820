"""What a server allows, and how long it waits."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["Settings"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The bounds of a server. Whatever exceeds one is refused with a sentence that names it.

    Args:
        host: address to listen at; "127.0.0.1", which only this machine reaches, by default.
        port: port; 0 for any that is free.
        max_batch: rows that run together at most.
        max_wait: seconds that a request waits for others to run with. 0 by default: a batch is then
            what has come while the one before was running, and a request alone never waits.
        max_rows: rows of one request, or of one stream.
        max_length: steps of one sequence, or of one block of a stream.
        max_body: bytes of a request or of a message of a stream.
        max_queue: rows that wait; a request that comes then is answered 503.
        max_sessions: streams at a time.
        request_timeout: seconds for reading a request, and for computing its answer.
        session_timeout: seconds after which a stream without messages is closed.
        idle_timeout: seconds that a connection may stay without a whole request.
        stop_timeout: seconds for what is in flight when the server stops.

    Raises:
        ValueError: for one out of its range; the message names it.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    max_batch: int = 32
    max_wait: float = 0.0
    max_rows: int = 1024
    max_length: int = 65536
    max_body: int = 8 << 20
    max_queue: int = 4096
    max_sessions: int = 256
    request_timeout: float = 30.0
    session_timeout: float = 600.0
    idle_timeout: float = 75.0
    stop_timeout: float = 30.0

    def __post_init__(self) -> None:
        if not isinstance(self.host, str) or not self.host:
            raise ValueError(f"host must be a name or an address, not {self.host!r}")
        if not _whole(self.port, 0, 65535):
            raise ValueError(f"port must be a whole number in [0, 65535], not {self.port!r}")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and field.name != "port" and not _whole(value, 1, 1 << 40):
                raise ValueError(f"{field.name} must be a positive integer, not {value!r}")
            if field.type == "float" and not _seconds(value, least=field.name == "max_wait"):
                rule = "at least 0" if field.name == "max_wait" else "above 0"
                raise ValueError(f"{field.name} must be seconds, finite and {rule}, not {value!r}")


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _seconds(value: Any, least: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return value >= 0 if least else value > 0
