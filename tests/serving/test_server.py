"""The server over real sockets: predictions, errors, bounds, clients that misbehave."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("aiohttp", reason="an extra, which is not installed")
pytest.importorskip("orjson", reason="an extra, which is not installed")
pytest.importorskip("prometheus_client", reason="an extra, which is not installed")

from tests.serving.models import by_ids, of_two, raw, serving, signal

Scenario = Callable[[Any], Awaitable[None]]


def run(program: Any, scenario: Scenario, **settings: Any) -> None:
    async def main() -> None:
        async with serving(program, **settings) as client:
            await asyncio.wait_for(scenario(client), 60)

    asyncio.run(main())


async def predict(client: Any, inputs: Any) -> Any:
    async with client.post("/predict", json={"inputs": inputs}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/json"
        return (await answer.json())["outputs"]


def test_predictions_are_the_programs() -> None:
    program = signal()
    x = np.random.default_rng(0).normal(size=(3, 4, 3)).astype("float32")

    async def scenario(client: Any) -> None:
        found = await predict(client, x.tolist())
        np.testing.assert_array_equal(np.array(found, "float32"), program(x))

    run(program, scenario)


def test_rows_of_unequal_length_are_what_they_are_alone() -> None:
    program = signal(bidirectional=True)  # padding would change what the backward half sees
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(n, 3)).astype("float32") for n in (4, 2, 4, 7)]

    async def scenario(client: Any) -> None:
        found = await predict(client, [row.tolist() for row in rows])
        for row, one in zip(rows, found, strict=True):
            np.testing.assert_allclose(one, program(row[None])[0], rtol=1e-5, atol=1e-6)

    run(program, scenario)


def test_several_inputs_and_outputs() -> None:
    program = of_two()
    words, facts = [[1, 2], [3, 4], [5]], [[0.5, 1], [2, 3], [4, 5]]

    async def scenario(client: Any) -> None:
        found = await predict(client, {"words": words, "facts": facts})
        assert found.keys() == {"score", "kind"}
        for i, row in enumerate(words):
            wanted = program({"words": np.array([row]), "facts": np.array([facts[i]])})
            np.testing.assert_allclose(found["score"][i], wanted["score"][0], rtol=1e-5)
            np.testing.assert_allclose(found["kind"][i], wanted["kind"][0], rtol=1e-5)

    run(program, scenario)


def test_many_at_once_get_what_each_gets_alone() -> None:
    program = by_ids()
    rng = np.random.default_rng(1)
    requests = [rng.integers(1, 20, (rng.integers(1, 4), rng.integers(1, 6))) for _ in range(150)]

    async def scenario(client: Any) -> None:
        found = await asyncio.gather(*(predict(client, one.tolist()) for one in requests))
        for one, outputs in zip(requests, found, strict=True):
            np.testing.assert_allclose(outputs, program(one), rtol=1e-5, atol=1e-7)
        async with client.get("/metrics") as answer:
            figures = await answer.text()
        assert 'gatework_requests_total{path="/predict",status="200"} 150.0' in figures
        batches = float(figures.split("gatework_batch_rows_count ")[1].split()[0])
        rows = float(figures.split("gatework_batch_rows_sum ")[1].split()[0])
        assert rows == sum(map(len, requests))
        assert batches < 150  # some ran together

    run(program, scenario, max_batch=8)


def test_what_it_says_of_the_model() -> None:
    async def scenario(client: Any) -> None:
        async with client.get("/model") as answer:
            found = await answer.json()
        assert found["name"] == "two"
        assert found["inputs"] == [
            {"name": "facts", "dtype": "float32", "shape": [None, 2]},
            {"name": "words", "dtype": "int64", "shape": [None, None], "below": 10},
        ]
        assert found["outputs"].keys() == {"kind", "score"}
        assert found["bounds"]["max_rows"] == 7
        async with client.get("/health") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})

    run(of_two(), scenario, max_rows=7)


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "sentence"),
    [
        ("POST", "/predict", {"data": b"{", "headers": JSON}, 400, "the body must be JSON"),
        ("POST", "/predict", {"data": b"\xff", "headers": JSON}, 400, "the body must be JSON"),
        ("POST", "/predict", {"data": b"", "headers": JSON}, 400, "the body must be JSON"),
        (
            "POST",
            "/predict",
            {"data": b'{"inputs": [[[1, 2, NaN]]]}', "headers": JSON},
            400,
            "the body must be JSON",
        ),
        ("POST", "/predict", {"data": b"[" * 3999, "headers": JSON}, 400, "must be JSON"),
        ("POST", "/predict", {"json": []}, 400, "an object of 'inputs' and nothing else"),
        ("POST", "/predict", {"json": {"inputs": [], "x": 1}}, 400, "and nothing else"),
        ("POST", "/predict", {"json": {"inputs": [[[1, 2]]]}}, 400, "inputs must have shape"),
        ("POST", "/predict", {"json": {"inputs": [[["a"]]]}}, 400, "inputs must hold numbers"),
        ("POST", "/predict", {"data": b"x" * 5000, "headers": JSON}, 413, "at most 4000 bytes"),
        (
            "POST",
            "/predict",
            {
                "data": gzip.compress(b"[" * 1_000_000),
                "headers": JSON | {"Content-Encoding": "gzip"},
            },
            413,
            "at most 4000 bytes",
        ),
        ("POST", "/predict", {"data": b"{}"}, 415, "Content-Type must be application/json"),
        ("GET", "/predict", {}, 405, "Method Not Allowed"),
        ("DELETE", "/model", {}, 405, "Method Not Allowed"),
        ("GET", "/../etc/passwd", {}, 404, "Not Found"),
        ("GET", "/stream", {}, 400, "the request must be one for a WebSocket"),
    ],
)
def test_wrong_requests(
    method: str, path: str, options: dict[str, Any], status: int, sentence: str
) -> None:
    async def scenario(client: Any) -> None:
        async with client.request(method, path, **options) as answer:
            assert answer.status == status
            assert answer.content_type == "application/json"
            error = (await answer.json())["error"]
        assert sentence in error
        assert "Traceback" not in error
        async with client.get("/health") as answer:  # as well as before
            assert answer.status == 200

    run(signal(), scenario, max_body=4000)


def test_what_is_inside_stays_inside(caplog: pytest.LogCaptureFixture) -> None:
    program = signal()

    def broken(*_: Any) -> Any:
        raise RuntimeError("a secret")

    async def scenario(client: Any) -> None:
        client.server._batcher._joining.run = broken
        async with client.post("/predict", json={"inputs": [[[1, 2, 3]]]}) as answer:
            assert answer.status == 500
            text = await answer.text()
        assert json.loads(text) == {"error": "the server failed; its log says why"}

    run(program, scenario)
    assert "a secret" in caplog.text


def test_too_much_to_do_and_too_late() -> None:
    program = signal()
    slow = program.__class__.__call__

    async def scenario(client: Any) -> None:
        def sleeping(arrays: Any) -> Any:
            import time

            time.sleep(0.5)
            return [slow(program, arrays[0])]

        client.server._batcher._run = sleeping

        async def status() -> int:
            async with client.post("/predict", json={"inputs": [[[1, 2, 3]]]}) as answer:
                error = (await answer.json()).get("error", "")
                if answer.status == 503:
                    assert answer.headers["Retry-After"] == "1"
                    assert "queue" in error or "at most 0.8 s" in error
                return answer.status

        found = await asyncio.gather(*(status() for _ in range(6)))
        assert 503 in found  # one runs, two wait, the others find no place
        for _ in range(20):  # and it goes on
            if await status() == 200:
                break
        else:
            raise AssertionError("it must answer again")

    run(program, scenario, max_queue=2, request_timeout=0.8)


def test_slow_clients() -> None:
    begin = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

    async def scenario(client: Any) -> None:
        url = client.server.url
        body, head, nothing = await asyncio.gather(
            raw(url, begin + b"Content-Length: 100\r\n\r\n{", b'"'),
            raw(url, begin, b"X-More: ", b"1", pause=0.1),
            raw(url),
        )
        assert body.startswith(b"HTTP/1.1 408")
        assert b"the body must arrive within 0.5 s" in body
        assert head == nothing == b""  # closed, as it never was a request

    run(signal(), scenario, request_timeout=0.5, idle_timeout=1.0)


def test_malformed_requests_and_abrupt_ends(caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

    async def scenario(client: Any) -> None:
        url = client.server.url
        for pieces in (
            (b"\x00\x01\x02 nonsense\r\n\r\n",),
            (b"GET / HTTP/9.9\r\n\r\n",),
            (b"GET " + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",),
            (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",),
            (head + b"Content-Length: -5\r\n\r\n",),
            (head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",),
            (head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",),
        ):
            found = await raw(url, *pieces)
            assert found.startswith(b"HTTP/1.")
            assert b" 400 " in found.split(b"\r\n")[0]
            assert b"Traceback" not in found
            assert b"gatework" not in found
        for piece in (head, head + b"Content-Length: 50\r\n\r\n{", b"", b"GET"):
            _, port = url.removeprefix("http://").split(":")
            _, writer = await asyncio.open_connection("127.0.0.1", int(port))
            writer.write(piece)
            await writer.drain()
            writer.transport.abort()  # as where a cable is pulled
        await predict(client, [[[1, 2, 3]]])

    run(signal(), scenario, idle_timeout=2.0, request_timeout=2.0)
    assert not caplog.records  # strangers do not fill the log


def test_stopping_finishes_what_is_in_flight() -> None:
    program = signal()

    async def main() -> None:
        async with serving(program) as client:
            server = client.server
            run = server._batcher._joining.run

            def slowly(arrays: Any) -> Any:
                import time

                time.sleep(0.4)
                return run(arrays)

            server._batcher._joining.run = slowly
            asked = asyncio.create_task(predict(client, [[[1, 2, 3]]]))
            later = asyncio.create_task(predict(client, [[[1, 2, 3], [4, 5, 6]]]))
            await asyncio.sleep(0.15)
            url = server.url
            await server.stop()
            assert len(await asked) == len(await later) == 1
            with pytest.raises(ConnectionRefusedError):
                await raw(url, b"GET /health HTTP/1.1\r\n\r\n")

    asyncio.run(main())


def test_two_servers_cannot_have_one_port() -> None:
    async def scenario(client: Any) -> None:
        from gatework.serving import Server, Settings

        port = int(client.server.url.rsplit(":")[-1])
        other = Server(signal(), Settings(port=port))
        with pytest.raises(OSError, match="in use"):
            await other.start()
        await other.stop()

    run(signal(), scenario)
