"""A few mutations of every kind of file, and all that ever was a finding."""

import random
import time
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

FINDINGS = Path(__file__).with_name("findings")
COUNT = {"config": 40, "json": 60, "state": 200}


@pytest.mark.parametrize("name", TARGETS)
def test_mutations(name: str) -> None:
    """Read or refused with a ValueError, each within ten seconds of the processor."""
    target, draw = TARGETS[name], random.Random(name)
    seeds = target.seeds()
    assert all(target(seed) for seed in seeds)
    refused = 0
    for _ in range(COUNT.get(name, 20)):
        data = target.mutate(draw.choice(seeds), draw)
        begin = time.process_time()
        refused += not target(data)
        assert time.process_time() - begin < 10
    assert refused


@pytest.mark.parametrize(
    "path", sorted(FINDINGS.rglob("*.bin")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_findings(path: Path) -> None:
    if path.parent.name not in TARGETS:
        pytest.skip("its reader needs a package that is not installed")
    TARGETS[path.parent.name](path.read_bytes())
