"""Streams over WebSocket: a session of the program for each connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .errors import BadRequest, Overloaded
from .extra import aiohttp, orjson
from .metrics import Metrics
from .settings import Settings
from .values import Reader

__all__ = ["Streams"]

_log = logging.getLogger("gatework.serving")

_KINDS = ("step", "run", "reset")


@dataclass(eq=False)
class _Stream:
    session: Any
    length: int = 0  # steps since the last reset of all rows


class Streams:
    """The open streams of a server.

    A message is an object of one of ``step`` (one step: rows first), ``run`` (a block of steps) and
    ``reset`` (true, or numbers of rows); the answer holds ``outputs``, or ``reset``. Whatever is
    wrong with a message is answered by ``error``; the states are then as they were.

    Args:
        program: makes the sessions.
        reader: reads values.
        settings: bounds.
        metrics: counts.
        executor: where blocks run; single steps take microseconds and run at once.
    """

    def __init__(
        self,
        program: Any,
        reader: Reader,
        settings: Settings,
        metrics: Metrics,
        executor: Executor,
    ) -> None:
        self._program = program
        self._reader = reader
        self._settings = settings
        self._metrics = metrics
        self._executor = executor
        self._open: dict[Any, bool] = {}  # whether it is at a message
        self._closing = False
        # Keys and values of every step are kept, unless a window says how far back they are read.
        self._grows = any(
            step.op == "attention" and step.args.get("window", -1) < 0 for step in program._steps
        )

    async def handle(self, request: Any) -> Any:
        """Answers a request for a stream, for as long as it lasts.

        Raises:
            BadRequest: no WebSocket, another site's, the model cannot stream, or ``rows`` is wrong.
            Overloaded: too many streams are open.
        """
        web = aiohttp().web
        _refuse_other_sites(request)
        rows = self._rows(request)
        if len(self._open) >= self._settings.max_sessions:
            raise Overloaded(f"streams must be at most {self._settings.max_sessions} at a time")
        try:
            session = self._program.session(rows)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        socket = web.WebSocketResponse(
            max_msg_size=self._settings.max_body,
            heartbeat=self._settings.idle_timeout / 2,  # finds out who is gone
            timeout=5.0,
        )
        if not socket.can_prepare(request):
            raise BadRequest("the request must be one for a WebSocket")
        self._open[socket] = False  # before the first wait: else more than the bound could come
        self._metrics.sessions.set(len(self._open))
        try:
            await socket.prepare(request)
            await self._converse(socket, _Stream(session))
        finally:
            del self._open[socket]
            self._metrics.sessions.set(len(self._open))
        return socket

    async def close(self) -> None:
        """Closes all streams, each after the answer to the message that it is at."""
        self._closing = True
        await asyncio.gather(*(_gone(one) for one, busy in list(self._open.items()) if not busy))

    def _rows(self, request: Any) -> int:
        text = request.query.get("rows", "1")
        most = self._settings.max_rows
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
            raise BadRequest(f"rows must be a whole number in [1, {most}], not {text[:60]!r}")
        return int(text)

    def _length(self, stream: _Stream, more: int) -> int:
        """The steps since the beginning, with so many more.

        Raises:
            BadRequest: they would take more memory than is allowed.
        """
        most = self._settings.max_length
        if self._grows and stream.length + more > most:
            raise BadRequest(
                f"the stream must have at most {most} steps from one reset to the next, since its "
                f"attention keeps them all: {stream.length} are done"
            )
        return stream.length + more

    async def _converse(self, socket: Any, stream: _Stream) -> None:
        kinds = aiohttp().WSMsgType
        while not socket.closed:
            if self._closing:
                return await _gone(socket)
            try:
                async with asyncio.timeout(self._settings.session_timeout):
                    message = await socket.receive()
            except TimeoutError:
                return await _gone(socket, b"no message for too long")
            if message.type not in (kinds.TEXT, kinds.BINARY):
                return None  # closed, or failed
            self._open[socket] = True
            try:
                answer = _encoded(await self._answered(stream, message.data))
                if message.type is kinds.TEXT:
                    await socket.send_str(answer.decode())
                else:
                    await socket.send_bytes(answer)
            except ConnectionError:
                return None  # the client is gone
            self._open[socket] = False
        return None

    async def _answered(self, stream: _Stream, data: Any) -> dict[str, Any]:
        try:
            return await self._answer(stream, data)
        except BadRequest as error:
            return {"error": str(error)}
        except Exception:
            _log.exception("a stream failed")
            return {"error": "the server failed; its log says why"}

    async def _answer(self, stream: _Stream, data: Any) -> dict[str, Any]:
        try:
            message = orjson().loads(data)
        except ValueError as error:
            raise BadRequest(f"the message must be JSON: {error}") from error
        kind = next(iter(message), None) if type(message) is dict and len(message) == 1 else None
        if kind not in _KINDS:
            raise BadRequest(f"the message must be an object of one of {', '.join(_KINDS)}")
        self._metrics.messages.labels(kind).inc()
        if kind == "reset":
            return self._reset(stream, message["reset"])
        session = stream.session
        try:
            if kind == "step":
                length = self._length(stream, 1)
                outputs = session.step(self._given(self._reader.step, message, session))
            else:
                block = self._given(self._reader.block, message, session)
                timed = [i for i, one in enumerate(self._program.inputs) if one.time]
                length = self._length(stream, max((block[i].shape[1] for i in timed), default=0))
                loop = asyncio.get_running_loop()
                outputs = await loop.run_in_executor(self._executor, session.run, block)
            stream.length = length
            return {"outputs": outputs}
        except ValueError as error:
            raise BadRequest(f"{kind} must be what the model takes: {error}") from error

    def _given(
        self, read: Callable[[Any, int], list[Any]], message: Any, session: Any
    ) -> list[Any]:
        (value,) = message.values()
        return read(value, session.batch)

    def _reset(self, stream: _Stream, rows: Any) -> dict[str, Any]:
        session = stream.session
        if rows is True:
            session.reset()
            stream.length = 0
        elif type(rows) is list and all(type(row) is int for row in rows):
            try:
                session.reset(rows)
            except (ValueError, OverflowError, TypeError) as error:
                raise BadRequest(f"reset must be true or numbers of rows: {error}") from error
        else:
            raise BadRequest("reset must be true or a list of the numbers of rows")
        return {"reset": rows}


def _encoded(value: Any) -> bytes:
    found: bytes = orjson().dumps(value, option=orjson().OPT_SERIALIZE_NUMPY)
    return found


async def _gone(socket: Any, why: bytes = b"the server stops") -> None:
    await socket.close(code=aiohttp().WSCloseCode.GOING_AWAY, message=why)


def _refuse_other_sites(request: Any) -> None:
    """A page of another site, open in a browser of this machine, must not reach the server."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise BadRequest("Origin must be this server's, or not be sent")
