"""The data of a run, checked before it starts."""

from __future__ import annotations

from typing import Any

from ..preprocessing.batch import unpack_x_y_sample_weight
from .array_source import ArraySource
from .data_adapter import get_source
from .epochs import Epochs
from .expected import Expected
from .interface import TrainerInterface
from .states import stateful_layers


def check_verbose(verbose: Any) -> None:
    """Raises ValueError for what is no verbosity."""
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"verbose must be 0, 1, 2 or 'auto', not {verbose!r}")


class RunData(TrainerInterface):
    """What `fit`, `evaluate` and `predict` do with their data."""

    def _epochs(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None,
        steps: int | None,
        steps_name: str,
        shuffle: bool | str = False,
        class_weight: dict[Any, float] | None = None,
        labelled: bool = True,
        training: bool = False,
        stateful: list[Any] | None = None,
    ) -> Epochs:
        """Checks the data of a run and returns its epochs; `stateful`: the layers, if known."""
        if stateful is None and not training:
            stateful = stateful_layers(self)
        source = get_source(
            x,
            y,
            sample_weight,
            batch_size,
            shuffle,
            class_weight,
            self._has_sparse_labels(),
            Expected.of(self),
            # States go from batch to batch in the caller's order.
            any_order=not training and steps is None and not stateful,
        )
        if labelled and isinstance(source, ArraySource):
            if source.num_samples == 0:
                raise ValueError("x must hold at least one sample, not 0")
            if self._compile_loss is not None and source.y is not None:
                self._compile_loss.check_labels(source.y)
        return Epochs(source, steps, steps_name)

    def _check_batch(self, epochs: Epochs, batch: Any) -> None:
        """Checks the labels of a batch; those of arrays were checked as a whole."""
        if not isinstance(epochs.source, ArraySource) and self._compile_loss is not None:
            self._compile_loss.check_labels(unpack_x_y_sample_weight(batch)[1])
