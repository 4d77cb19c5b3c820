"""What LSTMCell, GRUCell and SimpleRNNCell share: weights, dropout and one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ... import activations, constraints, initializers, ops, random, regularizers
from ...autograd import Tensor, Variable, as_tensor
from ...ops.dense import FUSED_ACTIVATIONS
from ...ops.packed_weights import PackedWeightsCache
from ...ops.stream import Stream
from ..arguments import positive_number
from ..base import Layer

__all__ = ["RecurrentCell", "positive_integer", "positive_or_none", "rate", "set_only"]


class RecurrentCell(Layer):
    """A cell whose kernels are compiled.

    A subclass names its kernel in ``kernel_name``, its column blocks in ``gates`` and its states in
    ``states``; the layer of the same name repeats the constructor's arguments.
    """

    gates: ClassVar[int]
    states: ClassVar[int]
    gammas: ClassVar[int] = 0  # rows of gains, of a cell that can be normalized
    betas: ClassVar[int] = 0
    norm_gamma: Variable | None = None
    norm_beta: Variable | None = None

    def __init__(
        self,
        units: int,
        *,
        activation: Any,
        recurrent_activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        activation_clip: float | None = None,
        zoneout: float = 0.0,
        layer_normalization: bool = False,
        norm_epsilon: float = 1e-3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive_integer("units", units)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self._activation_name = _compiled_name("activation", self.activation)
        self._recurrent_activation_name = _compiled_name(
            "recurrent_activation", self.recurrent_activation
        )
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = rate("dropout", dropout)
        self.recurrent_dropout = rate("recurrent_dropout", recurrent_dropout)
        self.activation_clip = positive_or_none("activation_clip", activation_clip)
        self.zoneout = rate("zoneout", zoneout)
        self.layer_normalization = bool(layer_normalization)
        self.norm_epsilon = positive_number("norm_epsilon", norm_epsilon)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.kernel: Variable | None = None
        self.recurrent_kernel: Variable | None = None
        self.bias: Variable | None = None
        self.packed = PackedWeightsCache()
        self._dropout_mask: Any = None
        self._recurrent_dropout_mask: Any = None

    @property
    def kernel_name(self) -> str:
        """Name of the compiled cell."""
        raise NotImplementedError

    @property
    def state_size(self) -> int | list[int]:
        return self.units if self.states == 1 else [self.units] * self.states

    @property
    def output_size(self) -> int:
        return self.units

    @property
    def zoneouts(self) -> tuple[float, ...]:
        """The share of zoneout for each state."""
        return (self.zoneout,)

    def kernel_options(self) -> dict[str, Any]:
        """Arguments of ``ops.recurrent`` that belong to this cell alone."""
        if not self.layer_normalization:
            return {}
        return {"gamma": self.norm_gamma, "beta": self.norm_beta, "epsilon": self.norm_epsilon}

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def initial_bias(self) -> Any:
        """The initializer of the bias."""
        return self.bias_initializer

    def build(self, input_shape: Sequence[int | None]) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(
                f"the last axis of the inputs of {type(self).__name__} must be known, "
                f"not None: shape {tuple(input_shape)}; "
                "only the number of steps may be None, as in Input((None, features))"
            )
        self.kernel = self.add_weight(
            shape=(features, self.gates * self.units),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.output_size, self.gates * self.units),
            name="recurrent_kernel",
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=self.bias_shape(),
                name="bias",
                initializer=self.initial_bias(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        if self.layer_normalization:
            self.norm_gamma = self.add_weight(
                shape=(self.gammas, self.units), name="norm_gamma", initializer="ones"
            )
            if self.betas:
                self.norm_beta = self.add_weight(
                    shape=(self.units,), name="norm_beta", initializer="zeros"
                )
        self.built = True

    def get_initial_state(self, batch_size: int) -> list[Tensor]:
        """Zero states of shape (batch_size, size), one for each size of ``state_size``."""
        sizes = self.state_size
        return [ops.zeros((batch_size, n)) for n in ([sizes] if isinstance(sizes, int) else sizes)]

    def run(
        self,
        sequences: Tensor,
        *,
        initial_state: Sequence[Any] | None,
        training: bool,
        mask: Any = None,
        **options: bool,
    ) -> tuple[Tensor, list[Tensor]]:
        """All steps of (batch, time, features) sequences; dropout masks are drawn once for them."""
        batch, features = sequences.shape[0], sequences.shape[-1]
        factors: list[Any] = [None, None]
        if training:
            factors[0] = self._factors(self.dropout, (batch, features))
            factors[1] = self._factors(self.recurrent_dropout, (batch, self.output_size))
        return self._run(
            sequences, factors, training, initial_state=initial_state, mask=mask, **options
        )

    def _run(
        self, sequences: Tensor, factors: Sequence[Any], training: bool, **options: Any
    ) -> tuple[Tensor, list[Tensor]]:
        if any(self.zoneouts):
            options["zoneout"] = self.zoneouts
            options["zoneout_seed"] = self.seed_generator.next() if training else None
        return ops.recurrent(
            self.kernel_name,
            sequences,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            dropout_mask=factors[0],
            recurrent_dropout_mask=factors[1],
            activation=self._activation_name,
            recurrent_activation=self._recurrent_activation_name,
            activation_clip=self.activation_clip,
            packed=self.packed,
            **self.kernel_options(),
            **options,
        )

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Tensor, Any]:
        """One step: inputs (batch, features), states of (batch, units) -> output, new states.

        In training the dropout masks of the first step serve the next ones too, until
        ``reset_dropout_mask`` and ``reset_recurrent_dropout_mask``; zoneout is drawn every time.
        """
        inputs = as_tensor(inputs, "float32")
        given = list(states) if isinstance(states, list | tuple) else [states]
        factors: list[Any] = [None, None]
        if training:
            factors = [self.get_dropout_mask(inputs), self.get_recurrent_dropout_mask(given[0])]
        output, new = self._run(ops.expand_dims(inputs, 1), factors, training, initial_state=given)
        return output, new if isinstance(states, list | tuple) else new[0]

    def get_dropout_mask(self, step_input: Any) -> Any:
        """The factors of inputs (batch, features), drawn once until they are reset; None for 1."""
        if self._dropout_mask is None or self._dropout_mask.shape != step_input.shape:
            self._dropout_mask = self._factors(self.dropout, step_input.shape)
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """The factors of h (batch, units), drawn once until they are reset; None for 1."""
        mask = self._recurrent_dropout_mask
        if mask is None or mask.shape != step_input.shape:
            mask = self._factors(self.recurrent_dropout, step_input.shape)
            self._recurrent_dropout_mask = mask
        return mask

    def reset_dropout_mask(self) -> None:
        """Lets the next step in training draw a new mask of the inputs."""
        self._dropout_mask = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Lets the next step in training draw a new mask of h."""
        self._recurrent_dropout_mask = None

    def stream(self, batch_size: int = 1, *, bf16: bool | None = None) -> Stream:
        """The cell one step at a time, with its present weights; ValueError if it is not built.

        ``bf16`` makes its products those of bfloat16; by default the policy of the cell decides.
        """
        if self.kernel is None or self.recurrent_kernel is None:
            raise ValueError(f"{self.name} has no weights yet: build it before it is streamed")
        options = self.kernel_options()
        weights = self.packed.get(
            self.kernel_name,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            options.get("peepholes"),
            options.get("projection"),
            self.norm_gamma,
            self.norm_beta,
            bf16=self._bf16 if bf16 is None else bf16,
        )
        return Stream(
            weights,
            batch_size,
            self._activation_name,
            self._recurrent_activation_name,
            activation_clip=self.activation_clip,
            cell_clip=options.get("cell_clip"),
            zoneout=self.zoneouts,
            epsilon=self.norm_epsilon,
        )

    def _factors(self, share: float, shape: tuple[int, ...]) -> Any:
        if share == 0.0:
            return None
        return ops.dropout_mask(shape, share, self.seed_generator.next())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.cell_config()}

    def cell_config(self) -> dict[str, Any]:
        """The part of the configuration that the layer of the same name repeats.

        What Keras' layers do not know is there only when it is set.
        """
        norm = {"layer_normalization": True, "norm_epsilon": self.norm_epsilon}
        return {
            **set_only(activation_clip=self.activation_clip, zoneout=self.zoneout),
            **(norm if self.layer_normalization else {}),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


def rate(name: str, value: float) -> float:
    """The share of what is dropped, or ValueError naming the argument."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value < 1.0:
        raise ValueError(f"{name} must be in [0, 1), not {value!r}")
    return float(value)


def positive_integer(name: str, value: Any) -> int:
    """The integer, or ValueError naming the argument."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return int(value.__index__())


def positive_or_none(name: str, value: float | None) -> float | None:
    """The number, or ValueError naming the argument."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a positive number or None, not {value!r}")
    return float(value)


def set_only(**arguments: Any) -> dict[str, Any]:
    """The arguments that are neither None nor False."""
    return {name: value for name, value in arguments.items() if value not in (None, False)}


def _compiled_name(argument: str, function: Any) -> str:
    """The name under which the kernels know an activation."""
    name = getattr(function, "__name__", None)
    # A function of the user may bear the name of a compiled one.
    if name not in FUSED_ACTIVATIONS or activations.FUNCTIONS.get(name) is not function:
        raise ValueError(
            f"{argument} must be an elementwise activation that the recurrent kernels have "
            f"({', '.join(FUSED_ACTIVATIONS)}), not {name or function!r}"
        )
    return str(name)
