"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import initializers
from ...autograd import Variable
from .cell import RecurrentCell, positive_integer, positive_or_none, rate, set_only
from .layer import RecurrentLayer

__all__ = ["LSTM", "LSTMCell"]


class LSTMCell(RecurrentCell):
    """One step of an LSTM; see ``LSTM`` for the equations and the arguments."""

    gates = 4
    states = 2
    gammas = 9
    betas = 1
    peephole_kernel: Variable | None = None
    projection_kernel: Variable | None = None

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
        peepholes: bool = False,
        peephole_initializer: Any = "zeros",
        cell_clip: float | None = None,
        projection: int | None = None,
        projection_initializer: Any = "glorot_uniform",
        activation_clip: float | None = None,
        zoneout: float = 0.0,
        cell_zoneout: float = 0.0,
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
        self.unit_forget_bias = bool(unit_forget_bias)
        self.peepholes = bool(peepholes)
        self.peephole_initializer = initializers.get(peephole_initializer)
        if self.peepholes and self.layer_normalization:
            raise ValueError("peepholes must be False with layer_normalization, not True")
        self.cell_clip = positive_or_none("cell_clip", cell_clip)
        if projection is not None and positive_integer("projection", projection) >= self.units:
            raise ValueError(f"projection must be smaller than units, {units}, not {projection}")
        self.projection = None if projection is None else int(projection)
        self.projection_initializer = initializers.get(projection_initializer)
        self.cell_zoneout = rate("cell_zoneout", cell_zoneout)

    @property
    def output_size(self) -> int:
        return self.units if self.projection is None else self.projection

    @property
    def state_size(self) -> list[int]:
        return [self.output_size, self.units]

    @property
    def zoneouts(self) -> tuple[float, ...]:
        return self.zoneout, self.cell_zoneout

    @property
    def kernel_name(self) -> str:
        if self.layer_normalization:
            return "lstm_layer_norm"
        return "lstm_peephole" if self.peepholes or self.cell_clip is not None else "lstm"

    def kernel_options(self) -> dict[str, Any]:
        options = {
            "peepholes": self.peephole_kernel,
            "cell_clip": self.cell_clip,
            "projection": self.projection_kernel,
        }
        options |= super().kernel_options()
        return {name: value for name, value in options.items() if value is not None}

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build(input_shape)
        if self.peepholes:
            self.peephole_kernel = self.add_weight(
                shape=(3, self.units),
                name="peephole_kernel",
                initializer=self.peephole_initializer,
            )
        if self.projection is not None:
            self.projection_kernel = self.add_weight(
                shape=(self.units, self.projection),
                name="projection_kernel",
                initializer=self.projection_initializer,
            )

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
        config = {
            **super().cell_config(),
            "unit_forget_bias": self.unit_forget_bias,
            **set_only(
                peepholes=self.peepholes,
                cell_clip=self.cell_clip,
                projection=self.projection,
                cell_zoneout=self.cell_zoneout,
            ),
        }
        if self.projection is not None:
            config["projection_initializer"] = initializers.serialize(self.projection_initializer)
        if self.peepholes:
            config["peephole_initializer"] = initializers.serialize(self.peephole_initializer)
        return config


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
        seed: seed of all that is drawn.
        return_sequences: return the outputs of all steps, (batch, time, units), not of the last.
        return_state: also return the final h and c, (batch, units) each.
        go_backwards: process the last step first.
        stateful: start from the final states of the previous batch.
        unroll: accepted; the compiled loop makes no difference.
        use_cudnn: accepted; there is no other device.
        zero_output_for_mask: output zeros at masked steps instead of repeating the output before.
        peepholes: let the gates see c (Gers et al. 2002): p_i⊙c' and p_f⊙c' are added to the sums
            of i and f, p_o⊙c to that of o. p is the weight ``peephole_kernel``, (3, units).
        peephole_initializer: of p.
        cell_clip: bound of the magnitude of c; the gradient is zero where it applies.
        activation_clip: bound of the magnitude of the sums of i, f, g and o that σ and φ are
            applied to (ONNX's ``clip``, as ONNX Runtime applies it).
        projection: size of h where it is smaller than that of c (Sak et al. 2014): h = (o⊙φ(c))·P
            with the weight ``projection_kernel`` P, (units, projection). Outputs and h have
            ``projection`` features, and so many rows has U.
        projection_initializer: of P.
        zoneout: probability with which a unit of h keeps its previous value at a step (Krueger et
            al. 2016), in training for each row, step and unit anew; in prediction h is what is to
            be expected, zoneout⊙h' + (1-zoneout)⊙h.
        cell_zoneout: likewise for c; h is made of the new c whether c takes that or not.
        layer_normalization: normalize both products and what h sees of c, as Ba, Kiros & Hinton do
            (2016, equations 20 to 22); c itself goes on as it is::

                sums of i, f, g, o = γ_x⊙norm(x·W) + γ_h⊙norm(h'·U) + b     all four together
                h = o⊙φ(γ_c⊙norm(c) + β)

            with norm(s) = (s - mean) / sqrt(variance + norm_epsilon) over a row. The gains γ, at
            first one, are the weight ``norm_gamma``, (9, units): i, f, g, o of x, then of h', then
            c; β, at first zero, is ``norm_beta``, (units,). The paper's other two biases are one
            with b. Not with ``peepholes``.
        norm_epsilon: added to the variances.
        num_layers: layers one above the other, each with weights of its own; the states of all are
            returned and given as one list, those of the lowest layer first. ``Bidirectional`` joins
            both directions after every layer.
        layer_dropout: share of the outputs of each layer but the last that is set to zero in
            training, drawn for every step.

    The last twelve are not in Keras, whose programs cannot open a file where they are set.

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
        peepholes: bool = False,
        peephole_initializer: Any = "zeros",
        cell_clip: float | None = None,
        projection: int | None = None,
        projection_initializer: Any = "glorot_uniform",
        activation_clip: float | None = None,
        zoneout: float = 0.0,
        cell_zoneout: float = 0.0,
        layer_normalization: bool = False,
        norm_epsilon: float = 1e-3,
        num_layers: int = 1,
        layer_dropout: float = 0.0,
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
            peepholes=peepholes,
            peephole_initializer=peephole_initializer,
            cell_clip=cell_clip,
            projection=projection,
            projection_initializer=projection_initializer,
            activation_clip=activation_clip,
            zoneout=zoneout,
            cell_zoneout=cell_zoneout,
            layer_normalization=layer_normalization,
            norm_epsilon=norm_epsilon,
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
            num_layers=num_layers,
            layer_dropout=layer_dropout,
            **kwargs,
        )
