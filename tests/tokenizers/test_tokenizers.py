"""Tokenizers: texts come back as they went, files too, and what cannot be told is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework.tokenizers import ByteTokenizer, CharacterTokenizer, HuggingFaceTokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

CORPUS = "the cat sat on the mat, the cat ate the rat. " * 20 + "naïve café 🙂 日本"


@pytest.fixture(scope="module")
def pairs() -> HuggingFaceTokenizer:
    return HuggingFaceTokenizer.train_bpe(CORPUS, 300, special_tokens=["<end>"])


def test_characters_by_number() -> None:
    tokenizer = CharacterTokenizer.from_text(["cab", "bad"])
    assert (tokenizer.characters, len(tokenizer)) == ("abcd", 4)
    assert tokenizer.encode("bad").tolist() == [1, 0, 3]
    assert tokenizer.encode("").tolist() == []
    assert tokenizer.decode([2, 0]) == "ca"
    assert [ids.tolist() for ids in tokenizer.encode_batch(["a", "cd"])] == [[0], [2, 3]]
    assert tokenizer.decode_batch([[0], np.array([2, 3])]) == ["a", "cd"]


def test_characters_outside_of_the_vocabulary() -> None:
    with pytest.raises(ValueError, match="vocabulary, not 'x' at 2"):
        CharacterTokenizer("abc").encode("abxc")
    with pytest.raises(ValueError, match="not 'é' at 0"):
        CharacterTokenizer("abc").encode("é")
    tokenizer = CharacterTokenizer("abc", unknown="?")
    assert tokenizer.encode("abxc").tolist() == [0, 1, 3, 2]
    assert tokenizer.decode([0, 3]) == "a?"
    assert CharacterTokenizer("?ab", unknown="?").encode("xa").tolist() == [0, 1]


@given(st.text(alphabet=st.characters(), max_size=40), st.text(min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_every_text_of_the_vocabulary_comes_back(text: str, more: str) -> None:
    tokenizer = CharacterTokenizer.from_text(text + more)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert ByteTokenizer().decode(ByteTokenizer().encode(text)) == text


def test_bytes() -> None:
    tokenizer = ByteTokenizer()
    assert len(tokenizer) == 256
    assert tokenizer.encode("aé").tolist() == [97, 0xC3, 0xA9]
    assert tokenizer.decode([97, 0xC3, 0xA9, 0xFF]) == "aé�"
    with pytest.raises(ValueError, match="surrogates not allowed"):
        tokenizer.encode("\ud800")


def test_byte_pairs(pairs: HuggingFaceTokenizer) -> None:
    assert 257 < len(pairs) <= 300
    for text in (CORPUS, "unseen words, ÿ, 🦜", ""):
        assert pairs.decode(pairs.encode(text)) == text
    assert len(pairs.encode("the cat sat")) < 6
    assert pairs.id_of("<end>") == 0
    assert pairs.decode([0, *pairs.encode("cat")]) == "cat"
    batch = pairs.encode_batch(["the", "cat sat"])
    assert [ids.tolist() for ids in batch] == [pairs.encode(t).tolist() for t in ("the", "cat sat")]
    with pytest.raises(ValueError, match="token must be in the vocabulary, not '<start>'"):
        pairs.id_of("<start>")
    with pytest.raises(ValueError, match="at least 257"):
        HuggingFaceTokenizer.train_bpe(CORPUS, 256, special_tokens=["<end>"])
    with pytest.raises(TypeError, match=r"must be a tokenizers\.Tokenizer, not 3"):
        HuggingFaceTokenizer(3)


def test_streams_wait_for_whole_characters(pairs: HuggingFaceTokenizer) -> None:
    text = "a é 🙂!"
    ids = ByteTokenizer().encode(text)
    assert list(ByteTokenizer().decode_stream(ids)) == ["a", " ", "é", " ", "🙂", "!"]
    assert "".join(ByteTokenizer().decode_stream(ids[:-2])) == "a é �"
    assert "".join(pairs.decode_stream(pairs.encode("the cat 🙂 ate 日"))) == "the cat 🙂 ate 日"
    with pytest.raises(ValueError, match="ids must be in"):
        list(pairs.decode_stream([9999]))


@pytest.mark.parametrize("which", ["characters", "bytes", "pairs"])
def test_files(which: str, pairs: HuggingFaceTokenizer, tmp_path: Path) -> None:
    made: Any = {
        "characters": CharacterTokenizer('ab "\\é🙂\n\ud800', unknown="?"),
        "bytes": ByteTokenizer(),
        "pairs": pairs,
    }[which]
    path = tmp_path / "tokenizer.json"
    made.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["tokenizer.json"]
    again = type(made).load(path)
    assert again.get_config() == made.get_config()
    assert again.encode("a b").tolist() == made.encode("a b").tolist()
    if which == "pairs":
        from tokenizers import Tokenizer

        assert Tokenizer.from_file(str(path)).get_vocab_size() == len(pairs)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b'{"class_name": "ByteTokenizer", "config": {}}',
        b'{"class_name": "CharacterTokenizer"}',
        b'{"class_name": "CharacterTokenizer", "config": {"characters": "aa"}}',
        b'{"class_name": "CharacterTokenizer", "config": {"characters": 3}}',
        b'{"class_name": "CharacterTokenizer", "config": {"other": "a"}}',
        b"[" * 100_000,
    ],
)
def test_files_of_something_else_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(content)
    for cls in (CharacterTokenizer, HuggingFaceTokenizer):
        with pytest.raises(ValueError, match=r"t\.json' must"):
            cls.load(path)
    with pytest.raises(FileNotFoundError):
        CharacterTokenizer.load(tmp_path / "missing")
    with pytest.raises(ValueError, match="not a folder"):
        CharacterTokenizer.load(tmp_path)


def test_an_older_file_stays_when_saving_fails(tmp_path: Path) -> None:
    class Broken(ByteTokenizer):
        def get_config(self) -> Any:
            return {"not": json}

    path = tmp_path / "t.json"
    ByteTokenizer().save(path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        Broken().save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda t: t.encode(b"a"), TypeError, "text must be a string, not b'a'"),
        (lambda t: t.encode(None), TypeError, "text must be a string, not None"),
        (lambda t: t.encode_batch("abc"), TypeError, "texts must be several texts, not one: 'abc'"),
        (lambda t: t.decode([[0]]), ValueError, r"ids must have shape \(time,\), not \(1, 1\)"),
        (lambda t: t.decode([0, 999]), ValueError, r"ids must be in \[0, \d+\), not 999 at 1"),
        (lambda t: t.decode([-1]), ValueError, r"ids must be in \[0, \d+\), not -1 at 0"),
        (lambda t: t.decode([0.5]), TypeError, "ids must be whole numbers, not float64"),
    ],
)
def test_bad_arguments_are_named(
    make: Any, error: type, message: str, pairs: HuggingFaceTokenizer
) -> None:
    for tokenizer in (CharacterTokenizer("abc"), ByteTokenizer(), pairs):
        with pytest.raises(error, match=message):
            make(tokenizer)


def test_bad_vocabularies_are_named() -> None:
    for characters, unknown, message in (
        ("", None, "at least one character, not none"),
        ("aba", None, "characters must be unique, not hold 'a' twice"),
        ("ab", "xy", "unknown must be one character or None, not 'xy'"),
        ("ab", 3, "unknown must be one character or None, not 3"),
    ):
        with pytest.raises(ValueError, match=message):
            CharacterTokenizer(characters, unknown)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="text must be a string"):
        CharacterTokenizer(["a", "b"])  # type: ignore[arg-type]


def test_a_model_writes_text() -> None:
    """From text to text: what was learned by heart is written again, also while it streams."""
    from gatework.layers import LSTM, Dense, Embedding, Input
    from gatework.models import Sequential
    from gatework.optimizers import Adam
    from gatework.utils import set_random_seed

    set_random_seed(0)
    text = "the quick brown fox. "
    tokenizer = CharacterTokenizer.from_text(text)
    ids = tokenizer.encode(text * 3)
    model = Sequential(
        [
            Input((None,), dtype="int32"),
            Embedding(len(tokenizer), 12),
            LSTM(48, return_sequences=True),
            Dense(len(tokenizer), activation="softmax"),
        ]
    )
    model.compile(Adam(0.02), loss="sparse_categorical_crossentropy")
    model.fit(ids[None, :-1], ids[None, 1:], epochs=90, verbose=0)
    written = model.generate(tokenizer.encode("the q"), len(text))
    assert tokenizer.decode(written) == text
    pieces = tokenizer.decode_stream(model.stream_generate(tokenizer.encode("the q"), len(text)))
    assert "".join(pieces) == text[5:]
