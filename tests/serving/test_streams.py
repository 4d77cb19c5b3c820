"""Streams over WebSocket: states live as long as the connection."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import inference, layers

pytest.importorskip("aiohttp", reason="an extra, which is not installed")
pytest.importorskip("orjson", reason="an extra, which is not installed")
pytest.importorskip("prometheus_client", reason="an extra, which is not installed")

from tests.serving.models import by_ids, serving, signal

Scenario = Callable[[Any], Awaitable[None]]
X = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")


def run(program: Any, scenario: Scenario, **settings: Any) -> None:
    async def main() -> None:
        async with serving(program, **settings) as client:
            await asyncio.wait_for(scenario(client), 60)

    asyncio.run(main())


async def ask(socket: Any, **message: Any) -> Any:
    await socket.send_str(json.dumps(message))
    return json.loads((await socket.receive()).data)


def test_steps_are_the_sequence() -> None:
    program = signal()
    wanted = program(X[:1])

    async def scenario(client: Any) -> None:
        async with client.ws_connect("/stream") as socket:
            for again in range(2):
                for t in range(6):
                    found = (await ask(socket, step=X[:1, t].tolist()))["outputs"]
                    np.testing.assert_allclose(found, wanted[:, t], rtol=1e-5, atol=1e-6)
                if not again:
                    assert await ask(socket, reset=True) == {"reset": True}

    run(program, scenario)


def test_blocks_rows_and_resets_of_rows() -> None:
    program = signal()
    wanted = program(X)

    async def scenario(client: Any) -> None:
        async with client.ws_connect("/stream?rows=2") as socket:
            first = (await ask(socket, run=X[:, :4].tolist()))["outputs"]
            rest = (await ask(socket, run=X[:, 4:].tolist()))["outputs"]
            np.testing.assert_allclose(
                np.concatenate([first, rest], axis=1), wanted, rtol=1e-5, atol=1e-6
            )
            await ask(socket, reset=[1])
            again = (await ask(socket, step=X[:, 0].tolist()))["outputs"]
            np.testing.assert_allclose(again[1], wanted[1, 0], rtol=1e-5, atol=1e-6)
            assert not np.allclose(again[0], wanted[0, 0])

    run(program, scenario)


def test_bytes_are_answered_by_bytes() -> None:
    async def scenario(client: Any) -> None:
        async with client.ws_connect("/stream") as socket:
            await socket.send_bytes(b'{"step": [3]}')
            assert len(json.loads((await socket.receive()).data)["outputs"][0]) == 4

    run(by_ids(), scenario)


def test_connections_do_not_share_states() -> None:
    program = signal()
    wanted = program(X)

    async def scenario(client: Any) -> None:
        async def talk(row: int) -> None:
            async with client.ws_connect("/stream") as socket:
                for t in range(6):
                    found = (await ask(socket, step=X[row : row + 1, t].tolist()))["outputs"]
                    np.testing.assert_allclose(found[0], wanted[row, t], rtol=1e-5, atol=1e-6)

        await asyncio.gather(*(talk(i % 2) for i in range(10)))

    run(program, scenario)


def test_wrong_messages_leave_the_states() -> None:
    program = signal()
    wanted = program(X[:1])

    async def scenario(client: Any) -> None:
        async with client.ws_connect("/stream") as socket:
            await ask(socket, step=X[:1, 0].tolist())
            for message, sentence in (
                ("{", "the message must be JSON"),
                ("[]", "must be an object of one of step, run, reset"),
                ('{"step": [[1, 2, 3]], "reset": true}', "must be an object of one of"),
                ('{"jump": 1}', "must be an object of one of"),
                ('{"step": [[1, 2]]}', "step must have shape"),
                ('{"step": [[1, 2, 3], [1, 2, 3]]}', "step must hold the 1 row"),
                ('{"run": [[[1, 2, 3]], []]}', "run must hold the 1 row"),
                ('{"run": [[]]}', "run must have shape"),
                ('{"reset": 3}', "reset must be true or a list"),
                ('{"reset": [1]}', "rows must be in"),
                ('{"reset": [99999999999999999999999]}', "reset must be true or"),
            ):
                await socket.send_str(message)
                answer = json.loads((await socket.receive()).data)
                assert answer.keys() == {"error"}
                assert sentence in answer["error"]
            found = (await ask(socket, step=X[:1, 1].tolist()))["outputs"]
            np.testing.assert_allclose(found, wanted[:, 1], rtol=1e-5, atol=1e-6)

    run(program, scenario)


def test_bounds() -> None:
    async def refused(client: Any, path: str, **options: Any) -> tuple[int, str]:
        import aiohttp

        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            await client.ws_connect(path, **options)
        return error.value.status, error.value.message

    async def scenario(client: Any) -> None:
        assert (await refused(client, "/stream?rows=0"))[0] == 400
        assert (await refused(client, "/stream?rows=99"))[0] == 400
        assert (await refused(client, "/stream", headers={"Origin": "http://evil.example"}))[
            0
        ] == 400
        one = await client.ws_connect("/stream", headers={"Origin": client.server.url})
        two = await client.ws_connect("/stream")
        assert (await refused(client, "/stream"))[0] == 503
        await one.close()
        two._response.connection.transport.abort()
        for _ in range(100):
            if not client.server._streams._open:
                break
            await asyncio.sleep(0.05)
        three = await client.ws_connect("/stream")  # both places are free again
        await three.send_str(json.dumps({"step": [[0.0] * 5000]}))
        assert (await three.receive()).data == 1009  # too big

    run(signal(), scenario, max_sessions=2, max_rows=8, max_body=1000)


def test_attention_keeps_so_many_steps() -> None:
    entry = layers.Input((None, 4))
    attention = layers.MultiHeadAttention(2, 3)
    model = gatework.Model(entry, attention(entry, entry, use_causal_mask=True))
    program = inference.compile(model)
    x = np.random.default_rng(1).normal(size=(1, 6, 4)).astype("float32")

    async def scenario(client: Any) -> None:
        async with client.ws_connect("/stream") as socket:
            for _ in range(2):
                first = (await ask(socket, run=x[:, :5].tolist()))["outputs"]
                np.testing.assert_allclose(first, program(x[:, :5]), rtol=1e-4, atol=1e-5)
                last = (await ask(socket, step=x[:, 5].tolist()))["outputs"]
                np.testing.assert_allclose(last, program(x)[:, 5], rtol=1e-4, atol=1e-5)
                answer = await ask(socket, step=x[:, 0].tolist())
                assert "at most 6 steps from one reset to the next" in answer["error"]
                await ask(socket, reset=True)

    run(program, scenario, max_length=6)


def test_what_cannot_stream_says_why() -> None:
    async def scenario(client: Any) -> None:
        async with client.get("/stream", headers={"Connection": "keep-alive"}) as answer:
            assert answer.status == 400
            assert "backward" in (await answer.json())["error"]

    run(signal(bidirectional=True), scenario)


def test_silence_ends_a_stream() -> None:
    async def scenario(client: Any) -> None:
        async with client.ws_connect("/stream") as socket:
            message = await asyncio.wait_for(socket.receive(), 10)
            assert message.data == 1001
            assert "no message for too long" in message.extra

    run(signal(), scenario, session_timeout=0.3)


def test_stopping_ends_streams_after_their_answer() -> None:
    program = signal()

    async def main() -> None:
        async with serving(program) as client:
            idle = await client.ws_connect("/stream")
            busy = await client.ws_connect("/stream")
            await busy.send_str(json.dumps({"run": np.zeros((1, 20000, 3)).tolist()}))
            for _ in range(2000):  # until it is at the message
                if any(client.server._streams._open.values()):
                    break
                await asyncio.sleep(0.001)
            stopping = asyncio.create_task(client.server.stop())
            answer = await busy.receive()
            assert np.shape(json.loads(answer.data)["outputs"]) == (1, 20000, 2)
            assert (await busy.receive()).data == 1001
            assert (await idle.receive()).data == 1001
            await stopping

    asyncio.run(main())
