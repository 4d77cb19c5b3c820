"""What encoder and decoder blocks share: arguments, sublayers, the feed-forward network."""

from __future__ import annotations

from typing import Any

from ... import activations, initializers, ops
from ...autograd import Tensor
from ..arguments import not_negative, positive_int, share_of
from ..attention.projected import cloned
from ..base import Layer
from ..core import Dense
from ..normalization import LayerNormalization
from ..regularization import Dropout

__all__ = ["TransformerBlock"]


class TransformerBlock(Layer):
    """Reads the arguments of a block, and makes and runs its parts."""

    _feedforward_intermediate_dense: Dense
    _feedforward_gate_dense: Dense | None = None
    _feedforward_output_dense: Dense
    _feedforward_layer_norm: LayerNormalization
    _feedforward_dropout: Dropout

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        dropout: float,
        activation: Any,
        layer_norm_epsilon: float,
        kernel_initializer: Any,
        bias_initializer: Any,
        normalize_first: bool,
        feedforward_gate: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.intermediate_dim = positive_int("intermediate_dim", intermediate_dim)
        self.num_heads = positive_int("num_heads", num_heads)
        self.dropout = share_of("dropout", dropout)
        self.activation = activations.get(activation)
        self.layer_norm_epsilon = not_negative("layer_norm_epsilon", layer_norm_epsilon)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.normalize_first = bool(normalize_first)
        self.feedforward_gate = bool(feedforward_gate)
        self.supports_masking = True

    def _head_size(self, shape: Any) -> int:
        """The size of each head for inputs of a shape (batch, time, features)."""
        if len(shape) != 3 or shape[-1] is None:
            raise ValueError(
                f"inputs of {self.name} must have shape (batch, time, features) with known "
                f"features, not {tuple(shape)}"
            )
        if shape[-1] < self.num_heads:
            raise ValueError(
                f"num_heads must be at most the features of the inputs, {shape[-1]}, "
                f"not {self.num_heads}"
            )
        return int(shape[-1] // self.num_heads)

    def _of_projections(self) -> dict[str, Any]:
        """The arguments that all layers with kernels have in common."""
        return {
            "kernel_initializer": cloned(self.kernel_initializer),
            "bias_initializer": cloned(self.bias_initializer),
            "dtype": self.dtype_policy,
        }

    def _normalization(self, name: str, shape: Any) -> LayerNormalization:
        layer = LayerNormalization(epsilon=self.layer_norm_epsilon, name=name)
        layer.build(shape)
        return layer

    def _build_feedforward(self, shape: Any) -> None:
        gated = self.feedforward_gate
        self._feedforward_intermediate_dense = Dense(
            self.intermediate_dim,
            activation=None if gated else self.activation,
            name="feedforward_intermediate_dense",
            **self._of_projections(),
        )
        self._feedforward_intermediate_dense.build(shape)
        if gated:
            self._feedforward_gate_dense = Dense(
                self.intermediate_dim,
                activation=self.activation,
                name="feedforward_gate_dense",
                **self._of_projections(),
            )
            self._feedforward_gate_dense.build(shape)
        self._feedforward_output_dense = Dense(
            shape[-1], name="feedforward_output_dense", **self._of_projections()
        )
        self._feedforward_output_dense.build((*shape[:-1], self.intermediate_dim))
        self._feedforward_dropout = Dropout(self.dropout, name="feedforward_dropout")

    def _feedforward(self, x: Tensor) -> Tensor:
        inner = self._feedforward_layer_norm(x) if self.normalize_first else x
        hidden = self._feedforward_intermediate_dense(inner)
        if self._feedforward_gate_dense is not None:
            hidden = ops.multiply(hidden, self._feedforward_gate_dense(inner))
        found = self._feedforward_output_dense(hidden)
        return self._joined(x, found, self._feedforward_dropout, self._feedforward_layer_norm)

    def _joined(
        self, x: Tensor, found: Tensor, dropout: Dropout, normalization: LayerNormalization
    ) -> Tensor:
        """What a part found, added to what it was given, and normalized if that comes last."""
        joined = ops.add(x, dropout(found))
        return joined if self.normalize_first else normalization(joined)

    def get_config(self) -> dict[str, Any]:
        # What KerasHub's blocks do not know is there only when it is set.
        return {
            **super().get_config(),
            **({"feedforward_gate": True} if self.feedforward_gate else {}),
            "intermediate_dim": self.intermediate_dim,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "activation": activations.serialize(self.activation),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "normalize_first": self.normalize_first,
        }
