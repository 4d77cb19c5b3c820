"""Changed requests for a second (`python -m tests.fuzz.requests` sends many more)."""

import asyncio
import random

import pytest

pytest.importorskip("aiohttp", reason="an extra, which is not installed")
pytest.importorskip("orjson", reason="an extra, which is not installed")
pytest.importorskip("prometheus_client", reason="an extra, which is not installed")

from tests.fuzz.requests import PROGRAMS, send


@pytest.mark.parametrize("name", PROGRAMS)
def test_changed_requests_are_answered_and_good_ones_beside_them(name: str) -> None:
    seen = asyncio.run(send(name, 0.5, random.Random(1), clients=3))
    assert seen["good"]
    assert seen["200"] + seen["400"]
