"""What the parts of a trainer know of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..layers.base import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..callbacks import History
    from ..metrics import Mean, Metric
    from .compile_loss import CompileLoss
    from .compile_metrics import CompileMetrics
    from .fit_run import FitRun
    from .weights_lock import WeightsLock


@dataclass
class Lookups:
    """What an epoch looks up once instead of per batch.

    Held in one object, so that a layer does not take the lists for weights of its own.
    """

    variables: list[Any]
    regularized: list[Any]  # the variables whose size is part of the loss
    metrics: list[Metric]
    layers: list[Any] | None  # all of them, however deep; None: ask the model for its losses

    def losses(self) -> list[Any]:
        """What `Layer.losses` returns."""
        found = []
        if Layer._losses_were_added:
            found = [loss for layer in self.layers or () for loss in layer._losses]
        found.extend(variable.regularizer(variable) for variable in self.regularized)
        return found


class TrainerInterface:
    """Attributes of a trainer; its methods are declared for type checkers alone."""

    name: str
    compiled: bool = False
    optimizer: Any = None
    loss: Any = None
    stop_training: bool = False
    stop_evaluating: bool = False
    stop_predicting: bool = False
    steps_per_execution: int = 1
    history: History | None = None
    _compile_loss: CompileLoss | None = None
    _compile_metrics: CompileMetrics | None = None
    _loss_tracker: Mean | None = None
    # None outside of an epoch of `fit`.
    _lookups: Lookups | None = None
    _trained_on_batches = False  # by train_on_batch, since `compile`
    # Called with a batch whose loss is not finite, instead of the update (see TerminateOnNaN).
    _on_bad_loss: Callable[..., None] | None = None
    # The run of `fit`, while there is one.
    _run: FitRun | None = None
    _weights_lock: WeightsLock

    if TYPE_CHECKING:

        @property
        def losses(self) -> list[Any]: ...

        @property
        def trainable_variables(self) -> list[Any]: ...

        def _flatten_layers(self) -> Iterator[Any]: ...

        @property
        def metrics(self) -> list[Metric]: ...

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

        def reset_metrics(self) -> None: ...

        def get_metrics_result(self) -> dict[str, Any]: ...

        def train_step(self, data: Any) -> dict[str, Any]: ...

        def test_step(self, data: Any) -> dict[str, Any]: ...

        def predict_step(self, data: Any) -> Any: ...

        def _predicted(self, batch: Any) -> Any: ...

        def _looked_up(self) -> Lookups: ...

        def _in_order(self, logs: dict[str, Any]) -> Any: ...

    def _require_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(f"compile() must be called before {method}()")

    def _has_sparse_labels(self) -> bool:
        return self._compile_loss is not None and self._compile_loss.has_sparse_labels()
