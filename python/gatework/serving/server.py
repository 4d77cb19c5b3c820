"""The server: paths, answers, beginning and end."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .batching import Batcher
from .description import described
from .errors import BadRequest, Overloaded, Refused
from .extra import aiohttp, orjson
from .joining import joining_of
from .metrics import Metrics
from .settings import Settings
from .streams import Streams
from .values import Reader, joined

__all__ = ["Server"]

_log = logging.getLogger("gatework.serving")
_http_log = logging.getLogger("gatework.serving.http")

Handler = Callable[[Any], Awaitable[Any]]


def _is_of_the_server(record: logging.LogRecord) -> bool:
    """Whether it is no complaint about what a client sent: strangers are not to fill the log."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, aiohttp().http.HttpProcessingError)


_http_log.addFilter(_is_of_the_server)


class Server:
    """Serves a program over HTTP.

        server = Server(gatework.inference.load("model.gwp"), Settings(port=0))
        await server.start()
        print(server.url)
        await server.stop()

    Paths: ``POST /predict``, ``GET /stream`` (WebSocket), ``GET /model``, ``GET /health``,
    ``GET /metrics``; see docs/serving.md.

    Args:
        program: a compiled program.
        settings: address and bounds.

    Raises:
        ImportError: the extra ``serve`` is not installed.
    """

    def __init__(self, program: Any, settings: Settings | None = None) -> None:
        self._settings = settings = settings or Settings()
        self._program = program
        web = aiohttp().web
        self._metrics = Metrics()
        # One thread computes batches, which themselves use all threads of gatework.
        self._batches = ThreadPoolExecutor(1, "gatework-batches")
        self._blocks = ThreadPoolExecutor(1, "gatework-blocks")
        self._reader = Reader(program.inputs, settings)
        self._batcher = Batcher(
            joining_of(program), self._batches, settings, self._metrics.on_batch
        )
        self._streams = Streams(program, self._reader, settings, self._metrics, self._blocks)
        self._stopping = False

        async def answered(request: Any, handler: Handler) -> Any:
            return await self._answered(request, handler)

        app = web.Application(
            middlewares=[web.middleware(answered)], client_max_size=settings.max_body
        )
        app.router.add_post("/predict", self._predict)
        app.router.add_get("/stream", self._streams.handle)
        app.router.add_get("/model", self._model)
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._figures)
        self._paths = {"/predict", "/stream", "/model", "/health", "/metrics"}
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_http_log,
            keepalive_timeout=settings.idle_timeout,
            lingering_time=1.0,  # for the rest of a body that was refused
            shutdown_timeout=settings.stop_timeout,
        )
        self._socket: socket.socket | None = None

    @property
    def url(self) -> str:
        """Where it listens, as "http://127.0.0.1:8000"."""
        if self._socket is None:
            raise RuntimeError("url must be asked for after start(), not before")
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        """Begins to listen.

        Raises:
            OSError: the address cannot be had.
        """
        settings = self._settings
        found = await asyncio.get_running_loop().getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )
        family, _, _, _, address = found[0]
        self._socket = socket.create_server(address[:2], family=family)
        await self._runner.setup()
        await aiohttp().web.SockSite(self._runner, self._socket).start()

    async def stop(self) -> None:
        """Listens no more, finishes what is in flight, and closes all connections."""
        self._stopping = True
        closing = asyncio.ensure_future(self._streams.close())
        await self._runner.cleanup()
        await closing
        self._batches.shutdown(cancel_futures=True)
        self._blocks.shutdown(cancel_futures=True)

    # --- what is asked for

    async def _predict(self, request: Any) -> Any:
        body = await self._body(request)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._settings.request_timeout):
                if len(body) > _LARGE:  # others must not wait for it to be read
                    groups, rows = await loop.run_in_executor(self._blocks, self._parsed, body)
                else:
                    groups, rows = self._parsed(body)
                self._metrics.queued.set(self._batcher.waiting + rows)
                if len(groups) == 1:
                    results = [await self._batcher.compute(groups[0].arrays)]
                else:
                    results = await asyncio.gather(
                        *(self._batcher.compute(group.arrays) for group in groups)
                    )
        except TimeoutError:
            raise Overloaded(
                f"the answer must take at most {self._settings.request_timeout} s"
            ) from None
        finally:
            self._metrics.queued.set(self._batcher.waiting)
        outputs = joined(groups, results, rows, self._program._structure)
        return self._json({"outputs": outputs})

    def _parsed(self, body: bytes) -> tuple[Any, int]:
        try:
            value = orjson().loads(body)
        except ValueError as error:
            raise BadRequest(f"the body must be JSON: {error}") from error
        if type(value) is not dict or value.keys() != {"inputs"}:
            raise BadRequest("the body must be an object of 'inputs' and nothing else")
        groups = self._reader.batch(value["inputs"])
        return groups, sum(len(group.rows) for group in groups)

    async def _body(self, request: Any) -> bytes:
        web = aiohttp().web
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(
                text=f"Content-Type must be application/json, not {request.content_type[:60]!r}"
            )
        try:
            async with asyncio.timeout(self._settings.request_timeout):
                body: bytes = await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(
                text=f"the body must arrive within {self._settings.request_timeout} s"
            ) from None
        return body

    async def _model(self, request: Any) -> Any:
        return self._json(described(self._program, self._settings))

    async def _health(self, request: Any) -> Any:
        if self._stopping:
            raise Overloaded("the server stops")
        return self._json({"status": "ok"})

    async def _figures(self, request: Any) -> Any:
        return aiohttp().web.Response(
            body=self._metrics.text(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    # --- how it is answered

    async def _answered(self, request: Any, handler: Handler) -> Any:
        """Every failure becomes a JSON object with a sentence; none shows what is inside."""
        web = aiohttp().web
        begin = time.perf_counter()
        path = request.path if request.path in self._paths else "other"
        try:
            response = await handler(request)
        except Refused as error:
            response = self._json({"error": str(error)}, error.status)
            if error.status == Overloaded.status:
                response.headers["Retry-After"] = "1"
        except web.HTTPRequestEntityTooLarge:
            sentence = f"the body must have at most {self._settings.max_body} bytes"
            response = self._json({"error": sentence}, 413)
        except web.HTTPException as error:
            response = self._json({"error": error.text or error.reason}, error.status)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        except (ConnectionError, aiohttp().web.RequestPayloadError):
            response = self._json({"error": "the request must be whole"}, 400)  # nobody reads it
        except Exception:
            _log.exception("%s %s failed", request.method, path)
            response = self._json({"error": "the server failed; its log says why"}, 500)
        if response.status in (408, 413):
            response.force_close()  # the rest of the body is not read
        if not response.prepared:
            response.headers["Server"] = "gatework"
        self._metrics.requests.labels(path, response.status).inc()
        if path != "/stream":
            self._metrics.seconds.labels(path).observe(time.perf_counter() - begin)
        return response

    def _json(self, value: Any, status: int = 200) -> Any:
        package = orjson()
        body = package.dumps(value, option=package.OPT_SERIALIZE_NUMPY)
        return aiohttp().web.Response(body=body, status=status, content_type="application/json")


# Bytes from which on a body is read in another thread.
_LARGE = 1 << 16
