"""A few hundred calls with arguments that nobody should give (`make fuzz` makes many more)."""

import random
from typing import Any

import numpy as np
import pytest
from gatework import _core

from tests.fuzz.calls import at, leaves, mutated, replaced, run, try_call
from tests.fuzz.good_calls import CALLS


@pytest.mark.usefixtures("everything_restored")
@pytest.mark.parametrize("name", CALLS)
def test_changed_arguments(name: str) -> None:
    """They compute or are refused by an exception that callers may expect."""
    assert try_call(name, []) == ""
    draw = random.Random(name)
    raised = [try_call(name, [draw.randrange(1 << 30)]) for _ in range(12)]
    if name != "set_num_threads":
        assert any(raised) or name in ("global_norm", "column_sum")


@pytest.mark.usefixtures("everything_restored")
def test_the_search_goes_on_from_what_it_found() -> None:
    noted: list[str] = []
    count, _ = run(1.0, random.Random(1), noted.append)
    assert count == len(noted) + len(CALLS)
    assert all(line.split()[0] in CALLS for line in noted)


def test_places_and_changes() -> None:
    value: dict[str, Any] = {"a": [1, (2, 3)], "b": np.ones(2)}
    assert set(leaves(value)) >= {("a",), ("a", 0), ("a", 1), ("a", 1, 1), ("b",)}
    found = replaced(value, ("a", 1, 0), 9)
    assert at(found, ("a", 1)) == (9, 3)
    assert at(value, ("a", 1)) == (2, 3)
    plain = {"a": [1, (2, 3)], "c": "x"}
    assert sum(mutated(plain, seed) != plain for seed in range(100)) > 50
    assert plain == {"a": [1, (2, 3)], "c": "x"}


def test_every_function_and_class_has_a_good_call() -> None:
    called = {name.split(":")[0] for name in CALLS}
    through = {  # by "recurrent", "stream", "attention", "program", or without arguments
        "recurrent_forward", "recurrent_backward", "attention_forward", "attention_backward",
        "isa", "isa_available", "vector_floats", "num_threads", "build_config", "cpu_features",
        "blocks_asked_for", "release_memory", "peak",
    }  # fmt: skip
    functions = {name for name in dir(_core) if name[0].islower()} - through
    assert functions <= called
