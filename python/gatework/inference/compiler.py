"""`compile`: a model becomes a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..layers.arguments import positive_int
from ..utils.steady_weights import reads_weights
from .linking import Step, freeze
from .lowering import Plan, lower
from .observing import Parts, batches_of, moments
from .program import Program
from .quantizing import quantized
from .report import Errors, errors_of

__all__ = ["compile"]


@reads_weights
def compile(
    model: Any,
    dtype: str = "float32",
    max_batch: int | None = None,
    max_length: int | None = None,
    calibration: Any = None,
    exclude: Sequence[str] = (),
) -> Program:
    """Compiles a built Sequential or functional model for inference.

    The layers become a flat list of kernel calls over one block of memory, the weights are packed
    once, and a call runs all of it without Python. In float32 results are those of
    ``model.predict``.

    Args:
        model: the model; it may be trained on, which the program does not see.
        dtype: "float32", or "bfloat16": products of recurrent, dense and convolution layers round
            their operands, sums and all else stay float32. Layers whose policy is mixed_bfloat16
            do so in any case. "int8": recurrent, dense and embedding layers, convolutions of one
            group without dilation and attention's projections keep their weights as int8, with a
            float32 scale for each column (of a table, for each row). What they multiply is rounded
            as it comes, each row to 255 steps up to its largest magnitude; products are summed
            exactly, and all else is float32. A row with a NaN or an infinity gives NaN.
        max_batch, max_length: make memory for so many rows of so many steps at once. Larger inputs
            are good too: they make it grow.
        calibration: for int8, inputs like those to come, some dozens to some hundreds: scales are
            then chosen, and biases corrected, for the least error on them, and
            ``program.report()`` tells each layer's error.
        exclude: for int8, names of layers that stay float32, such as those with a large error.

    Returns:
        The program: ``program(x)``, ``program.session()``, ``program.save(path)``,
        ``program.report()``.

    Raises:
        ValueError: the model computes what programs do not have, such as a ``Lambda``, a subclassed
            model or a stateful layer; the message names the layer and says why. Or int8 is asked
            for, and a weight, or what calibration leads to, is not finite.
    """
    if dtype not in ("float32", "bfloat16", "int8"):
        raise ValueError(f"dtype must be 'float32', 'bfloat16' or 'int8', not {dtype!r}")
    if dtype != "int8" and (calibration is not None or exclude):
        raise ValueError(
            f"calibration and exclude must be left out where dtype is not 'int8' but {dtype!r}"
        )
    batch = 1 if max_batch is None else positive_int("max_batch", max_batch)
    length = 1 if max_length is None else positive_int("max_length", max_length)
    plan = lower(model, bf16=dtype == "bfloat16")
    errors: dict[int, Errors] = {}
    if dtype == "int8":
        steps, errors = _quantized(plan, calibration, exclude)
    else:
        steps = freeze(plan, copy=True)
    program = Program(
        model.name,
        plan.kinds,
        plan.constants,
        steps,
        plan.inputs,
        plan.outputs,
        plan.structure,
        plan.output_time,
        plan.unstreamable,
        errors,
    )
    if max_batch is not None or max_length is not None:
        program.reserve(batch, length)
    return program


def _quantized(
    plan: Plan, calibration: Any, exclude: Sequence[str]
) -> tuple[list[Step], dict[int, Errors]]:
    """The steps with int8 weights, and their errors on the data for calibration."""
    if isinstance(exclude, str) or not all(isinstance(name, str) for name in exclude):
        raise ValueError(f"exclude must be names of layers, not {exclude!r}")
    exact = freeze(plan, copy=True, packed=False)
    names = {part for step in exact for part in (step.name, step.name.split(".")[0])}
    unknown = sorted(set(exclude) - names)
    if unknown:
        raise ValueError(f"exclude must name layers of the program, not {', '.join(unknown)}")
    if calibration is None:
        return quantized(exact, exclude), {}
    parts = Parts(plan.kinds, plan.constants, plan.inputs)
    batches = batches_of(parts, calibration, "calibration")
    steps = quantized(exact, exclude, moments(parts, exact, batches))
    return steps, errors_of(parts, exact, steps, batches)
