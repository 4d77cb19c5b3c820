"""A vector for every id."""

from __future__ import annotations

from typing import Any

from ... import constraints, initializers, ops, regularizers
from ...autograd import Tensor, Variable, as_array, as_tensor
from ..arguments import positive_int, refuse_adapters
from ..base import Layer

__all__ = ["Embedding"]


class Embedding(Layer):
    """A vector for every id: (...) whole numbers -> (..., output_dim).

    Args:
        input_dim: number of ids; they must lie in [0, input_dim).
        output_dim: size of the vectors.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: id 0 is padding: later layers skip those steps.
        weights: the initial table.
        input_length: accepted, as older programs give it; any length is good.
        lora_rank, lora_alpha, quantization_config: only None; Keras' files hold them.

    Raises:
        ValueError: when called with an id out of range; the message gives it and its position.
    """

    acts_per_step = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        input_length = kwargs.pop("input_length", None)
        if input_length is not None:
            positive_int("input_length", input_length)
            # The weights can be made before there is data; the length itself binds nobody.
            kwargs.setdefault("input_shape", (None,))
        refuse_adapters(lora_rank, lora_alpha, quantization_config)
        super().__init__(**kwargs)
        self.input_dim = positive_int("input_dim", input_dim)
        self.output_dim = positive_int("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = bool(mask_zero)
        self.supports_masking = self.mask_zero
        self.embeddings: Variable | None = None
        if weights is not None:
            self._initial_weights = weights if isinstance(weights, (list, tuple)) else [weights]

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            name="embeddings",
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.embedding(self.embeddings, inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        # A mask that the ids carry already (of sequences padded by fit) stays.
        return as_tensor(as_array(inputs) != 0) if self.mask_zero else mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
        }
