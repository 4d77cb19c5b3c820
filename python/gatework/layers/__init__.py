"""Layers under Keras' names."""

from typing import Any

from .. import _absent
from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .base import InputSpec, Layer
from .bidirectional import Bidirectional
from .core import Dense, EinsumDense, Embedding, Identity, Lambda, Masking, ReversibleEmbedding
from .input import Input, InputLayer
from .merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from .recurrent import (
    GRU,
    LSTM,
    RNN,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
)
from .regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
)
from .reshaping import (
    Cropping1D,
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling1D,
    ZeroPadding1D,
)
from .wrappers import TimeDistributed, Wrapper

__all__ = [
    "ActivityRegularization",
    "AlphaDropout",
    "Cropping1D",
    "EinsumDense",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "Lambda",
    "LeakyReLU",
    "Permute",
    "PReLU",
    "ReLU",
    "RepeatVector",
    "ReversibleEmbedding",
    "Softmax",
    "UpSampling1D",
    "ZeroPadding1D",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "Add",
    "Average",
    "Bidirectional",
    "Concatenate",
    "Dense",
    "Dot",
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
    "Maximum",
    "Minimum",
    "Multiply",
    "Reshape",
    "SimpleRNN",
    "SimpleRNNCell",
    "SpatialDropout1D",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
    "Wrapper",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]


def __getattr__(name: str) -> Any:
    """Says of Keras' other layers why they are not here."""
    _absent.refuse("layers", name)


def serialize(layer: Layer) -> Any:
    """Returns the configuration of a layer, with its class."""
    from ..saving import serialize_keras_object

    return serialize_keras_object(layer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` returned."""
    from ..saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects=custom_objects)
