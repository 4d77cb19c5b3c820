"""A vector that is learned for every position."""

from __future__ import annotations

from typing import Any

from ... import initializers, ops
from ...autograd import Tensor, Variable, as_array, as_tensor
from ..arguments import positive_int
from ..base import Layer
from .keras_hub import of_keras_hub
from .positions import check_positions, with_positions

__all__ = ["PositionEmbedding"]


@of_keras_hub
class PositionEmbedding(Layer):
    """The vectors of the positions of its inputs, to be added to them (Devlin et al. 2019). Name,
    arguments and weights are those of KerasHub.

    Called with (..., time, features), of which only the shape is used; returns the same shape.
    Further arguments of the call: ``start_index``, the position of the first step, a number or one
    for each row of the batch; ``positions`` (time,) or (batch, time), in place of counting from
    there.

    Args:
        sequence_length: number of positions.
        initializer: of the table (sequence_length, features).

    Raises:
        ValueError: if ``sequence_length`` is no positive integer, or a position is not below it.
    """

    def __init__(
        self, sequence_length: int, initializer: Any = "glorot_uniform", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.sequence_length = positive_int("sequence_length", sequence_length)
        self.initializer = initializers.get(initializer)
        self.position_embeddings: Variable | None = None

    def build(self, inputs_shape: Any) -> None:
        if inputs_shape[-1] is None:
            raise ValueError(f"the last axis of the inputs of {self.name} must be known, not None")
        self.position_embeddings = self.add_weight(
            shape=(self.sequence_length, inputs_shape[-1]),
            name="embeddings",
            initializer=self.initializer,
        )
        self.built = True

    def call(self, inputs: Any, start_index: Any = 0, positions: Any = None) -> Tensor:
        x = as_tensor(inputs)
        table: Any = self.position_embeddings
        time = x.shape[-2]
        start = as_array(start_index)
        if positions is not None:
            vectors = ops.embedding(table, positions)
        elif start.ndim == 0:
            first = int(start)
            if not 0 <= first <= self.sequence_length - time:
                raise ValueError(
                    f"inputs of {self.name} must end within {self.sequence_length} positions, "
                    f"not begin at {first} and have {time} steps"
                )
            vectors = table[first : first + time]
        else:
            steps = start.reshape(-1, 1) + ops.arange(time).numpy()
            vectors = ops.embedding(table, steps)
        return ops.broadcast_to(vectors, x.shape)

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        super().initial_cache(batch_size, max_length)
        check_positions(self, max_length)
        return 0

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        return with_positions(self, inputs, cache, args, kwargs)

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return tuple(inputs_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "sequence_length": self.sequence_length,
            "initializer": initializers.serialize(self.initializer),
        }
