"""A dense layer as one operation: product, bias and activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core
from ..autograd import Tensor, as_tensor, is_recording, needs_gradient, record, record_many
from .precision import precision

__all__ = ["FUSED_ACTIVATIONS", "dense", "dense_together"]

FUSED_ACTIVATIONS = _core.ACTIVATIONS
"""Names of the elementwise activations that the kernels compute along with a product."""


def dense(
    x: Any, kernel: Any, bias: Any = None, activation: str = "linear", axes: int = 1
) -> Tensor:
    """activation(x·kernel + bias) over the last axis, or over the last few.

    Args:
        x: (..., inputs) float32; inputs and units may each be several axes.
        kernel: (inputs, units) float32.
        bias: (units,) float32, or None.
        activation: name of an elementwise activation.
        axes: how many axes the inputs are; the units are the others of the kernel.

    Returns:
        (..., units). A sigmoid's result carries its argument as ``_logits``.

    Raises:
        ValueError: if the sizes do not match or the activation is unknown.
    """
    x, kernel = as_tensor(x, "float32"), as_tensor(kernel, "float32")
    inputs = [x, kernel] if bias is None else [x, kernel, as_tensor(bias, "float32")]
    given, kernel_shape = x._value.shape, kernel._value.shape
    summed, units = kernel_shape[:axes], kernel_shape[axes:]
    outer = len(given) - axes
    if outer < 0 or given[outer:] != summed:
        wanted = f"{summed[0]} features in its last axis" if axes == 1 else f"last axes {summed}"
        raise ValueError(f"x must have {wanted}, not shape {given}")
    depth, width = math.prod(summed), math.prod(units)
    rows = np.ascontiguousarray(x._value).reshape(math.prod(given[:outer]), depth)
    weights = np.ascontiguousarray(kernel._value).reshape(depth, width)
    wants_logits = activation == "sigmoid"
    keep = is_recording(*inputs)
    bf16 = precision.bf16
    y, pre = _core.dense_forward(
        rows,
        weights,
        None if bias is None else np.ascontiguousarray(inputs[2]._value).reshape(width),
        activation,
        keep or wants_logits,
        bf16,
    )
    shape = given[:outer] + units

    def gradients(dpre: np.ndarray) -> list[np.ndarray | None]:
        flat = np.ascontiguousarray(dpre, np.float32).reshape(len(rows), width)
        found = [
            _core.gemm(flat, weights, trans_b=True, bf16=bf16).reshape(given)
            if needs_gradient(x)
            else None,
            _core.gemm(rows, flat, trans_a=True, bf16=bf16).reshape(kernel_shape)
            if needs_gradient(kernel)
            else None,
        ]
        if bias is not None:
            found.append(
                _core.column_sum(flat).reshape(units) if needs_gradient(inputs[2]) else None
            )
        return found

    if activation == "linear" or pre is None:  # nothing is kept where no tape is recording
        return record(y.reshape(shape), inputs, gradients)
    if not wants_logits:

        def vjp(dy: np.ndarray) -> list[np.ndarray | None]:
            flat = np.ascontiguousarray(dy, np.float32).reshape(pre.shape)
            return gradients(_core.activation_backward(activation, pre, flat))

        return record(y.reshape(shape), inputs, vjp)

    # A cross-entropy on a sigmoid's output differentiates through the logits instead: two nodes.
    logits = record(pre.reshape(shape), inputs, gradients)

    def through_sigmoid(dy: np.ndarray) -> list[np.ndarray | None]:
        flat = np.ascontiguousarray(dy, np.float32).reshape(pre.shape)
        return [_core.activation_backward(activation, pre, flat).reshape(shape)]

    out = record(y.reshape(shape), (logits,), through_sigmoid)
    out._logits = logits
    return out


def dense_together(x: Any, weights: Sequence[tuple[Any, Any]]) -> tuple[Tensor, ...]:
    """x·kernel + bias over the last axis for each kernel and bias: one operation, whose gradient of
    x is summed in place.

    Args:
        x: (..., inputs) float32.
        weights: kernels (inputs, units) and biases (units,) or None, float32; units may be several
            axes.

    Returns:
        (..., units) for each.

    Raises:
        ValueError: if the sizes do not match.
    """
    x = as_tensor(x, "float32")
    given = x._value.shape
    inputs, values, kernels = [x], [], []
    rows = np.ascontiguousarray(x._value).reshape(math.prod(given[:-1]), given[-1] if given else 1)
    bf16 = precision.bf16
    for kernel, bias in weights:
        kernel = as_tensor(kernel, "float32")
        depth, *units = kernel._value.shape
        if given[-1:] != (depth,):
            raise ValueError(f"x must have {depth} features in its last axis, not shape {given}")
        flat = np.ascontiguousarray(kernel._value).reshape(depth, math.prod(units))
        inputs.append(kernel)
        added = None
        if bias is not None:
            bias = as_tensor(bias, "float32")
            inputs.append(bias)
            added = np.ascontiguousarray(bias._value).reshape(-1)
        y, _ = _core.dense_forward(rows, flat, added, "linear", False, bf16)
        values.append(y.reshape(*given[:-1], *units))
        kernels.append((kernel, flat, bias))

    def vjp(gradients: tuple[np.ndarray | None, ...]) -> list[np.ndarray | None]:
        dx: np.ndarray | None = None
        found: list[np.ndarray | None] = []
        for (kernel, flat, bias), dy in zip(kernels, gradients, strict=True):
            if dy is None:
                found += [None] if bias is None else [None, None]
                continue
            dy = np.ascontiguousarray(dy, np.float32).reshape(len(rows), flat.shape[1])
            if needs_gradient(x):
                more = dx is not None
                dx = _core.gemm(dy, flat, trans_b=True, out=dx, accumulate=more, bf16=bf16)
            wanted = needs_gradient(kernel)
            dkernel = _core.gemm(rows, dy, trans_a=True, bf16=bf16) if wanted else None
            found.append(None if dkernel is None else dkernel.reshape(kernel.shape))
            if bias is not None:
                wanted = needs_gradient(bias)
                found.append(_core.column_sum(dy).reshape(bias.shape) if wanted else None)
        return [None if dx is None else dx.reshape(given), *found]

    return record_many(values, inputs, vjp)
