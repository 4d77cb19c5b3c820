"""Layers under Keras' names."""

from typing import Any

from .. import _absent
from .activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from .attention import AdditiveAttention, Attention, GroupedQueryAttention, MultiHeadAttention
from .base import InputSpec, Layer
from .bidirectional import Bidirectional
from .convolution import Conv1D, Conv1DTranspose, DepthwiseConv1D, SeparableConv1D
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
from .normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from .pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveMaxPooling1D,
    AveragePooling1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
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
from .transformer import (
    AlibiBias,
    CachedMultiHeadAttention,
    PositionEmbedding,
    RotaryEmbedding,
    SinePositionEncoding,
    TokenAndPositionEmbedding,
    TransformerDecoder,
    TransformerEncoder,
)
from .wrappers import TimeDistributed, Wrapper

# Keras' other names for the same layers.
AvgPool1D, MaxPool1D = AveragePooling1D, MaxPooling1D
GlobalAvgPool1D, GlobalMaxPool1D = GlobalAveragePooling1D, GlobalMaxPooling1D
Convolution1D, Convolution1DTranspose = Conv1D, Conv1DTranspose
SeparableConvolution1D = SeparableConv1D
GroupQueryAttention = GroupedQueryAttention

__all__ = [
    "AdditiveAttention",
    "AlibiBias",
    "Attention",
    "CachedMultiHeadAttention",
    "GroupQueryAttention",
    "GroupedQueryAttention",
    "MultiHeadAttention",
    "PositionEmbedding",
    "RotaryEmbedding",
    "SinePositionEncoding",
    "TokenAndPositionEmbedding",
    "TransformerDecoder",
    "TransformerEncoder",
    "AdaptiveAveragePooling1D",
    "AdaptiveMaxPooling1D",
    "AveragePooling1D",
    "AvgPool1D",
    "BatchNormalization",
    "Conv1D",
    "Conv1DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "DepthwiseConv1D",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "GroupNormalization",
    "LayerNormalization",
    "MaxPool1D",
    "MaxPooling1D",
    "RMSNormalization",
    "SeparableConv1D",
    "SeparableConvolution1D",
    "UnitNormalization",
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
