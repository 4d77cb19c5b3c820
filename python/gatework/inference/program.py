"""A compiled model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tree
from ..autograd import Array
from .arguments import as_input, in_order
from .linking import Step, link
from .lowering.plan import Input
from .observing import Parts, batches_of
from .report import Errors, Report, errors_of, sizes_of
from .session import Session

__all__ = ["Program"]


class Program:
    """A model as a flat list of kernel calls over one block of memory, its weights packed.

    Made by ``gatework.inference.compile`` or ``load``. It keeps the weights the model had then. Any
    number of threads may call it at the same time: results are those of one after the other.

    Attributes:
        name: the model's name.
        inputs: what it reads: ``name``, ``kind`` ("floats", "ids" or "mask") and ``shape`` of each.
    """

    def __init__(
        self,
        name: str,
        kinds: Sequence[str],
        constants: dict[int, Array],
        steps: Sequence[Step],
        inputs: Sequence[Input],
        outputs: Sequence[int],
        structure: Any,
        output_time: Sequence[bool],
        unstreamable: str | None,
        errors: dict[int, Errors] | None = None,
    ) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self._kinds = tuple(kinds)
        self._constants = constants
        self._steps = tuple(steps)
        self._outputs = tuple(outputs)
        self._structure = structure
        self._output_time = tuple(output_time)
        self._unstreamable = unstreamable
        self._errors = errors or {}
        self._alone = type(structure) is int
        self._core = link(kinds, constants, steps, inputs, outputs, output_time)

    def __call__(self, x: Any) -> Any:
        """The model's outputs for a batch, as NumPy arrays in the model's structure.

        Args:
            x: the input, batch axis included; a list, or a dictionary by the inputs' names, of
                several. Lengths and batch sizes may differ from call to call: the memory grows with
                the largest.

        Raises:
            ValueError: a shape does not fit, or an id is not in its table.
        """
        leaves = in_order(self.inputs, x)
        return self._run(
            tuple(as_input(one, leaf) for one, leaf in zip(self.inputs, leaves, strict=True))
        )

    def predict(self, x: Any, batch_size: int | None = None) -> Any:
        """The same for many samples, ``batch_size`` at a time; all at once by default."""
        leaves = in_order(self.inputs, x)
        arrays = [as_input(one, leaf) for one, leaf in zip(self.inputs, leaves, strict=True)]
        if batch_size is None:
            return self._run(tuple(arrays))
        if isinstance(batch_size, bool) or not hasattr(batch_size, "__index__") or batch_size < 1:
            raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
        rows = len(arrays[0])
        if any(len(array) != rows for array in arrays):
            raise ValueError(f"x must have one batch size, not {[len(array) for array in arrays]}")
        parts = [
            tree.flatten(self._run(tuple(array[i : i + batch_size] for array in arrays)))
            for i in range(0, max(rows, 1), batch_size)
        ]
        joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return tree.pack_sequence_as(self._structure, joined)

    def session(self, batch: int = 1, max_length: int | None = None) -> Session:
        """A new stream of so many rows, its states zero.

        Args:
            batch: number of rows.
            max_length: the most steps that attention keeps keys and values of: their memory is made
                at once, and a step too many is refused. By default the memory grows with the
                stream, by doubling. Attention with a ``sliding_window`` keeps no more than that.

        Raises:
            ValueError: the model cannot stream; the message names the layer and the reason.
        """
        if self._unstreamable is not None:
            raise ValueError(f"model must be one that can stream: {self._unstreamable}")
        if isinstance(batch, bool) or not hasattr(batch, "__index__") or batch < 1:
            raise ValueError(f"batch must be a positive integer, not {batch!r}")
        if max_length is not None:
            from ..layers.arguments import positive_int  # layers are not needed to load a program

            positive_int("max_length", max_length)
        return Session(self, int(batch.__index__()), max_length)

    def reserve(self, batch: int, length: int) -> None:
        """Makes the memory for so many rows of so many steps now, not at the first call."""
        self._core.reserve([sizes_for(one, batch, length) for one in self.inputs])

    def report(self, x: Any = None, against: Any = None) -> Report:
        """What each layer with weights is made of, and how far it lies from float32.

        Args:
            x: inputs to measure the errors on; without them the errors are those on the data that
                ``compile`` was given to calibrate with, if any.
            against: the same model as a program in float32, or the model.

        Returns:
            A tuple of rows: ``name``, ``op``, ``dtype``, ``bytes``, ``float_bytes``,
            ``own_error``, ``error``. Printed it is a table.

        Raises:
            ValueError: x is given without ``against``, does not fit, or that is another model.
        """
        if x is None and against is None:
            return sizes_of(self._steps, self._errors)
        if x is None or against is None:
            raise ValueError("x and against must be given both or neither, not one of them")
        if not isinstance(against, Program):
            from .compiler import compile

            against = compile(against)
        described = [
            [(step.op, step.inputs, step.outputs) for step in program._steps]
            for program in (self, against)
        ]
        if described[0] != described[1]:
            raise ValueError(f"against must be the program of the same model, not {against!r}")
        parts = Parts(self._kinds, self._constants, self.inputs)
        batches = batches_of(parts, x, "x")
        return sizes_of(self._steps, errors_of(parts, against._steps, self._steps, batches))

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the program to one file, which ``gatework.inference.load`` reads.

        The weights are stored plain, those of int8 a byte each, for any processor, with a
        self-test: inputs, and what this program makes of them. An old file stays until the new one
        is whole.

        Raises:
            OSError: the file system refuses.
        """
        from .file import write_program

        write_program(self, filepath)

    def _run(self, arrays: tuple[Array, ...]) -> Any:
        found = self._core.run(arrays)
        return found[0] if self._alone else self._packed(found)

    def _packed(self, outputs: Any) -> Any:
        """The outputs of the program in the structure of the model."""
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return tree.map_structure(lambda i: outputs[i], self._structure)

    def __repr__(self) -> str:
        return f"<Program {self.name!r}: {len(self._steps)} instructions, {self._core.isa}>"


def sizes_for(one: Input, batch: int, length: int) -> list[int]:
    """The shape of an input of so many rows, unknown sizes taken as ``length``."""
    return [batch, *(length if n is None else n for n in one.shape[1:])]
