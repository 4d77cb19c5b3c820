"""The other instructions as C statements, for one row and one step."""

from __future__ import annotations

from collections.abc import Callable

from ..linking import Step
from .cells import recurrent
from .source import Source, literal

__all__ = ["WRITERS"]


def _embedding(s: Source, step: Step) -> None:
    table = step.arrays["table"]
    assert table is not None
    rows, columns = table.shape
    ids, _ = s.given(step, 1)
    y = s.result(step, columns)
    s.checks.append((step.inputs[0], rows))
    scale = s.scale(step, "table_scale")
    if scale is not None:
        row = f"{s.weight(table)} + (size_t)*{ids} * {columns}"
        s.add(f"gw_row8({row}, {columns}, {scale}[*{ids}], {y});")
        return
    s.add(f"memcpy({y}, {s.weight(table)} + (size_t)*{ids} * {columns}, sizeof {y});")


def _nonzero(s: Source, step: Step) -> None:
    ids, _ = s.given(step, 1)
    s.add(f"*{s.result(step, 1)} = *{ids} != 0 ? 1.0f : 0.0f;")


def _masking(s: Source, step: Step) -> None:
    x, n = s.given(step)
    y, real = s.result(step, n), s.result(step, 1, 1)
    value = literal(step.args["value"])
    s.add(
        f"*{real} = 0.0f;",
        f"for (int i = 0; i < {n}; ++i) if ({x}[i] != {value}) *{real} = 1.0f;",
        f"for (int i = 0; i < {n}; ++i) {y}[i] = *{real} != 0.0f ? {x}[i] : 0.0f;",
    )


def _either(s: Source, step: Step) -> None:
    a, b = s.given(step, 1, 0)[0], s.given(step, 1, 1)[0]
    s.add(f"*{s.result(step, 1)} = *{a} != 0.0f || *{b} != 0.0f ? 1.0f : 0.0f;")


def _dense(s: Source, step: Step) -> None:
    kernel = step.arrays["kernel"]
    assert kernel is not None
    if step.args.get("transposed"):
        kernel = kernel.T.copy()
    features, units = kernel.shape
    x, _ = s.given(step, features)
    y = s.result(step, units)
    s.add(
        f"gw_start({s.weight(step.arrays['bias'])}, {units}, {y});",
        s.product(x, features, s.weight(kernel), s.scale(step, "kernel_scale"), units, units, y),
    )
    _elementwise(s, y, y, units, step.args["activation"])


def _elementwise(s: Source, x: str, y: str, n: int, name: str) -> None:
    if name != "linear" or x != y:
        s.add(f"for (int i = 0; i < {n}; ++i) {y}[i] = {s.activation(name)}({x}[i]);")


def _activation(s: Source, step: Step) -> None:
    x, n = s.given(step)
    _elementwise(s, x, s.result(step, n), n, step.args["activation"])


def _softmax(s: Source, step: Step) -> None:
    x, n = s.given(step)
    s.add(f"gw_softmax({x}, {n}, {s.result(step, n)});")


def _shift(s: Source, step: Step) -> None:
    bias = step.arrays["bias"]
    assert bias is not None
    x, n = s.given(step, len(bias))
    name = s.weight(bias)
    s.add(f"for (int i = 0; i < {n}; ++i) {s.result(step, n)}[i] = {x}[i] + {name}[i];")


def _row_norm(s: Source, step: Step) -> None:
    x, n = s.given(step, step.args["columns"])
    y = s.result(step, n)
    gamma, beta = (s.weight(step.arrays[name]) for name in ("gamma", "beta"))
    epsilon, centered = literal(step.args["epsilon"]), int(step.args["centered"])
    s.add(f"gw_normalize({x}, {n}, {gamma}, {beta}, {epsilon}, {centered}, {y});")


def _column_norm(s: Source, step: Step) -> None:
    mean, factor, shift = (step.arrays[name] for name in ("mean", "factor", "shift"))
    assert mean is not None
    x, n = s.given(step, len(mean))
    y, m, f, b = s.result(step, n), s.weight(mean), s.weight(factor), s.weight(shift)
    s.add(f"for (int i = 0; i < {n}; ++i) {y}[i] = ({x}[i] - {m}[i]) * {f}[i] + {b}[i];")


def _kept_steps(s: Source, step: Step, channels: int, taps: int) -> str:
    """The steps that windows reach, the present one last; those of the next step are kept after."""
    x, _ = s.given(step, channels)
    span = (taps - 1) * step.args["dilation"] + 1
    if step.args["stride"] != 1 or (step.args["padding"] != "causal" and span > 1):
        s.refuse(step, "has windows that need later steps")
    steps = s.state(f"{step.name}_steps", span * channels)
    s.add(f"memcpy({steps} + {(span - 1) * channels}, {x}, {channels} * sizeof(float));")
    if span > 1:
        rest = (span - 1) * channels
        s.after.append(f"memmove({steps}, {steps} + {channels}, {rest} * sizeof(float));")
    return steps


def _conv(s: Source, step: Step) -> None:
    kernel, groups = step.arrays["kernel"], step.args["groups"]
    assert kernel is not None
    taps, size, features = kernel.shape
    steps = _kept_steps(s, step, size * groups, taps)
    y, w, part = s.result(step, features), s.weight(kernel), features // groups
    s.add(f"gw_start({s.weight(step.arrays['bias'])}, {features}, {y});")
    scale = s.scale(step, "kernel_scale")
    if scale is not None:  # of one group without dilation: the kept steps are the window
        s.add(s.product(steps, taps * size, w, scale, features, features, y))
        return
    for g in range(groups):
        at = f"{steps} + k * {step.args['dilation'] * size * groups} + {g * size}"
        weights = f"{w} + k * {size * features} + {g * part}"
        s.add(
            f"for (int k = 0; k < {taps}; ++k)",
            f"    gw_product({at}, {size}, {weights}, {features}, {part}, {y} + {g * part});",
        )


def _depthwise(s: Source, step: Step) -> None:
    kernel = step.arrays["kernel"]
    assert kernel is not None
    taps, n = kernel.shape
    steps = _kept_steps(s, step, n, taps)
    y, w, apart = s.result(step, n), s.weight(kernel), step.args["dilation"] * n
    s.add(
        f"gw_start(NULL, {n}, {y});",
        f"for (int k = 0; k < {taps}; ++k)",
        f"    for (int i = 0; i < {n}; ++i) {y}[i] += {steps}[k * {apart} + i] * {w}[k * {n} + i];",
    )


def _copy(s: Source, step: Step) -> None:
    # A vector stays one with new axes of size one.
    if sum(n != 1 for n in step.args["target"] or ()) > 1:
        s.refuse(step, "gives values another shape")
    x, n = s.given(step)
    y = s.result(step, n)
    s.add(f"memcpy({y}, {x}, sizeof {y});")


def _concatenate(s: Source, step: Step) -> None:
    parts = [s.given(step, None, i) for i in range(len(step.inputs))]
    y = s.result(step, sum(n for _, n in parts))
    begin = 0
    for x, n in parts:
        s.add(f"memcpy({y} + {begin}, {x}, {n} * sizeof(float));")
        begin += n


def _binary(expression: str) -> Callable[[Source, Step], None]:
    def write(s: Source, step: Step) -> None:
        (a, n), (b, m) = s.given(step, None, 0), s.given(step, None, 1)
        if n != m and 1 not in (n, m):
            s.refuse(step, "joins values of other shapes")
        first, second = (f"{name}[{'i' if size > 1 else 0}]" for name, size in ((a, n), (b, m)))
        y = s.result(step, max(n, m))
        line = expression.replace("A", first).replace("B", second)
        s.add(f"for (int i = 0; i < {max(n, m)}; ++i) {y}[i] = {line};")

    return write


WRITERS: dict[str, Callable[[Source, Step], None]] = {
    "embedding": _embedding,
    "nonzero": _nonzero,
    "masking": _masking,
    "either": _either,
    "dense": _dense,
    "activation": _activation,
    "softmax": _softmax,
    "shift": _shift,
    "row_norm": _row_norm,
    "column_norm": _column_norm,
    "recurrent": recurrent,
    "conv": _conv,
    "depthwise": _depthwise,
    "reshape": _copy,
    "concatenate": _concatenate,
    "add": _binary("A + B"),
    "subtract": _binary("A - B"),
    "multiply": _binary("A * B"),
    "divide": _binary("A / B"),
    "maximum": _binary("A > B || A != A ? A : B"),
    "minimum": _binary("A < B || A != A ? A : B"),
}
"""How each operation is written."""
