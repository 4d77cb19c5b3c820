"""`compile`: a model becomes a program."""

from __future__ import annotations

from typing import Any

from ..layers.arguments import positive_int
from ..utils.steady_weights import reads_weights
from .linking import freeze
from .lowering import lower
from .program import Program

__all__ = ["compile"]


@reads_weights
def compile(
    model: Any,
    dtype: str = "float32",
    max_batch: int | None = None,
    max_length: int | None = None,
) -> Program:
    """Compiles a built Sequential or functional model for inference.

    The layers become a flat list of kernel calls over one block of memory, the weights are packed
    once, and a call runs all of it without Python. In float32 results are those of
    ``model.predict``.

    Args:
        model: the model; it may be trained on, which the program does not see.
        dtype: "float32", or "bfloat16": products of recurrent, dense and convolution layers round
            their operands, sums and all else stay float32. Layers whose policy is mixed_bfloat16
            do so in any case.
        max_batch, max_length: make memory for so many rows of so many steps at once. Larger inputs
            are good too: they make it grow.

    Returns:
        The program: ``program(x)``, ``program.session()``, ``program.save(path)``.

    Raises:
        ValueError: the model computes what programs do not have, such as a ``Lambda``, a subclassed
            model or a stateful layer; the message names the layer and says why.
    """
    if dtype not in ("float32", "bfloat16"):
        raise ValueError(f"dtype must be 'float32' or 'bfloat16', not {dtype!r}")
    batch = 1 if max_batch is None else positive_int("max_batch", max_batch)
    length = 1 if max_length is None else positive_int("max_length", max_length)
    plan = lower(model, bf16=dtype == "bfloat16")
    program = Program(
        model.name,
        plan.kinds,
        plan.constants,
        freeze(plan, copy=True),
        plan.inputs,
        plan.outputs,
        plan.structure,
        plan.output_time,
        plan.unstreamable,
    )
    if max_batch is not None or max_length is not None:
        program.reserve(batch, length)
    return program
