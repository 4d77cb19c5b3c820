"""A block of an encoder."""

from __future__ import annotations

from typing import Any

from ...autograd import as_tensor
from ..attention import MultiHeadAttention
from ..calling import given_to
from ..regularization import Dropout
from ..symbolic import KerasTensor
from .block import TransformerBlock
from .keras_hub import of_keras_hub
from .masks import merged_mask

__all__ = ["TransformerEncoder"]


@of_keras_hub
class TransformerEncoder(TransformerBlock):
    """Self-attention and a feed-forward network, each added to its inputs and normalized (Vaswani
    et al. 2017). Name, arguments and weights are those of KerasHub.

    Called with (batch, time, features); returns the same shape. Further arguments of the call:
    ``padding_mask`` (batch, time), true where a step is no padding, in place of the mask that the
    inputs carry; ``attention_mask`` (batch, time, time), true where the first step may attend to
    the second; ``return_attention_scores``: also returns (batch, heads, time, time).

    Args:
        intermediate_dim: size of the feed-forward network.
        num_heads: number of heads; each has features // num_heads units.
        dropout: the share dropped of scores, of what attention found, and of what the network
            found, in training.
        activation: of the network, name or function.
        layer_norm_epsilon: epsilon of the normalizations.
        kernel_initializer, bias_initializer: of all projections.
        normalize_first: the inputs of both parts are normalized, as in GPT-2, not their sums, as in
            BERT.
        feedforward_gate: the network's hidden units are multiplied by the activation of a product
            of their own (Shazeer 2020): SwiGLU, as in Llama, with ``activation="silu"``, GEGLU with
            "gelu". KerasHub's blocks have none.

    Raises:
        ValueError: if a size is no positive integer, a share is not in [0, 1], or a shape does not
            fit; the message names it.
    """

    _mixing = "its attention looks at later steps (TransformerDecoder looks back only)"

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        dropout: float = 0,
        activation: Any = "relu",
        layer_norm_epsilon: float = 1e-05,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        normalize_first: bool = False,
        feedforward_gate: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            intermediate_dim,
            num_heads,
            dropout,
            activation,
            layer_norm_epsilon,
            kernel_initializer,
            bias_initializer,
            normalize_first,
            feedforward_gate,
            **kwargs,
        )

    def build(self, inputs_shape: Any) -> None:
        self._self_attention_layer = MultiHeadAttention(
            self.num_heads,
            self._head_size(inputs_shape),
            dropout=self.dropout,
            name="self_attention_layer",
            **self._of_projections(),
        )
        self._self_attention_layer.build(inputs_shape, inputs_shape)
        self._self_attention_layer_norm = self._normalization(
            "self_attention_layer_norm", inputs_shape
        )
        self._self_attention_dropout = Dropout(self.dropout, name="self_attention_dropout")
        self._feedforward_layer_norm = self._normalization("feedforward_layer_norm", inputs_shape)
        self._build_feedforward(inputs_shape)
        self.built = True

    def call(
        self,
        inputs: Any,
        padding_mask: Any = None,
        attention_mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
    ) -> Any:
        x = as_tensor(inputs)
        inner = self._self_attention_layer_norm(x) if self.normalize_first else x
        found = self._self_attention_layer(
            inner,
            inner,
            attention_mask=merged_mask(x, padding_mask, attention_mask),
            return_attention_scores=return_attention_scores,
        )
        found, scores = found if return_attention_scores else (found, None)
        joined = self._joined(
            x, found, self._self_attention_dropout, self._self_attention_layer_norm
        )
        outputs = self._feedforward(joined)
        return (outputs, scores) if return_attention_scores else outputs

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return tuple(inputs_shape)

    def _symbolic_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = super()._symbolic_outputs(args, kwargs)
        if not given_to(type(self), args, kwargs).get("return_attention_scores"):
            return outputs
        batch, time, _ = args[0].shape
        return outputs, KerasTensor((batch, self.num_heads, time, time), "float32", self.name)
