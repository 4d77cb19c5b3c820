"""Layers under Keras' names."""

from typing import Any

from .base import InputSpec, Layer
from .core import Activation, Dense, Embedding, Flatten, Masking, Reshape
from .input import Input, InputLayer
from .recurrent import GRU, LSTM, GRUCell, LSTMCell, SimpleRNN, SimpleRNNCell
from .regularization import Dropout, SpatialDropout1D
from .wrappers import Bidirectional, TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Bidirectional",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "Input",
    "InputLayer",
    "InputSpec",
    "LSTMCell",
    "Layer",
    "Masking",
    "Reshape",
    "SimpleRNN",
    "SimpleRNNCell",
    "SpatialDropout1D",
    "TimeDistributed",
    "deserialize",
    "serialize",
]


def serialize(layer: Layer) -> Any:
    """Returns the configuration of a layer, with its class."""
    from ..saving import serialize_keras_object

    return serialize_keras_object(layer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` returned."""
    from ..saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects=custom_objects)
