"""The simple recurrent network."""

from __future__ import annotations

from typing import Any

from .cell import RecurrentCell
from .layer import RecurrentLayer

__all__ = ["SimpleRNN", "SimpleRNNCell"]


class SimpleRNNCell(RecurrentCell):
    """One step of a SimpleRNN; see ``SimpleRNN`` for the equations and the arguments."""

    gates = 1
    states = 1
    kernel_name = "simple_rnn"

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        activation_clip: float | None = None,
        zoneout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation=activation,
            recurrent_activation="linear",
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
            activation_clip=activation_clip,
            zoneout=zoneout,
            **kwargs,
        )

    def cell_config(self) -> dict[str, Any]:
        config = super().cell_config()
        del config["recurrent_activation"]
        return config


class SimpleRNN(RecurrentLayer):
    """Elman's recurrent network (1990): h = φ(x·W + h'·U + b).

    Args:
        units: size of h.
        activation: φ: name or function of ``gatework.activations``.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: of W (features, units),
            U (units, units) and b (units,).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of W, U and b.
        activity_regularizer: of the outputs.
        kernel_constraint, recurrent_constraint, bias_constraint: of W, U and b.
        dropout: share of the features of x set to zero in training, the same ones at every step of
            a sequence.
        recurrent_dropout: likewise for h' where it is multiplied by U.
        seed: seed of all that is drawn.
        return_sequences: return the outputs of all steps, (batch, time, units), not of the last.
        return_state: also return the final h, (batch, units).
        go_backwards: process the last step first.
        stateful: start from the final states of the previous batch.
        unroll: accepted; the compiled loop makes no difference.
        zero_output_for_mask: output zeros at masked steps instead of repeating the output before.
        activation_clip: bound of the magnitude of the sum that φ is applied to (ONNX's ``clip``).
        zoneout: probability with which a unit of h keeps its previous value at a step (Krueger et
            al. 2016), in training for each row, step and unit anew; in prediction h is what is to
            be expected, zoneout⊙h' + (1-zoneout)⊙h.
        num_layers: layers one above the other, each with weights of its own; the states of all are
            returned and given as one list, those of the lowest layer first. ``Bidirectional`` joins
            both directions after every layer.
        layer_dropout: share of the outputs of each layer but the last that is set to zero in
            training, drawn for every step.

    The last four are not in Keras, whose programs cannot open a file where they are set.

    Call arguments: sequences (batch, time, features), initial_state, mask (batch, time), training.

    Raises:
        ValueError: for sizes, rates or activations the kernels cannot run; the message names them.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        activation_clip: float | None = None,
        zoneout: float = 0.0,
        num_layers: int = 1,
        layer_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units,
            activation=activation,
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
            activation_clip=activation_clip,
            zoneout=zoneout,
            name="simple_rnn_cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            num_layers=num_layers,
            layer_dropout=layer_dropout,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if config["seed"] is None:
            del config["seed"]  # Keras' files do not have it
        return config
