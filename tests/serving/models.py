"""Small models to serve, a server in the loop of the test, and raw requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import gatework
import numpy as np
from gatework import inference, layers

__all__ = ["by_ids", "of_two", "raw", "serving", "signal"]


def signal(bidirectional: bool = False) -> Any:
    """(batch, time, 3) floats to (batch, time, 2)."""
    inner: Any = layers.GRU(5, return_sequences=True)
    if bidirectional:
        inner = layers.Bidirectional(inner)
    model = gatework.Sequential([layers.Input((None, 3)), inner, layers.Dense(2)], name="signal")
    return inference.compile(_shaken(model))


def by_ids() -> Any:
    """(batch, time) ids below 20 to (batch, 4), zeros masked."""
    model = gatework.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(20, 6, mask_zero=True),
            layers.LSTM(7),
            layers.Dense(4, "softmax"),
        ],
        name="ids",
    )
    return inference.compile(_shaken(model))


def of_two() -> Any:
    """Sequences and vectors, by name, to two outputs, by name."""
    words, facts = layers.Input((None,), name="words"), layers.Input((2,), name="facts")
    read = layers.GRU(4)(layers.Embedding(10, 3)(words))
    both = layers.Concatenate()([read, facts])
    model = gatework.Model(
        {"words": words, "facts": facts},
        {"score": layers.Dense(1)(both), "kind": layers.Dense(3, "softmax")(both)},
        name="two",
    )
    return inference.compile(_shaken(model))


def _shaken(model: Any) -> Any:
    rng = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape) * 0.5)
    return model


@asynccontextmanager
async def serving(program: Any, **settings: Any) -> AsyncIterator[Any]:
    """A server on a free port, and a client for it."""
    import aiohttp
    from gatework.serving import Server, Settings

    server = Server(program, Settings(port=0, **settings))
    await server.start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            client.server = server  # type: ignore[attr-defined]
            yield client
    finally:
        await server.stop()


async def raw(url: str, *pieces: bytes, pause: float = 0.0) -> bytes:
    """What comes back for bytes that are sent as they are, until the server closes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)
    found = await reader.read()
    writer.close()
    return found
