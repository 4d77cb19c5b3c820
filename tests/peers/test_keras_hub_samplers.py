"""Samplers against KerasHub's, live: the same tokens, or tokens as often."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import samplers

from tests.peers.keras_side import as_array

pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")
# It reads its own deprecated names while it is imported.
with pytest.MonkeyPatch.context() as patch:
    patch.setattr("warnings.warn", lambda *_, **__: None)
    keras_hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed")

RNG = np.random.default_rng(0)
WORDS, ROWS = 12, 20_000
SCORES = RNG.normal(scale=2.0, size=WORDS).astype(np.float32)
# What follows each token: a language model that remembers one.
TABLE = RNG.normal(scale=1.5, size=(WORDS, WORDS)).astype(np.float32)
PROMPTS = RNG.integers(0, WORDS, (4, 3))
LENGTH = 9


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RandomSampler", {}),
        ("RandomSampler", {"temperature": 0.6}),
        ("TopKSampler", {"k": 4}),
        ("TopKSampler", {"k": 3, "temperature": 2.0}),
        ("TopPSampler", {"p": 0.5}),
        ("TopPSampler", {"p": 0.9, "temperature": 1.5}),
        ("TopPSampler", {"p": 0.95, "k": 5}),
    ],
)
def test_tokens_come_as_often(name: str, options: dict[str, Any]) -> None:
    logits = np.tile(SCORES, (ROWS, 1))
    theirs = getattr(keras_hub.samplers, name)(seed=3, **options)
    drawn = as_array(theirs.get_next_token(theirs.compute_probabilities(logits)))
    expected = np.bincount(drawn.astype(int), minlength=WORDS) / ROWS
    # Draws that are spread evenly give the distribution itself.
    even = (np.arange(ROWS) + 0.5) / ROWS
    found = np.bincount(getattr(samplers, name)(**options)(logits, even), minlength=WORDS) / ROWS
    assert not expected[found == 0].any()
    deviation = np.sqrt(found * (1 - found) / ROWS)
    assert (np.abs(found - expected) <= 5 * deviation + 1 / ROWS).all()


class Markov:
    """The table as our samplers ask it: rows of tokens come and go."""

    def advance(self, tokens: Any) -> Any:
        return TABLE[tokens[:, -1]]

    def select(self, rows: Any) -> None:
        """Nothing is remembered but the token that comes with the next call."""


def theirs_written(sampler: Any) -> Any:
    prompt = np.zeros((len(PROMPTS), LENGTH), np.int64)
    prompt[:, : PROMPTS.shape[1]] = PROMPTS
    mask = np.arange(LENGTH) < PROMPTS.shape[1]
    index = PROMPTS.shape[1]

    def following(tokens: Any, cache: Any, at: Any) -> Any:
        last = as_array(tokens).astype(int)[:, int(at) - 1]
        return TABLE[last], None, cache

    return as_array(
        sampler(following, prompt, index=index, mask=np.tile(mask, (len(prompt), 1)))
    ).astype(int)


def test_greedy_writes_the_same() -> None:
    tokens = np.zeros((len(PROMPTS), LENGTH), int)
    tokens[:, : PROMPTS.shape[1]] = PROMPTS
    for at in range(PROMPTS.shape[1], LENGTH):
        tokens[:, at] = samplers.GreedySampler()(TABLE[tokens[:, at - 1]], None)
    np.testing.assert_array_equal(tokens, theirs_written(keras_hub.samplers.GreedySampler()))


@pytest.mark.parametrize("options", [{"num_beams": 2}, {"num_beams": 4, "temperature": 1.5}])
def test_beams_find_the_same(options: dict[str, Any]) -> None:
    tokens = np.zeros((len(PROMPTS), LENGTH), int)
    tokens[:, : PROMPTS.shape[1]] = PROMPTS
    lengths = np.full(len(PROMPTS), PROMPTS.shape[1])
    found, ends = samplers.BeamSampler(**options).search(Markov(), tokens, lengths, frozenset())
    np.testing.assert_array_equal(found, theirs_written(keras_hub.samplers.BeamSampler(**options)))
    np.testing.assert_array_equal(ends, LENGTH)
