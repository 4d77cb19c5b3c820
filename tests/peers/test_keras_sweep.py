"""Every public name of Keras: here, with its arguments and numbers, or not here for a reason."""

from __future__ import annotations

import pytest

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

from tests.peers.sweep import table  # noqa: E402
from tests.peers.sweep.names import public_names  # noqa: E402

NAMES = [(topic, name) for topic in table.TOPICS for name in public_names(topic)]
HERE = [pair for pair in NAMES if table.row(*pair, numbers=False).here]
MEASURED = [pair for pair in HERE if table.case_of(*pair)]


def test_every_name_is_here_or_has_a_reason() -> None:
    lost = [f"{t}.{n}" for t, n in NAMES if (t, n) not in HERE and not table.reason(t, n)]
    assert not lost


def test_no_reason_is_given_for_what_is_here() -> None:
    assert not [f"{t}.{n}" for t, n in HERE if table.reason(t, n)]


def test_every_name_that_computes_is_measured() -> None:
    assert not [
        f"{t}.{n}" for t, n in HERE if table.needs_numbers(t, n) and not table.case_of(t, n)
    ]


def test_signatures_differ_only_as_written_down() -> None:
    rows = [table.row(topic, name, numbers=False) for topic, name in HERE]
    assert not [
        f"{r.topic}.{r.name}: {'; '.join(r.signature)}" for r in rows if r.signature and not r.known
    ]


@pytest.mark.parametrize(("topic", "name"), MEASURED, ids=[f"{t}-{n}" for t, n in MEASURED])
def test_numbers(topic: str, name: str) -> None:
    case = table.case_of(topic, name)
    assert case is not None
    largest = table.measure(topic, name)
    if (topic, name) in table.NUMBERS_DIFFER:
        assert largest > case.tolerance, "no longer different: take it out of NUMBERS_DIFFER"
    else:
        assert largest <= case.tolerance
