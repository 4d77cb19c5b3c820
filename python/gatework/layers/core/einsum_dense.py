"""A product in Einstein's notation, a bias and an activation."""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Sequence
from typing import Any, NamedTuple

from ... import activations, constraints, initializers, ops, regularizers
from ...autograd import Tensor, Variable, as_tensor
from ...initializers.scaling import VarianceScaling
from ..arguments import refuse_adapters, sizes_of
from ..base import InputSpec, Layer
from ..shapes import activated_shape
from .dense import fused_part

__all__ = ["EinsumDense"]


class _Plan(NamedTuple):
    """What an equation means for inputs of one rank."""

    subscripts: str  # the equation, its ellipsis spelled in letters
    output_shape: tuple[int | None, ...]
    kernel_shape: list[int]
    input_axes: list[int]  # axes of the kernel that are summed over
    output_axes: list[int]  # axes of the kernel that the outputs have
    bias_shape: tuple[int, ...] | None


class EinsumDense(Layer):
    """activation(einsum(equation, x, kernel) + bias), as ``numpy.einsum`` reads the equation.

    Args:
        equation: "ab,bc->ac", "...x,xy->...y" or "ab...,bc->ac...": the inputs, the kernel and the
            outputs, a letter for each axis; an ellipsis stands for axes that stay as they are.
        output_shape: sizes of the outputs without the batch axis and those of an ellipsis; None
            where a size is that of the inputs.
        activation: name or function; none by default.
        bias_axes: letters of the outputs along which the bias varies; None for no bias.
        kernel_initializer, bias_initializer: of both weights.
        kernel_regularizer, bias_regularizer: of both.
        kernel_constraint, bias_constraint: of both.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: only None.

    Raises:
        ValueError: if the equation has another form or does not fit the shapes; it says where.
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        refuse_adapters(lora_rank, lora_alpha, quantization_config or gptq_unpacked_column_size)
        super().__init__(**kwargs)
        self.equation = _checked(equation)
        sizes = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        for size in sizes:
            if size is not None:
                sizes_of("output_shape", size, 1)
        self.partial_output_shape = sizes
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.kernel: Variable | None = None
        self.bias: Variable | None = None
        self._fused, self._after = fused_part(self.activation)

    def build(self, input_shape: Any) -> None:
        plan = self._plan(input_shape)
        self.kernel = self.add_weight(
            shape=plan.kernel_shape,
            name="kernel",
            initializer=_with_axes(self.kernel_initializer, plan.input_axes, plan.output_axes),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if plan.bias_shape is not None:
            self.bias = self.add_weight(
                shape=plan.bias_shape,
                name="bias",
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(ndim=len(input_shape))
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        axes = _dense_axes(self.equation, self.bias_axes)
        if axes:
            outputs = ops.dense(inputs, self.kernel, self.bias, self._fused, axes)
            return outputs if self._after is None else as_tensor(self._after(outputs))
        outputs = ops.einsum(self._plan(inputs.shape).subscripts, inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return as_tensor(self.activation(outputs))

    @property
    def is_plain_product(self) -> bool:
        """Whether a call is x·kernel + bias over the last axis and nothing else."""
        return (
            type(self) is EinsumDense
            and self._fused == "linear"
            and self._after is None
            and self.activity_regularizer is None
            and _dense_axes(self.equation, self.bias_axes) == 1
        )

    def mixes_steps(self, input_shape: Any) -> str | None:
        if len(input_shape) < 3:
            return None
        inputs, kernel, outputs = re.split(",|->", self._plan(input_shape).subscripts)
        time = inputs[1]
        if time in kernel or outputs[1:2] != time or time in (self.bias_axes or ""):
            return f"its equation {self.equation} does not leave the axis of time as it is"
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return activated_shape(self.activation, self._plan(input_shape).output_shape)

    def _plan(self, shape: Sequence[int | None]) -> _Plan:
        terms, output = self.equation.split("->")
        inputs, kernel = terms.split(",")
        elided = len(shape) - len(inputs.replace("...", ""))
        if elided < 0 or (elided and "..." not in inputs):
            raise ValueError(
                f"inputs of {self.name} must have an axis for each letter of '{inputs}', "
                f"not shape {tuple(shape)}"
            )
        spare = [c for c in string.ascii_letters if c not in self.equation][:elided]
        inputs, output = (term.replace("...", "".join(spare)) for term in (inputs, output))
        sizes: dict[str, int | None] = dict(zip(inputs, shape, strict=True))
        self._read_output_shape(output, spare, sizes)
        unknown = [c for c in kernel if sizes.get(c) is None]
        if unknown:
            raise ValueError(
                f"letter '{unknown[0]}' of the kernel must have a size known from the inputs "
                f"{tuple(shape)} or output_shape {self.partial_output_shape}"
            )
        return _Plan(
            f"{inputs},{kernel}->{output}",
            tuple(sizes[c] for c in output),
            [int(sizes[c] or 0) for c in kernel],
            [i for i, c in enumerate(kernel) if c not in output],
            [i for i, c in enumerate(kernel) if c in output],
            self._bias_shape(output, sizes),
        )

    def _read_output_shape(
        self, output: str, spare: list[str], sizes: dict[str, int | None]
    ) -> None:
        """Enters the sizes that ``output_shape`` gives beside those that the inputs have."""
        named = [c for c in output if c not in spare]
        if spare and output[0] in spare:  # the batch axis is one of those the ellipsis stands for
            given: list[int | None] = list(self.partial_output_shape)
            wanted = named
        else:
            given, wanted = list(self.partial_output_shape), named[1:]
        if len(given) != len(wanted):
            raise ValueError(
                f"output_shape must have a size for each of '{''.join(wanted)}' "
                f"({len(wanted)}), not {self.partial_output_shape}"
            )
        for letter, size in zip(wanted, given, strict=True):
            known = sizes.get(letter)
            if size is not None and known is not None and size != known:
                raise ValueError(
                    f"output_shape must have size {known} along '{letter}', as the inputs have, "
                    f"not {size}"
                )
            if size is not None or letter not in sizes:
                sizes[letter] = size

    def _bias_shape(self, output: str, sizes: dict[str, int | None]) -> tuple[int, ...] | None:
        if not self.bias_axes:
            return None
        for letter in self.bias_axes:
            if letter not in output:
                raise ValueError(f"bias_axes must be letters of '{output}', not '{letter}'")
            if sizes[letter] is None:
                raise ValueError(f"bias_axes must have known sizes: that of '{letter}' is not")
        first = min(output.index(letter) for letter in self.bias_axes)
        return tuple(int(sizes[c] or 0) if c in self.bias_axes else 1 for c in output[first:])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
        }


def _checked(equation: Any) -> str:
    """The equation without spaces; raises ValueError unless it is of a form that is known."""
    found = equation.replace(" ", "") if isinstance(equation, str) else ""
    terms, arrow, output = found.partition("->")
    inputs, comma, kernel = terms.partition(",")
    bare = inputs.replace("...", "", 1), output.replace("...", "", 1)
    ends = [
        (term.startswith("..."), term.endswith("..."))
        for term in (inputs, output)
        if "." in term or len(term) == 0
    ]
    letters = all(part.isascii() and part.isalpha() for part in (*bare, kernel))
    matching = not ends or (len(ends) == 2 and ends[0] == ends[1] and any(ends[0]))
    if not (arrow and comma and letters and matching):
        raise ValueError(
            "equation must have the form 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...', "
            f"not {equation!r}"
        )
    for letter in bare[1]:
        if letter not in bare[0] and letter not in kernel:
            raise ValueError(
                f"equation must not have a letter in its output alone, as '{letter}' in {found!r}"
            )
    for letter in kernel:
        if letter not in bare[0] and letter not in bare[1]:
            raise ValueError(
                f"equation must not have a letter in its kernel alone, as '{letter}' in {found!r}"
            )
    return found


@functools.cache
def _dense_axes(equation: str, bias_axes: str | None) -> int:
    """How many last axes of the inputs are summed over, if that is one plain matrix product.

    It is where all letters follow one another, as in "abc,cd->abd"; otherwise the answer is 0.
    """
    terms, output = equation.replace("...", ".").split("->")
    inputs, kernel = terms.split(",")
    summed = "".join(c for c in inputs if c not in output)
    free, units = inputs.removesuffix(summed), kernel.removeprefix(summed)
    follows = inputs == free + summed and kernel == summed + units and output == free + units
    if not (follows and units) or (bias_axes and set(bias_axes) != set(units)):
        return 0
    return len(summed)


def _with_axes(initializer: Any, input_axes: list[int], output_axes: list[int]) -> Any:
    """An initializer that scales by fans, told which axes of the kernel those are."""
    if not isinstance(initializer, VarianceScaling):
        return initializer
    if initializer.input_axes is not None and initializer.output_axes is not None:
        return initializer
    config = {
        **initializer.get_config(),
        "seed": initializer.seed,
        "input_axes": input_axes,
        "output_axes": output_axes,
    }
    return type(initializer).from_config(config)
