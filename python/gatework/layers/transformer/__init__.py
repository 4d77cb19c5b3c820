"""Blocks of Transformers, and what tells them positions, under KerasHub's names."""

from .alibi_bias import AlibiBias
from .cached_multi_head_attention import CachedMultiHeadAttention
from .position_embedding import PositionEmbedding
from .rotary_embedding import RotaryEmbedding
from .sine_position_encoding import SinePositionEncoding
from .token_and_position_embedding import TokenAndPositionEmbedding
from .transformer_decoder import TransformerDecoder
from .transformer_encoder import TransformerEncoder

__all__ = [
    "AlibiBias",
    "CachedMultiHeadAttention",
    "PositionEmbedding",
    "RotaryEmbedding",
    "SinePositionEncoding",
    "TokenAndPositionEmbedding",
    "TransformerDecoder",
    "TransformerEncoder",
]
