"""Gated recurrent unit."""

from __future__ import annotations

from typing import Any

from .cell import RecurrentCell
from .layer import RecurrentLayer

__all__ = ["GRU", "GRUCell"]


class GRUCell(RecurrentCell):
    """One step of a GRU; see ``GRU`` for the equations and the arguments."""

    gates = 3
    states = 1
    gammas = 6

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
        seed: int | None = None,
        activation_clip: float | None = None,
        zoneout: float = 0.0,
        layer_normalization: bool = False,
        norm_epsilon: float = 1e-3,
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
            activation_clip=activation_clip,
            zoneout=zoneout,
            layer_normalization=layer_normalization,
            norm_epsilon=norm_epsilon,
            **kwargs,
        )
        self.reset_after = bool(reset_after)
        if self.layer_normalization and not self.reset_after:
            raise ValueError("reset_after must be True with layer_normalization, not False")

    @property
    def kernel_name(self) -> str:
        if self.layer_normalization:
            return "gru_layer_norm"
        return "gru" if self.reset_after else "gru_v1"

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def cell_config(self) -> dict[str, Any]:
        return {**super().cell_config(), "reset_after": self.reset_after}


class GRU(RecurrentLayer):
    """Gated recurrent unit (Cho et al. 2014), by default with the reset gate after the product.

    With input x and previous output h', σ the recurrent activation, φ the activation::

        z = σ(x·W_z + h'·U_z + b_z)     r likewise
        n = φ(x·W_n + b_n + r⊙(h'·U_n + a_n))     reset_after
        n = φ(x·W_n + b_n + (r⊙h')·U_n)           otherwise
        h = z⊙h' + (1-z)⊙n

    Args:
        units: size of h.
        activation, recurrent_activation: φ and σ: names or functions of ``gatework.activations``.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: of W, U and b. W has shape
            (features, 3 * units), U (units, 3 * units): blocks z, r, n; b (2, 3 * units) with
            ``reset_after``: first b, then a; else (3 * units,).
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
        reset_after: where the reset gate applies, see above.
        use_cudnn: accepted; there is no other device.
        zero_output_for_mask: output zeros at masked steps instead of repeating the output before.
        activation_clip: bound of the magnitude of the sums that σ and φ are applied to (ONNX's
            ``clip``).
        zoneout: probability with which a unit of h keeps its previous value at a step (Krueger et
            al. 2016), in training for each row, step and unit anew; in prediction h is what is to
            be expected, zoneout⊙h' + (1-zoneout)⊙h.
        layer_normalization: normalize the products as Ba, Kiros & Hinton do (2016, supplement), the
            sums of z and r together and those of n by themselves::

                z = σ(γ⊙norm(x·W_zr) + b + γ⊙norm(h'·U_zr) + a), the columns of z     r likewise
                n = φ(γ⊙norm(x·W_n) + b_n + r⊙(γ⊙norm(h'·U_n) + a_n))

            with norm(s) = (s - mean) / sqrt(variance + norm_epsilon) over a row. The gains γ, at
            first one, are the weight ``norm_gamma``, (6, units): z, r, n of x, then of h'. b and a
            are the paper's β. Only with ``reset_after``.
        norm_epsilon: added to the variances.
        num_layers: layers one above the other, each with weights of its own; the states of all are
            returned and given as one list, those of the lowest layer first. ``Bidirectional`` joins
            both directions after every layer.
        layer_dropout: share of the outputs of each layer but the last that is set to zero in
            training, drawn for every step.

    The last six are not in Keras, whose programs cannot open a file where they are set.

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
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        activation_clip: float | None = None,
        zoneout: float = 0.0,
        layer_normalization: bool = False,
        norm_epsilon: float = 1e-3,
        num_layers: int = 1,
        layer_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
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
            reset_after=reset_after,
            seed=seed,
            activation_clip=activation_clip,
            zoneout=zoneout,
            layer_normalization=layer_normalization,
            norm_epsilon=norm_epsilon,
            name="gru_cell",
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
