"""Tokens and their positions as vectors."""

from __future__ import annotations

from typing import Any

from ... import initializers, ops
from ...autograd import Tensor
from ..arguments import positive_int
from ..attention.projected import cloned
from ..base import Layer
from ..core import ReversibleEmbedding
from .keras_hub import of_keras_hub
from .position_embedding import PositionEmbedding
from .positions import check_positions, with_positions

__all__ = ["TokenAndPositionEmbedding"]


@of_keras_hub
class TokenAndPositionEmbedding(Layer):
    """The sum of a vector for each token and one for its position: (batch, time) whole numbers ->
    (batch, time, embedding_dim). Name, arguments and weights are those of KerasHub.

    ``layer.token_embedding(x, reverse=True)`` projects vectors back to a score for every token.
    Further arguments of the call are those of ``PositionEmbedding``.

    Args:
        vocabulary_size: number of tokens; they must lie in [0, vocabulary_size).
        sequence_length: number of positions.
        embedding_dim: size of the vectors.
        tie_weights: the way back uses the table of the tokens; without it, one of its own.
        embeddings_initializer: of both tables.
        mask_zero: token 0 is padding: later layers skip those steps.

    Raises:
        ValueError: if a size is no positive integer, or when called with a token out of range or
            more than ``sequence_length`` steps.
    """

    def __init__(
        self,
        vocabulary_size: int,
        sequence_length: int,
        embedding_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        mask_zero: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = positive_int("vocabulary_size", vocabulary_size)
        self.sequence_length = positive_int("sequence_length", sequence_length)
        self.embedding_dim = positive_int("embedding_dim", embedding_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.token_embedding = ReversibleEmbedding(
            self.vocabulary_size,
            self.embedding_dim,
            tie_weights=tie_weights,
            embeddings_initializer=cloned(self.embeddings_initializer),
            mask_zero=mask_zero,
            dtype=self.dtype_policy,
            name="token_embedding",
        )
        self.position_embedding = PositionEmbedding(
            self.sequence_length,
            initializer=cloned(self.embeddings_initializer),
            name="position_embedding",
        )
        self.supports_masking = self.token_embedding.supports_masking

    def build(self, input_shape: Any) -> None:
        self.token_embedding.build(input_shape)
        self.position_embedding.build((*input_shape, self.embedding_dim))
        self.built = True

    def call(self, inputs: Any, start_index: Any = 0, positions: Any = None) -> Tensor:
        tokens = self.token_embedding(inputs)
        places = self.position_embedding(tokens, start_index=start_index, positions=positions)
        outputs: Tensor = ops.add(tokens, places)
        outputs._keras_mask = tokens._keras_mask
        return outputs

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        super().initial_cache(batch_size, max_length)
        check_positions(self, max_length)
        return 0

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        return with_positions(self, inputs, cache, args, kwargs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        # Set in `call`; a mask that the ids carry already (of sequences padded by fit) stays.
        return None if self.token_embedding.mask_zero else mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.embedding_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "sequence_length": self.sequence_length,
            "embedding_dim": self.embedding_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "tie_weights": self.token_embedding.tie_weights,
            "mask_zero": self.token_embedding.mask_zero,
        }
