"""The next-word demo: an LSTM language model trained on real text, beside counted ones.

Read it in this order: `text`, `vocabulary`, `corpus`, `ngram`, `windows`, `language_model`,
`progress`, `artifacts`, `plot`, `run`.
"""

from __future__ import annotations

from .run import run_demo
from .settings import Settings
from .text import CorpusError

__all__ = ["CorpusError", "Settings", "run_demo"]
