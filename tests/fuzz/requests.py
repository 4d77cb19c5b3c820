"""Requests that nobody should send to `gatework serve`: ``python -m tests.fuzz.requests``.

Several clients at a time change good requests: values of the JSON, bytes of it, bytes of the whole
HTTP message, messages of a stream. Each is answered as docs/serving.md says, or its connection is
closed; nothing fails inside, and good requests beside them get the numbers they get alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import time
from collections import Counter
from typing import Any

import aiohttp
import numpy as np

from tests.fuzz.mutations import mutated, mutated_json
from tests.serving.models import by_ids, of_two, raw, serving, signal

PROGRAMS = {"signal": signal, "ids": by_ids, "two": of_two}
BODIES = {
    "signal": (
        b'{"inputs": [[[0.5, 1, 2]]]}',
        b'{"inputs": [[[1, 2, 3], [4, 5, 6]], [[1, 2, 3]]]}',
    ),
    "ids": (b'{"inputs": [[1, 2, 3]]}', b'{"inputs": [[5], [0, 7, 0], [1, 2, 3, 4]]}'),
    "two": (b'{"inputs": {"words": [[1, 2], [3]], "facts": [[1, 2], [0.5, -1]]}}',),
}
MESSAGES = (b'{"step": [[1, 2, 3]]}', b'{"run": [[[1, 2, 3], [4, 5, 6]]]}', b'{"reset": true}')
ANSWERS = {200, 400, 408, 413, 415, 503}
JSON = {"Content-Type": "application/json"}
BOUNDS = {"max_rows": 64, "max_length": 64, "request_timeout": 5.0, "idle_timeout": 1.0}


class Inside(logging.Handler):
    """What the server says went wrong inside of it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


async def post(client: Any, body: bytes, seen: Counter[str]) -> None:
    async with client.post("/predict", data=body, headers=JSON) as answer:
        text = await answer.text()
        assert answer.status in ANSWERS, (answer.status, body, text)
        if answer.status != 200:
            assert set(json.loads(text)) == {"error"}, (body, text)
        seen[str(answer.status)] += 1


async def send_bytes(client: Any, body: bytes, draw: random.Random, seen: Counter[str]) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    whole = head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
    try:
        found = await raw(client.server.url, mutated(whole, draw))
    except ConnectionError:
        found = b""
    assert b"Traceback" not in found
    assert b" 500 " not in found[:16], whole
    seen["bytes"] += 1


async def stream(client: Any, draw: random.Random, seen: Counter[str]) -> None:
    async with client.ws_connect("/stream") as socket:
        for _ in range(8):
            message = mutated_json(draw.choice(MESSAGES), draw)
            if draw.random() < 0.3:
                await socket.send_bytes(mutated(message, draw))
            else:
                await socket.send_str(message.decode("utf-8", "replace"))
            answer = await socket.receive(timeout=20)
            seen["messages"] += 1
            if answer.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return  # a message too large, or none of WebSocket's


async def good(client: Any, body: bytes, expected: Any, seen: Counter[str]) -> None:
    async with client.post("/predict", data=body, headers=JSON) as answer:
        found = await answer.json()
        assert answer.status == 200, found
        assert close(found["outputs"], expected), (found["outputs"], expected)
        seen["good"] += 1


def close(found: Any, expected: Any) -> bool:
    """The same numbers, up to the rounding of other batches."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(close(found[k], expected[k]) for k in found)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    return bool(np.isclose(found, expected, rtol=1e-4, atol=1e-5))


async def send(name: str, seconds: float, draw: random.Random, clients: int = 6) -> Counter[str]:
    """Sends for so long; how many there were of each kind."""
    seen: Counter[str] = Counter()
    inside = Inside()
    logging.getLogger("gatework").addHandler(inside)
    try:
        async with serving(PROGRAMS[name](), **BOUNDS) as client:
            body = BODIES[name][0]
            async with client.post("/predict", data=body, headers=JSON) as answer:
                expected = (await answer.json())["outputs"]

            async def one_client(own: random.Random) -> None:
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    start = own.choice(BODIES[name])
                    kind = own.random()
                    if kind < 0.4:
                        await post(client, mutated_json(start, own), seen)
                    elif kind < 0.7:
                        await post(client, mutated(start, own), seen)
                    elif kind < 0.8:
                        await send_bytes(client, start, own, seen)
                    elif kind < 0.9 and name == "signal":
                        await stream(client, own, seen)
                    else:
                        await good(client, body, expected, seen)

            await asyncio.gather(
                *(one_client(random.Random(draw.randrange(1 << 30))) for _ in range(clients))
            )
            await good(client, body, expected, seen)
    finally:
        logging.getLogger("gatework").removeHandler(inside)
    assert not inside.said, inside.said[0]
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.requests", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    for name in PROGRAMS:
        seen = asyncio.run(send(name, given.seconds / len(PROGRAMS), draw))
        counts = ", ".join(f"{kind} {count}" for kind, count in sorted(seen.items()))
        print(f"{name}: {counts}")


if __name__ == "__main__":
    main()
