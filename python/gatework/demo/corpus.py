"""From documents to the two streams of word numbers that every model of the demo sees.

A stream is the text in reading order: lower-case words, numbers and punctuation marks, with
``</s>`` after each sentence; words the vocabulary does not hold are ``<unk>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .text import CorpusError, Document, prose_paragraphs, sentences
from .vocabulary import END, Ids, Vocabulary

SECTION_TOKENS = 2_000
HELD_OUT = 10  # every tenth section is for validation
MINIMUM_TOKENS = 1_000

Sentence = list[str]


@dataclass(frozen=True)
class Corpus:
    """A split text with its vocabulary, which is made from the training part alone."""

    vocabulary: Vocabulary
    train: Ids  # (N,)
    validation: Ids  # (M,)
    documents: int
    paragraphs: int
    duplicates: int
    sections: int
    held_out_sections: int

    @property
    def unknown_rate(self) -> float:
        """Share of validation tokens outside the vocabulary."""
        return float((self.validation == self.vocabulary.unknown).mean())

    @property
    def unknown_rate_train(self) -> float:
        """Share of training tokens outside the vocabulary (the rare words)."""
        return float((self.train == self.vocabulary.unknown).mean())


def build_corpus(
    documents: Sequence[Document], *, minimum_count: int = 2, maximum_words: int = 10_000
) -> Corpus:
    """Split the documents, number their words.

    Repeated paragraphs are used once: a copy in the validation part would measure memory, not
    language. The text is divided into sections (a document, or a piece of about 2,000 tokens
    of a longer one), and every tenth section is held out whole, so that no validation sentence
    has a neighbour in the training part of the same section.

    Args:
        documents: the texts, in order.
        minimum_count: how often the training part must hold a word for it to get a number.
        maximum_words: the most words the vocabulary may have.

    Raises:
        CorpusError: there is no prose, or less than 1,000 tokens of it.
    """
    seen: set[str] = set()
    duplicates = 0
    texts: list[list[Sentence]] = []
    for document in documents:
        text: list[Sentence] = []
        for paragraph in prose_paragraphs(document.text):
            if paragraph in seen:
                duplicates += 1
                continue
            seen.add(paragraph)
            text.extend([*sentence, END] for sentence in sentences(paragraph))
        texts.append(text)

    total = sum(len(sentence) for text in texts for sentence in text)
    if total == 0:
        raise CorpusError("the text is empty: no paragraph of running prose was found")
    if total < MINIMUM_TOKENS:
        raise CorpusError(
            f"the text is too small: {total:,} tokens of prose, at least {MINIMUM_TOKENS:,} needed"
        )

    longest = min(SECTION_TOKENS, total // (2 * HELD_OUT))
    sections = [section for text in texts for section in _sections(text, longest)]
    held_out = set(range(HELD_OUT // 2, len(sections), HELD_OUT))
    train = [w for i, section in enumerate(sections) if i not in held_out for w in section]
    validation = [w for i in sorted(held_out) for w in sections[i]]
    vocabulary = Vocabulary.from_tokens(train, minimum_count, maximum_words)
    return Corpus(
        vocabulary=vocabulary,
        train=vocabulary.encode(train),
        validation=vocabulary.encode(validation),
        documents=len(documents),
        paragraphs=len(seen),
        duplicates=duplicates,
        sections=len(sections),
        held_out_sections=len(held_out),
    )


def _sections(text: list[Sentence], longest: int) -> list[list[str]]:
    """A document in pieces of whole sentences, none much longer than `longest` tokens."""
    pieces: list[list[str]] = [[]]
    for sentence in text:
        if pieces[-1] and len(pieces[-1]) + len(sentence) > longest:
            pieces.append([])
        pieces[-1].extend(sentence)
    return [piece for piece in pieces if piece]
