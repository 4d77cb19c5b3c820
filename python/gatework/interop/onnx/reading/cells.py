"""The cells of ONNX's LSTM, GRU and RNN in full, step by step, for what no layer has.

Coupled gates and any pair of functions are rare: nodes without them become the layers of the
package, which run in the compiled loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .... import ops
from ....layers import Layer
from ....saving import register_keras_serializable

__all__ = ["DEFAULTS", "GraphCell"]

# Functions of x, alpha and beta, by their names in small letters.
FUNCTIONS: Mapping[str, Callable[[Any, float, float], Any]] = {
    "affine": lambda x, alpha, beta: ops.add(ops.multiply(x, alpha), beta),
    "elu": lambda x, alpha, beta: ops.elu(x, alpha),
    "hardsigmoid": lambda x, alpha, beta: ops.clip(ops.add(ops.multiply(x, alpha), beta), 0.0, 1.0),
    "leakyrelu": lambda x, alpha, beta: ops.leaky_relu(x, alpha),
    "relu": lambda x, alpha, beta: ops.relu(x),
    "scaledtanh": lambda x, alpha, beta: ops.multiply(ops.tanh(ops.multiply(x, beta)), alpha),
    "sigmoid": lambda x, alpha, beta: ops.sigmoid(x),
    "softplus": lambda x, alpha, beta: ops.softplus(x),
    "softsign": lambda x, alpha, beta: ops.softsign(x),
    "tanh": lambda x, alpha, beta: ops.tanh(x),
    "thresholdedrelu": lambda x, alpha, beta: ops.where(ops.greater_equal(x, alpha), x, 0.0),
}
# What alpha and beta are where a node does not say; functions without them have none.
DEFAULTS: Mapping[str, tuple[float, ...]] = {
    "affine": (1.0, 0.0),
    "elu": (1.0,),
    "hardsigmoid": (0.2, 0.5),
    "leakyrelu": (0.01,),
    "scaledtanh": (1.0, 1.0),
    "thresholdedrelu": (1.0,),
}


@register_keras_serializable(package="gatework.onnx")
class GraphCell(Layer):
    """One step of a recurrent node of ONNX.

    Weights are the node's own, transposed: kernel (features, gates * units), recurrent kernel
    (units, gates * units), bias (2 * gates * units,), peepholes (3 * units,); gates i, o, f, c of
    an LSTM and z, r, h of a GRU.

    Args:
        kind: "LSTM", "GRU" or "RNN".
        units: size of the states.
        functions: name, alpha and beta of each function the node has.
        clip: bound of what goes into the functions; 0 for none.
        peepholes: whether the gates of an LSTM see its memory.
        input_forget: an LSTM forgets what its input gate leaves.
        linear_before_reset: a GRU's reset gate comes after the product.
    """

    def __init__(
        self,
        kind: str,
        units: int,
        functions: Sequence[Sequence[Any]],
        clip: float = 0.0,
        peepholes: bool = False,
        input_forget: bool = False,
        linear_before_reset: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if kind not in ("LSTM", "GRU", "RNN"):
            raise ValueError(f"kind must be 'LSTM', 'GRU' or 'RNN', not {kind!r}")
        for name, _, _ in functions:
            if name not in FUNCTIONS:
                raise ValueError(f"functions must be of {', '.join(FUNCTIONS)}, not {name!r}")
        self.kind, self.units, self.clip = kind, units, float(clip)
        self.functions = [[name, float(alpha), float(beta)] for name, alpha, beta in functions]
        self.peepholes, self.input_forget = bool(peepholes), bool(input_forget)
        self.linear_before_reset = bool(linear_before_reset)
        self.state_size = [units, units] if kind == "LSTM" else units
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        size = {"LSTM": 4, "GRU": 3, "RNN": 1}[self.kind] * self.units
        self.kernel = self.add_weight((input_shape[-1], size), name="kernel")
        self.recurrent_kernel = self.add_weight((self.units, size), name="recurrent_kernel")
        self.bias = self.add_weight((2 * size,), "zeros", name="bias")
        if self.peepholes:
            self.peephole = self.add_weight((3 * self.units,), "zeros", name="peepholes")

    def _activate(self, place: int, x: Any) -> Any:
        name, alpha, beta = self.functions[place]
        if self.clip:
            x = ops.clip(x, -self.clip, self.clip)
        return FUNCTIONS[name](x, alpha, beta)

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        """One step: inputs (batch, features), states of (batch, units) -> output, new states."""
        given = list(states) if isinstance(states, (list, tuple)) else [states]
        from_inputs, from_state = ops.split(self.bias, 2)
        x = ops.add(ops.matmul(inputs, self.kernel), from_inputs)
        steps: dict[str, Callable[..., list[Any]]] = {
            "LSTM": self._lstm,
            "GRU": self._gru,
            "RNN": self._rnn,
        }
        new = steps[self.kind](x, from_state, *given)
        return new[0], new

    def _lstm(self, x: Any, bias: Any, h: Any, c: Any) -> list[Any]:
        gates = ops.add(x, ops.add(ops.matmul(h, self.recurrent_kernel), bias))
        i, o, f, g = ops.split(gates, 4, axis=-1)
        if self.peepholes:
            p_i, p_o, p_f = ops.split(self.peephole, 3)
            i, f = ops.add(i, ops.multiply(p_i, c)), ops.add(f, ops.multiply(p_f, c))
        i, g = self._activate(0, i), self._activate(1, g)
        f = ops.subtract(1.0, i) if self.input_forget else self._activate(0, f)
        c = ops.add(ops.multiply(f, c), ops.multiply(i, g))
        if self.peepholes:
            o = ops.add(o, ops.multiply(p_o, c))
        name, alpha, beta = self.functions[2]
        # As ONNX Runtime does: what the gates let through is not clipped again.
        h = ops.multiply(self._activate(0, o), FUNCTIONS[name](c, alpha, beta))
        return [h, c]

    def _gru(self, x: Any, bias: Any, h: Any) -> list[Any]:
        x_z, x_r, x_n = ops.split(x, 3, axis=-1)
        r_z, r_r, r_n = ops.split(self.recurrent_kernel, 3, axis=-1)
        b_z, b_r, b_n = ops.split(bias, 3)
        z = self._activate(0, ops.add(x_z, ops.add(ops.matmul(h, r_z), b_z)))
        r = self._activate(0, ops.add(x_r, ops.add(ops.matmul(h, r_r), b_r)))
        if self.linear_before_reset:
            inner = ops.multiply(r, ops.add(ops.matmul(h, r_n), b_n))
        else:
            inner = ops.add(ops.matmul(ops.multiply(r, h), r_n), b_n)
        n = self._activate(1, ops.add(x_n, inner))
        return [ops.add(ops.multiply(z, h), ops.multiply(ops.subtract(1.0, z), n))]

    def _rnn(self, x: Any, bias: Any, h: Any) -> list[Any]:
        inner = ops.add(ops.matmul(h, self.recurrent_kernel), bias)
        return [self._activate(0, ops.add(x, inner))]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kind": self.kind,
            "units": self.units,
            "functions": self.functions,
            "clip": self.clip,
            "peepholes": self.peepholes,
            "input_forget": self.input_forget,
            "linear_before_reset": self.linear_before_reset,
        }
