"""One step of each recurrent cell as C statements; the equations are those of `reference/`."""

from __future__ import annotations

from typing import Any

from ..linking import Step
from .source import Source, literal

__all__ = ["recurrent"]


def recurrent(s: Source, step: Step) -> None:
    """The step of a cell: sums of the gates, then unit by unit."""
    args, arrays = step.args, step.arrays
    if args["given_states"]:
        s.refuse(step, "starts from states that the model computes")
    if arrays.get("gamma") is not None:
        s.refuse(step, "has a cell with layer_normalization")
    kernel, u = arrays["kernel"], arrays["recurrent_kernel"]
    assert kernel is not None
    assert u is not None
    gates = {"simple_rnn": 1, "gru": 3, "gru_v1": 3}.get(args["cell"], 4)
    columns, outputs = u.shape[1], u.shape[0]
    units = columns // gates
    x, inputs = s.given(step, kernel.shape[0])
    cell = _Cell(s, step, units, outputs)
    real = s.value(step.inputs[1]) if args["masked"] else None
    if real is not None:
        s.add(f"if (*{real} != 0.0f) {{")
    bias = arrays["bias"]
    both = args["cell"] == "gru"
    first = None if bias is None else bias[0] if both else bias
    s.add(
        f"gw_start({s.weight(first)}, {columns}, {cell.a});",
        s.product(
            x, inputs, s.weight(kernel), s.scale(step, "kernel_scale"), columns, columns, cell.a
        ),
    )
    {
        "simple_rnn": cell.simple_rnn,
        "gru": cell.gru,
        "gru_v1": cell.gru_v1,
        "lstm": cell.lstm,
        "lstm_peephole": cell.lstm,
    }[args["cell"]]()
    if real is not None:
        s.add("}")
    output = s.result(step, outputs)
    s.add(f"memcpy({output}, {cell.h}, sizeof {output});")
    if args["zero_output_for_mask"] and real is not None:
        s.add(f"if (*{real} == 0.0f) memset({output}, 0, sizeof {output});")
    for i, (state, size) in enumerate(cell.states):
        copy = s.result(step, size, 1 + i)
        s.add(f"memcpy({copy}, {state}, sizeof {copy});")


class _Cell:
    """Names that the cells share: ``a`` the sums of the gates, ``h`` what was put out before."""

    def __init__(self, s: Source, step: Step, units: int, outputs: int) -> None:
        self.s, self.step, self.units, self.outputs = s, step, units, outputs
        args = step.args
        self.columns = self._array("recurrent_kernel").shape[1]
        self.u = s.weight(self._array("recurrent_kernel"))
        self.u_scale = s.scale(step, "recurrent_scale")
        self.a = s.memory(2 * self.columns + 2 * units)
        self.b = f"({self.a} + {self.columns})"  # as many floats more
        self.new = f"({self.a} + {2 * self.columns})"  # what the cell makes of h
        self.h = s.state(f"{step.name}_h", outputs)
        self.states = [(self.h, outputs)]
        if args["cell"].startswith("lstm"):
            self.c = s.state(f"{step.name}_c", units)
            self.states.append((self.c, units))
        self.phi = s.activation(args["activation"])
        self.sigma = s.activation(args["recurrent_activation"])
        self.zoneout = [float(share) for share in args["zoneout"] or (0.0, 0.0)]

    def _array(self, name: str) -> Any:
        array = self.step.arrays[name]
        assert array is not None
        return array

    def bounded(self, text: str) -> str:
        """The sum of a gate, bounded where the cell bounds it."""
        clip = self.step.args["activation_clip"]
        return text if clip is None else f"gw_clip({text}, {literal(clip)})"

    def gate(self, function: str, text: str) -> str:
        return f"{function}({self.bounded(text)})"

    def kept(self, state: int, old: str, new: str) -> str:
        """The state with what is to be expected of zoneout."""
        share = self.zoneout[state]
        if share == 0.0:
            return new
        keep = literal(share)
        return f"{keep} * {old} + (1.0f - {keep}) * {new}"

    def add_recurrent(self, to: str, bias: str | None = None) -> None:
        if bias is not None:
            self.s.add(f"gw_start({bias}, {self.columns}, {to});")
        self.s.add(self.recurrent(self.h, self.outputs, self.columns, to))

    def recurrent(self, x: str, n: int, m: int, to: str, first: int = 0) -> str:
        """Adds x[0..n) times m columns of the recurrent kernel, from ``first`` on."""
        return self.s.product(x, n, self.u, self.u_scale, self.columns, m, to, first)

    def loop(self, *lines: str) -> None:
        self.s.add(f"for (int u = 0; u < {self.units}; ++u) {{", *lines, "}")

    def take(self) -> None:
        """Puts the new h, if need be its projection, in the place of the old one."""
        projection = self.step.arrays["projection"]
        new = self.new
        if projection is not None:
            name, size = self.s.weight(projection), self.outputs
            self.s.add(
                f"gw_start(NULL, {size}, {self.b});",
                f"gw_product({new}, {self.units}, {name}, {size}, {size}, {self.b});",
            )
            new = self.b
        h = f"{self.h}[u]"
        self.s.add(
            f"for (int u = 0; u < {self.outputs}; ++u) {h} = {self.kept(0, h, f'{new}[u]')};"
        )

    def simple_rnn(self) -> None:
        self.add_recurrent(self.a)
        self.loop(f"{self.new}[u] = {self.gate(self.phi, f'{self.a}[u]')};")
        self.take()

    def gru(self) -> None:
        bias = self.step.arrays["bias"]
        self.add_recurrent(self.b, self.s.weight(None if bias is None else bias[1]))
        n, a, b = self.units, self.a, self.b
        self.loop(
            f"const float z = {self.gate(self.sigma, f'{a}[u] + {b}[u]')};",
            f"const float r = {self.gate(self.sigma, f'{a}[u + {n}] + {b}[u + {n}]')};",
            f"const float n = {self.gate(self.phi, f'{a}[u + {2 * n}] + r * {b}[u + {2 * n}]')};",
            f"{self.new}[u] = z * {self.h}[u] + (1.0f - z) * n;",
        )
        self.take()

    def gru_v1(self) -> None:
        n, a, s = self.units, self.a, self.s
        s.add(self.recurrent(self.h, n, 2 * n, a))
        reset = f"({self.new} + {n})"
        self.loop(f"{reset}[u] = {self.gate(self.sigma, f'{a}[u + {n}]')} * {self.h}[u];")
        s.add(self.recurrent(reset, n, n, f"{a} + {2 * n}", 2 * n))
        self.loop(
            f"const float z = {self.gate(self.sigma, f'{a}[u]')};",
            f"const float n = {self.gate(self.phi, f'{a}[u + {2 * n}]')};",
            f"{self.new}[u] = z * {self.h}[u] + (1.0f - z) * n;",
        )
        self.take()

    def lstm(self) -> None:
        self.add_recurrent(self.a)
        n, a, c = self.units, self.a, f"{self.c}[u]"
        peepholes = self.step.arrays["peepholes"]
        p = None if peepholes is None else self.s.weight(peepholes)

        def looking(row: int, at: str) -> str:
            return "" if p is None else f" + {p}[u + {row * n}] * {at}"

        last, clip = looking(2, "c"), self.step.args["cell_clip"]
        bound = "c" if clip is None else f"gw_clip(c, {literal(clip)})"
        self.loop(
            f"const float i = {self.gate(self.sigma, f'{a}[u]{looking(0, c)}')};",
            f"const float f = {self.gate(self.sigma, f'{a}[u + {n}]{looking(1, c)}')};",
            f"const float g = {self.gate(self.phi, f'{a}[u + {2 * n}]')};",
            f"float c = f * {c} + i * g;",
            f"c = {bound};",
            f"const float o = {self.gate(self.sigma, f'{a}[u + {3 * n}]{last}')};",
            f"{self.new}[u] = o * {self.phi}(c);",
            f"{c} = {self.kept(1, c, 'c')};",
        )
        self.take()
