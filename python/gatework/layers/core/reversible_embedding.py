"""A table read both ways: ids to vectors, and vectors to a score for every id."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...autograd import Tensor, Variable, as_array, as_tensor
from .embedding import Embedding

__all__ = ["ReversibleEmbedding"]


class ReversibleEmbedding(Embedding):
    """``Embedding`` that also projects back (Press & Wolf 2017): ``layer(x, reverse=True)``.

    Forward: (...) whole numbers -> (..., output_dim). Reverse: (..., output_dim) -> logits
    (..., input_dim), x times the transposed table.

    Args:
        input_dim: number of ids; they must lie in [0, input_dim).
        output_dim: size of the vectors.
        tie_weights: the way back uses the same table; without it, a table of its own.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: id 0 is padding: later layers skip those steps.
        reverse_dtype: only None or "float32".
        logit_soft_cap: logits are brought smoothly within ±this by its tanh.

    Raises:
        ValueError: for another ``reverse_dtype``, or a cap that is not positive.
    """

    acts_per_step = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        if reverse_dtype is not None and np.dtype(reverse_dtype) != np.float32:
            raise ValueError(f"reverse_dtype must be None or 'float32', not {reverse_dtype!r}")
        if logit_soft_cap is not None and not logit_soft_cap > 0:
            raise ValueError(f"logit_soft_cap must be None or positive, not {logit_soft_cap!r}")
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self.tie_weights = bool(tie_weights)
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap
        self.reverse_embeddings: Variable | None = None

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                shape=(self.output_dim, self.input_dim),
                name="reverse_embeddings",
                initializer=self.embeddings_initializer,
            )

    def call(self, inputs: Any, reverse: bool = False) -> Tensor:
        if not reverse:
            vectors = super().call(inputs)
            if self.mask_zero:
                vectors._keras_mask = as_tensor(as_array(inputs) != 0)
            return vectors
        back = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        logits = ops.matmul(inputs, back)
        if self.logit_soft_cap is not None:
            cap = self.logit_soft_cap
            logits = ops.multiply(ops.tanh(ops.divide(logits, cap)), cap)
        return logits

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        # The mask of ids is set in `call`, which alone knows in which direction it went.
        return None

    def _call_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = super()._call_symbolic(args, kwargs)
        if kwargs.get("reverse", args[1] if len(args) > 1 else False):
            outputs.shape = self.compute_output_shape(args[0].shape, reverse=True)
        return outputs

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> Any:
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "tie_weights": self.tie_weights,
            "reverse_dtype": self.reverse_dtype,
            "logit_soft_cap": self.logit_soft_cap,
        }
