"""Text as token ids: characters, bytes, and the subwords of the ``tokenizers`` library."""

from .base import Tokenizer
from .character import ByteTokenizer, CharacterTokenizer
from .huggingface import HuggingFaceTokenizer

__all__ = ["ByteTokenizer", "CharacterTokenizer", "HuggingFaceTokenizer", "Tokenizer"]
