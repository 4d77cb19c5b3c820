"""The split and the vocabulary."""

import numpy as np
import pytest
from gatework.demo.corpus import build_corpus
from gatework.demo.text import CorpusError, Document, read_documents
from gatework.demo.vocabulary import END, UNKNOWN, Vocabulary


def made_up(paragraphs, seed=0, name="text"):
    """A document of English-looking paragraphs, no two alike."""
    rng = np.random.default_rng(seed)
    words = [a + b for a in ("ba", "de", "ki", "lo", "mu") for b in ("n", "r", "s", "tor", "vel")]
    lines = [" ".join(rng.choice(words, 12)).capitalize() + "." for _ in range(paragraphs)]
    return Document(name, "\n\n".join(lines))


def test_vocabulary_counts_only_the_training_part():
    corpus = build_corpus(read_documents())
    numbers = corpus.vocabulary
    counts = np.bincount(corpus.train, minlength=len(numbers))
    assert numbers.words[:2] == [UNKNOWN, END]
    assert counts[2:].min() >= 2
    assert (np.diff(counts[2:]) <= 0).all()
    assert corpus.train.max() < len(numbers)
    assert corpus.validation.max() < len(numbers)


def test_statistics_of_the_reference_manual():
    corpus = build_corpus(read_documents())
    share = len(corpus.validation) / (len(corpus.train) + len(corpus.validation))
    assert 0.05 < share < 0.2
    assert 0 < corpus.unknown_rate < 0.12
    assert corpus.duplicates > 0
    assert corpus.train[-1] == corpus.vocabulary.end == corpus.validation[-1]


def test_every_token_is_in_one_part_and_once():
    corpus = build_corpus([made_up(600)], minimum_count=1)
    assert len(corpus.train) + len(corpus.validation) == 600 * 14  # 12 words, ".", "</s>"
    assert corpus.sections >= 20
    assert corpus.held_out_sections == round(corpus.sections / 10)


def test_repeated_paragraphs_are_used_once():
    document = made_up(200)
    once, twice = build_corpus([document]), build_corpus([document, document])
    assert twice.duplicates == 200
    np.testing.assert_array_equal(once.train, twice.train)


def test_sections_never_span_documents():
    corpus = build_corpus([made_up(40, seed=i, name=str(i)) for i in range(30)])
    assert corpus.documents == 30
    assert corpus.sections >= 30


def test_the_same_text_gives_the_same_streams():
    first, second = build_corpus(read_documents()), build_corpus(read_documents())
    np.testing.assert_array_equal(first.train, second.train)
    assert first.vocabulary.words == second.vocabulary.words


@pytest.mark.parametrize("text", ["", "  \n\n ", "12 34 56", "No."])
def test_empty_text_is_refused(text):
    with pytest.raises(CorpusError, match="the text is empty"):
        build_corpus([Document("x", text)])


def test_small_text_is_refused():
    with pytest.raises(CorpusError, match="too small: 140 tokens of prose, at least 1,000"):
        build_corpus([made_up(10)])


def test_maximum_words():
    corpus = build_corpus(read_documents(), maximum_words=100)
    assert len(corpus.vocabulary) == 100
    assert corpus.unknown_rate > 0.2


def test_vocabulary_round_trip(tmp_path):
    words = Vocabulary.from_tokens(["é", "b", "b", END, UNKNOWN, "é", "c"], minimum_count=2)
    assert words.words == [UNKNOWN, END, "b", "é"]
    words.save(tmp_path / "words.json")
    again = Vocabulary.load(tmp_path / "words.json")
    assert again.words == words.words
    np.testing.assert_array_equal(again.encode(["é", "zz", END]), [3, 0, 1])
    assert again.decode([3, 0]) == ["é", UNKNOWN]


@pytest.mark.parametrize(
    ("words", "message"),
    [(["a", "b"], "words must begin with"), ([UNKNOWN, END, "a", "a"], "words must be unique")],
)
def test_wrong_words_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(words)
