"""Seeds, labels, names and the table of a model."""

from typing import Any

from .. import _absent
from ..preprocessing.py_dataset import PyDataset
from ..preprocessing.sequence import pad_sequences
from .naming import reset_names as clear_session
from .numerical import normalize, to_categorical
from .random_seed import set_random_seed

__all__ = [
    "PyDataset",
    "clear_session",
    "normalize",
    "pad_sequences",
    "set_random_seed",
    "to_categorical",
]


def __getattr__(name: str) -> Any:
    """Says of Keras' other utils why they are not here."""
    _absent.refuse("utils", name)
