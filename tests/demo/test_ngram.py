"""The counted models: proper distributions, and the numbers of a count by hand."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from gatework.demo.ngram import KneserNey, Unigram, modified_discounts, perplexity

V = 30


@pytest.fixture
def stream():
    """Zipf-like tokens in [0, V - 3): the last three words are never seen."""
    rng = np.random.default_rng(3)
    weights = 1.0 / np.arange(1, V - 2)
    return rng.choice(V - 3, size=1500, p=weights / weights.sum()).astype(np.int64)


def plain_kneser_ney(stream, size, padding):
    """The trigram written with dictionaries, straight from the definition."""
    padded = [padding, padding, *stream.tolist()]
    trigrams = Counter(zip(padded, padded[1:], padded[2:], strict=False))
    bigrams = Counter((v, w) for _, v, w in trigrams)
    unigrams = Counter((w,) for _, w in bigrams)

    def model(counts):
        frequencies = Counter(counts.values())
        n1, n2, n3, n4 = (frequencies[k] for k in (1, 2, 3, 4))
        if not n1 * n2 * n3 * n4:
            discount = dict.fromkeys((1, 2, 3), 0.5)
        else:
            y = n1 / (n1 + 2 * n2)
            discount = {1: 1 - 2 * y * n2 / n1, 2: 2 - 3 * y * n3 / n2, 3: 3 - 4 * y * n4 / n3}
        total, taken = defaultdict(float), defaultdict(float)
        for gram, count in counts.items():
            total[gram[:-1]] += count
            taken[gram[:-1]] += discount[min(count, 3)]
        return counts, discount, total, taken

    models = [model(unigrams), model(bigrams), model(trigrams)]

    def p(context, word):
        value = 1.0 / size
        for n, (counts, discount, total, taken) in enumerate(models):
            h = tuple(context[len(context) - n :])
            if total[h] == 0:
                continue
            count = counts.get((*h, word), 0)
            kept = count - discount[min(count, 3)] if count else 0.0
            value = kept / total[h] + taken[h] / total[h] * value
        return value

    return p


def test_trigram_equals_the_definition(stream):
    model = KneserNey(stream, V, order=3, padding=1)
    p = plain_kneser_ney(stream, V, padding=1)
    for context in ([1, 1], [0, 0], [2, 5], [29, 3], [28, 29], [7, 29]):
        expected = [p(context, word) for word in range(V)]
        np.testing.assert_allclose(model.distribution(np.array(context)), expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_every_context_has_a_distribution(stream, order):
    model = KneserNey(stream, V, order=order)
    rng = np.random.default_rng(0)
    seen = [stream[i : i + 3] for i in range(0, 1400, 100)]
    for context in [*seen, *rng.integers(0, V, (20, 3)), np.array([], np.int64)]:
        p = model.distribution(context)
        assert p.min() > 0
        assert p.sum() == pytest.approx(1.0, abs=1e-12)


def test_unigram_is_a_distribution(stream):
    model = Unigram(stream, V)
    assert model.probabilities.shape == (V,)
    assert model.probabilities.min() > 0
    assert model.probabilities.sum() == pytest.approx(1.0, abs=1e-12)


def test_log_probabilities_are_those_of_the_distributions(stream):
    model = KneserNey(stream, V, padding=1)
    held_out = np.array([4, 1, 0, 29, 2, 2], dtype=np.int64)
    padded = np.concatenate([[1, 1], held_out])
    expected = [math.log(model.distribution(padded[i : i + 2])[w]) for i, w in enumerate(held_out)]
    np.testing.assert_allclose(model.log_probabilities(held_out), expected, rtol=1e-12)


def test_more_context_helps_on_structured_text():
    stream = np.tile(np.arange(10, dtype=np.int64), 40)
    scores = [perplexity(KneserNey(stream, 10, order=n).log_probabilities(stream)) for n in (1, 2)]
    assert scores[1] < 1.5 < scores[0]


def test_lower_orders_count_contexts_not_occurrences():
    # "francisco" (1) is frequent but follows one word only; 2 follows three different words.
    stream = np.array([0, 1] * 20 + [3, 2, 4, 2, 5, 2], dtype=np.int64)
    model = KneserNey(stream, 7, order=2)
    after_unseen = model.distribution(np.array([6]))
    assert after_unseen[2] > after_unseen[1]


def test_discounts_by_hand():
    counts = np.array([1] * 8 + [2] * 4 + [3] * 2 + [4] * 1 + [9], dtype=float)
    y = 8 / 16
    expected = [0, 1 - 2 * y * 4 / 8, 2 - 3 * y * 2 / 4, 3 - 4 * y * 1 / 2]
    np.testing.assert_allclose(modified_discounts(counts), expected)


@pytest.mark.parametrize("counts", [[5.0], [1.0], [1.0, 2.0], [1, 1, 1, 2, 3, 3, 3, 3, 4, 4.0]])
def test_discounts_of_odd_counts_stay_between_nothing_and_the_count(counts):
    discounts = modified_discounts(np.array(counts))
    assert (discounts[1:] > 0).all()
    assert (discounts[1:] < [1, 2, 3]).all()


def test_perplexity_of_a_uniform_model():
    assert perplexity(np.log(np.full(7, 1 / 50))) == pytest.approx(50)


def test_keys_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"vocabulary_size \*\* order must be below"):
        KneserNey(np.zeros(3, np.int64), 10_000_000, order=3)
