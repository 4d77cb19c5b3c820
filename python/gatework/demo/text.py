"""Reading text: documents, paragraphs of prose, sentences, tokens."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TEXT_SUFFIXES = (".txt", ".md", ".rst", ".text")

_TOKEN = re.compile(r"\w+(?:['’.\-]\w+)*|[^\w\s]")
_SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][)\]]))\s+(?=[(\[]?[A-Z0-9])")
_MARKUP = str.maketrans("", "", '*`|"“”')
_RULED = re.compile(r"[=\-~^*+#.\"]{4,}|::=|>>>")
_ENDINGS = frozenset(".!?:;,…")
_ORDINARY = frozenset(" ,.;:!?'’()-_")


class CorpusError(ValueError):
    """The text cannot be used; the message is one line meant for the person who gave it."""


@dataclass(frozen=True)
class Document:
    """One text with the name it is reported under."""

    name: str
    text: str


def read_documents(source: str | Path | None = None) -> list[Document]:
    """Read the documents of a file, of a folder, or Python's own reference manual.

    Args:
        source: a text file; a folder, of which every ``.txt``, ``.md``, ``.rst`` and ``.text``
            file is read in the order of their paths; or None for ``pydoc_data.topics``, the
            chapters of the Python reference that ``help()`` shows.

    Raises:
        CorpusError: nothing is there, or nothing in it can be read as text.
    """
    if source is None:
        try:
            topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
        except ImportError as error:
            raise CorpusError(
                "this Python comes without pydoc_data.topics; name a text with --text"
            ) from error
        return [Document(name, topics[name]) for name in sorted(topics)]
    path = Path(source)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in TEXT_SUFFIXES)
        if not files:
            raise CorpusError(f"no {', '.join(TEXT_SUFFIXES)} file in the folder {path}")
        return [Document(str(p.relative_to(path)), _read_text(p)) for p in files if p.is_file()]
    if not path.exists():
        raise CorpusError(f"no such file or folder: {path}")
    return [Document(path.name, _read_text(path))]


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror}") from error
    if b"\0" in data:
        raise CorpusError(f"{path} is not a text file")
    return data.decode("utf-8-sig", errors="replace")


def prose_paragraphs(text: str) -> list[str]:
    """The paragraphs of running prose in ``text``, each on one line, without markup.

    Headings, tables, grammar rules and program listings are left out: a paragraph stays when
    it has at least five words, nine tenths of its characters belong to words, spaces and
    ordinary punctuation, and it ends with a punctuation mark. Asterisks, backquotes and double
    quotation marks are dropped.
    """
    paragraphs = []
    for block in re.split(r"\n\s*\n", text):
        if _RULED.search(block):
            continue
        line = " ".join(block.translate(_MARKUP).split())
        words = re.findall(r"[^\W\d_]{2,}", line)
        ordinary = sum(c.isalpha() or c in _ORDINARY for c in line)
        if len(words) >= 5 and ordinary >= 0.9 * len(line) and line.rstrip(")")[-1:] in _ENDINGS:
            paragraphs.append(line)
    return paragraphs


def tokenize(text: str) -> list[str]:
    """Lower-case words, numbers and punctuation marks of a sentence or a prompt."""
    return _TOKEN.findall(text.translate(_MARKUP).lower())


def sentences(paragraph: str) -> list[list[str]]:
    """The tokens of each sentence of a paragraph."""
    parts = (tokenize(part) for part in _SENTENCE_END.split(paragraph))
    return [part for part in parts if part]


def to_text(tokens: Iterable[str]) -> str:
    """Tokens as one would type them: no space before a comma, none inside brackets."""
    text = " ".join(tokens)
    text = re.sub(r" ([,.;:!?)\]}’])", r"\1", text)
    return re.sub(r"([(\[{]) ", r"\1", text)
