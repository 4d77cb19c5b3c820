"""Long short-term memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import initializers
from .cell import RecurrentCell
from .layer import RecurrentLayer

__all__ = ["LSTM", "LSTMCell"]


class LSTMCell(RecurrentCell):
    """One step of an LSTM; see ``LSTM`` for the equations and the arguments."""

    gates = 4
    states = 2
    kernel_name = "lstm"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )
        self.unit_forget_bias = bool(unit_forget_bias)

    def initial_bias(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer

        def with_forget_gate_open(shape: tuple[int, ...], dtype: Any = None) -> np.ndarray:
            blocks = [(self.bias_initializer, 1), (initializers.get("ones"), 1)]
            blocks.append((self.bias_initializer, 2))
            return np.concatenate(
                [np.asarray(init((n * self.units,), dtype=dtype)) for init, n in blocks]
            )

        return with_forget_gate_open

    def cell_config(self) -> dict[str, Any]:
        return {**super().cell_config(), "unit_forget_bias": self.unit_forget_bias}


class LSTM(RecurrentLayer):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).

    With input x, previous output h' and cell c', σ the recurrent activation, φ the activation::

        i = σ(x·W_i + h'·U_i + b_i)     f, o likewise     g = φ(x·W_g + h'·U_g + b_g)
        c = f⊙c' + i⊙g                                    h = o⊙φ(c)

    Args:
        units: size of h and c.
        activation, recurrent_activation: φ and σ: names or functions of ``gatework.activations``.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: of W, U and b. W has shape
            (features, 4 * units), U (units, 4 * units), b (4 * units,): blocks i, f, g, o.
        unit_forget_bias: start b_f at one.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of W, U and b.
        activity_regularizer: of the outputs.
        kernel_constraint, recurrent_constraint, bias_constraint: of W, U and b.
        dropout: share of the features of x set to zero in training, the same ones at every step of
            a sequence.
        recurrent_dropout: likewise for h' where it is multiplied by U.
        seed: seed of both.
        return_sequences: return the outputs of all steps, (batch, time, units), not of the last.
        return_state: also return the final h and c, (batch, units) each.
        go_backwards: process the last step first.
        stateful: start from the final states of the previous batch.
        unroll: accepted; the compiled loop makes no difference.
        use_cudnn: accepted; there is no other device.
        zero_output_for_mask: output zeros at masked steps instead of repeating the output before.

    Call arguments: sequences (batch, time, features), initial_state, mask (batch, time), training.

    Raises:
        ValueError: for sizes, rates or activations the kernels cannot run; the message names them.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            name="lstm_cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
