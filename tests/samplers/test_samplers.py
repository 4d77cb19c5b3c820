"""Samplers: which tokens they may choose, how often they choose them, what they refuse."""

from typing import Any

import numpy as np
import pytest
from gatework import samplers
from gatework.utils import set_random_seed

DRAWS = (np.arange(20_000) + 0.5) / 20_000  # as even as random numbers can be


def frequencies(sampler: Any, logits: list[float]) -> np.ndarray:
    rows = np.repeat(np.array([logits], np.float32), len(DRAWS), axis=0)
    return np.bincount(sampler(rows, DRAWS), minlength=len(logits)) / len(DRAWS)


def softmax(logits: Any, temperature: float = 1.0) -> np.ndarray:
    e = np.exp(np.array(logits) / temperature)
    return e / e.sum()


P = np.array([0.05, 0.4, 0.1, 0.3, 0.15])
LOGITS = np.log(P).tolist()


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (samplers.RandomSampler(), P),
        (samplers.RandomSampler(temperature=2.0), softmax(LOGITS, 2.0)),
        (samplers.TopKSampler(k=2), [0, 4 / 7, 0, 3 / 7, 0]),
        (samplers.TopKSampler(k=9), P),
        (samplers.TopPSampler(p=0.39), [0, 1, 0, 0, 0]),
        (samplers.TopPSampler(p=0.6), [0, 4 / 7, 0, 3 / 7, 0]),
        (samplers.TopPSampler(p=0.8), [0, 8 / 17, 0, 6 / 17, 3 / 17]),
        (samplers.TopPSampler(p=0.8, k=2), [0, 4 / 7, 0, 3 / 7, 0]),
        (samplers.TopPSampler(p=1.0), P),
        (samplers.MinPSampler(p=0.3), [0, 8 / 17, 0, 6 / 17, 3 / 17]),
        (samplers.MinPSampler(p=1.0), [0, 1, 0, 0, 0]),
        (samplers.GreedySampler(), [0, 1, 0, 0, 0]),
    ],
)
def test_tokens_are_drawn_in_proportion_among_those_that_are_kept(
    sampler: Any, expected: Any
) -> None:
    np.testing.assert_allclose(frequencies(sampler, LOGITS), expected, atol=2e-4)


def test_a_nucleus_wider_than_the_first_look_is_found() -> None:
    """Against sorting everything: 2,000 tokens, of which hundreds make up the share."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 2000)).astype(np.float32)
    p = 0.7
    for row in logits:
        order = np.argsort(-row)
        kept = np.cumsum(softmax(row)[order]) - softmax(row)[order] <= p
        nucleus = set(order[kept].tolist())
        rows = np.repeat(row[None], 3000, axis=0)
        chosen = set(samplers.TopPSampler(p)(rows, rng.random(3000)).tolist())
        assert chosen <= nucleus
        assert len(chosen) > len(nucleus) / 2


@pytest.mark.parametrize("name", ["random", "top_k", "top_p", "min_p"])
def test_tokens_without_probability_are_never_drawn(name: str) -> None:
    logits = np.array([[-np.inf, 0.0, -np.inf, 0.0, -np.inf, -np.inf]] * 3, np.float32)
    sampler = samplers.get(name)
    for draws in (np.zeros(3), np.full(3, 1 - 2.0**-53)):
        assert set(sampler(logits, draws).tolist()) <= {1, 3}


def test_the_penalty_pushes_seen_tokens_down_whatever_their_sign() -> None:
    sampler = samplers.GreedySampler(repetition_penalty=2.0)
    logits = np.array([[3.0, -1.0, 2.0]], np.float32)
    seen = np.array([[True, True, False]])
    np.testing.assert_array_equal(sampler.penalized(logits, seen), [[1.5, -2.0, 2.0]])


@pytest.mark.parametrize("name", ["greedy", "random", "top_k", "top_p", "min_p"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(name: str, bad: float) -> None:
    logits = np.zeros((2, 90), np.float32)
    logits[1, 3] = bad
    with pytest.raises(ValueError, match=f"not {bad} at best in row 1"):
        samplers.get(name)(logits, np.full(2, 0.5))
    with pytest.raises(ValueError, match="not -inf at best in row 0"):
        samplers.get(name)(np.full((1, 90), -np.inf, np.float32), np.full(1, 0.5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: samplers.TopKSampler(k=0), "k must be a positive integer, not 0"),
        (lambda: samplers.TopKSampler(k=2.0), "k must be a positive integer, not 2.0"),
        (lambda: samplers.TopPSampler(p=0.0), r"p must be in \(0, 1\], not 0.0"),
        (lambda: samplers.TopPSampler(p=1.5), r"p must be in \(0, 1\], not 1.5"),
        (lambda: samplers.TopPSampler(k=-1), "k must be a positive integer, not -1"),
        (lambda: samplers.MinPSampler(p=True), r"p must be in \(0, 1\], not True"),
        (lambda: samplers.RandomSampler(temperature=0), "GreedySampler takes the likeliest"),
        (lambda: samplers.RandomSampler(temperature=float("nan")), "must be a positive number"),
        (lambda: samplers.GreedySampler(repetition_penalty=-1), "repetition_penalty must be a pos"),
        (lambda: samplers.BeamSampler(num_beams=0), "num_beams must be a positive integer, not 0"),
        (lambda: samplers.RandomSampler(seed=-1).seed_generator, "seed must be an integer"),
        (lambda: samplers.get("gredy"), "sampler must be the name of one, not 'gredy'; nearest"),
        (lambda: samplers.get("contrastive"), "it compares hidden states"),
        (lambda: samplers.get(len), "must be a name, a configuration or a Sampler"),
        (lambda: samplers.get(None), "must be a name, a configuration or a Sampler, not None"),
    ],
)
def test_bad_arguments_are_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_configurations_make_the_same_sampler_again() -> None:
    for sampler in (
        samplers.TopKSampler(3, seed=1, temperature=0.5),
        samplers.TopPSampler(0.5, 7, repetition_penalty=1.2),
        samplers.MinPSampler(0.2),
        samplers.RandomSampler(2),
        samplers.GreedySampler(1.5),
        samplers.BeamSampler(2, temperature=2.0),
    ):
        config = {"class_name": type(sampler).__name__, "config": sampler.get_config()}
        again = samplers.get(config)
        assert type(again) is type(sampler)
        assert again.get_config() == sampler.get_config()
    with pytest.raises(TypeError, match="TopKSampler has no argument 'top'"):
        samplers.get({"class_name": "TopKSampler", "config": {"top": 3}})


def test_a_sampler_without_a_seed_takes_one_only_when_it_draws() -> None:
    from gatework.random import global_state

    set_random_seed(3)
    before = global_state()
    sampler = samplers.TopKSampler()
    assert global_state() == before
    assert sampler.seed_generator is sampler.seed_generator
    assert global_state() != before


class Table:
    """A decoder whose next-token logits depend on the last token alone."""

    def __init__(self, logits: np.ndarray) -> None:
        self.logits = logits
        self.last: Any = None

    def advance(self, tokens: Any) -> Any:
        self.last = tokens[:, -1]
        return self.logits[self.last]

    def select(self, rows: Any) -> None:
        pass


@pytest.mark.parametrize("seed", range(6))
def test_beams_as_wide_as_the_tree_find_the_likeliest_sequence(seed: int) -> None:
    """Against trying every sequence of five tokens, those cut short by a stop token among them."""
    rng = np.random.default_rng(seed)
    vocabulary, stop, steps = 4, 3, 4
    logits = rng.normal(scale=2, size=(vocabulary, vocabulary)).astype(np.float32)
    logp = np.log([softmax(row) for row in logits.astype(np.float64)])

    def best(last: int, left: int) -> tuple[float, list[int]]:
        if not left:
            return 0.0, []
        found = []
        for token in range(vocabulary):
            rest = (0.0, []) if token == stop else best(token, left - 1)
            found.append((logp[last, token] + rest[0], [token, *rest[1]]))
        return max(found)

    tokens = np.zeros((2, steps + 2), np.int64)
    tokens[:, :2] = [[1, 0], [0, 2]]
    lengths = np.array([2, 1])
    found, ends = samplers.BeamSampler(64).search(Table(logits), tokens, lengths, {stop})
    assert found[0, 2 : ends[0]].tolist() == best(0, steps)[1]
    assert found[1, 1 : ends[1]].tolist() == best(0, steps + 1)[1]
    with pytest.raises(TypeError, match="whole sequences"):
        samplers.BeamSampler()(logits, None)


def test_one_beam_is_greedy() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(9, 9)).astype(np.float32)
    tokens = np.zeros((1, 12), np.int64)
    found, ends = samplers.BeamSampler(1).search(Table(logits), tokens, np.array([1]), set())
    expected = [0]
    while len(expected) < 12:
        expected.append(int(logits[expected[-1]].argmax()))
    assert found[0].tolist() == expected
    assert ends.tolist() == [12]
