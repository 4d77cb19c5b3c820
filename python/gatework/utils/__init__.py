"""Seeds, labels, datasets, names and the table of a model."""

from __future__ import annotations

import importlib
from typing import Any

from .. import _absent
from ..preprocessing.batch import pack_x_y_sample_weight, unpack_x_y_sample_weight
from ..preprocessing.py_dataset import PyDataset
from ..preprocessing.sequence import pad_sequences
from ..preprocessing.timeseries import timeseries_dataset_from_array
from .naming import clear_session
from .numerical import normalize, to_categorical
from .random_seed import set_random_seed
from .split_dataset import split_dataset

# Loaded when first used: the parts they come from know this package.
_ELSEWHERE = {
    "CustomObjectScope": "saving",
    "Progbar": "utils.progbar",
    "custom_object_scope": "saving",
    "deserialize_keras_object": "saving",
    "get_custom_objects": "saving",
    "get_registered_name": "saving",
    "get_registered_object": "saving",
    "model_to_dot": "utils.plot",
    "plot_model": "utils.plot",
    "register_keras_serializable": "saving",
    "serialize_keras_object": "saving",
}

__all__ = [
    "PyDataset",
    "Sequence",
    "clear_session",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "set_random_seed",
    "split_dataset",
    "timeseries_dataset_from_array",
    "to_categorical",
    "unpack_x_y_sample_weight",
    *sorted(_ELSEWHERE),
]

Sequence = PyDataset


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        return getattr(importlib.import_module(f"gatework.{_ELSEWHERE[name]}"), name)
    _absent.refuse("utils", name)


def __dir__() -> list[str]:
    return sorted(__all__)
