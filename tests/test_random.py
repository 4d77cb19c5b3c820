"""Seeds: their streams, their state, copies of them."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
from gatework import random


def test_a_seed_decides_the_stream() -> None:
    first, second = random.SeedGenerator(7), random.SeedGenerator(7)
    drawn = [first.next() for _ in range(100)]
    assert drawn == [second.next() for _ in range(100)]
    assert len(set(drawn)) == 100
    assert all(0 <= seed < 2**63 for seed in drawn)
    assert not set(drawn) & {random.SeedGenerator(8).next() for _ in range(100)}


def test_bits_are_spread() -> None:
    generator = random.SeedGenerator(0)
    drawn = np.array([generator.next() for _ in range(4000)], np.uint64)
    for bit in range(63):
        share = ((drawn >> np.uint64(bit)) & np.uint64(1)).mean()
        assert 0.45 < share < 0.55


def test_state_is_saved_and_loaded() -> None:
    generator, store = random.SeedGenerator(7), {}
    generator.next()
    generator.save_own_variables(store)
    assert store["0"].tolist() == [7, 1]
    assert store["0"].dtype == np.uint32
    other = random.SeedGenerator(1)
    other.load_own_variables(store)
    assert other.next() == generator.next()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g))])
def test_a_copy_goes_on_alone(copied: object) -> None:
    generator = random.SeedGenerator(7)
    generator.next()
    other = copied(generator)
    ahead = [generator.next() for _ in range(3)]
    assert [other.next() for _ in range(3)] == ahead


def test_the_global_stream() -> None:
    random.set_global_seed(3)
    drawn = [random.next_seed() for _ in range(3)]
    unseeded = random.SeedGenerator().next()
    random.set_global_seed(3)
    assert [random.next_seed() for _ in range(3)] == drawn
    assert random.SeedGenerator().next() == unseeded


def test_threads_never_share_a_seed() -> None:
    generator, drawn = random.SeedGenerator(1), []

    def draw() -> None:
        drawn.extend(generator.next() for _ in range(500))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(drawn)) == 2000


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "1"])
def test_refused(seed: object) -> None:
    with pytest.raises(ValueError, match=r"seed must be an integer in \[0, 2\*\*32\), not"):
        random.SeedGenerator(seed)
