"""Compiling, and what one batch does: the part of training that users override."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops, optimizers
from .._suggest import named_arguments
from ..autograd import GradientTape, Tensor, as_array, as_tensor, no_recording
from ..metrics import Mean, Metric
from ..preprocessing.batch import unpack_x_y_sample_weight
from ..tree import flatten
from .compile_loss import CompileLoss
from .compile_metrics import CompileMetrics
from .loops import TrainingLoops
from .on_batch import BatchMethods
from .weights_lock import WeightsLock


class Trainer(TrainingLoops, BatchMethods):
    """Gives a model `compile`, `fit`, `evaluate`, `predict` and their per-batch forms.

    `train_step(data)`, `test_step(data)` and `predict_step(data)` may be overridden; `data` is what
    the data yields for a batch, as tensors.
    """

    def __init__(self) -> None:
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.stop_training = False
        self.run_eagerly = False
        self.jit_compile: Any = "auto"
        self.steps_per_execution = 1
        self._compile_loss: CompileLoss | None = None
        self._compile_metrics: CompileMetrics | None = None
        self._loss_tracker: Mean | None = None
        self._compile_config: dict[str, Any] = {}
        self._weights_lock = WeightsLock()

    @named_arguments
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Sets how the model trains.

        Args:
            optimizer: a name, a config, or an `Optimizer`.
            loss: a name, a function, a `Loss`, or a list or dict of them, one per output.
            loss_weights: factors of the losses in the sum, in the same form.
            metrics: a list of names, functions or `Metric`s; for several outputs a list or dict of
                such lists. "accuracy" is resolved by the shapes of labels and predictions.
            weighted_metrics: the same, but computed with sample and class weights.
            run_eagerly, jit_compile, auto_scale_loss: accepted as in Keras; every step here runs
                compiled kernels in float32, so they change nothing.
            steps_per_execution: how many batches run between two calls of the batch callbacks.

        Raises:
            ValueError: for an unknown name; the message lists the nearest known ones.
            TypeError: for an unknown argument, likewise.
        """
        steps = steps_per_execution
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise ValueError(f"steps_per_execution must be a positive integer, not {steps!r}")
        names = getattr(self, "output_names", None)
        new_optimizer = optimizers.get(optimizer)
        new_loss = None if loss is None else CompileLoss(loss, loss_weights, names)
        new_metrics = None
        if metrics is not None or weighted_metrics is not None:
            new_metrics = CompileMetrics(metrics, weighted_metrics, names)
        # Nothing above changed the model: a bad argument leaves it as it was.
        self.optimizer = new_optimizer
        self._compile_loss = new_loss
        self._compile_metrics = new_metrics
        self._trained_on_batches = False
        self.loss = loss
        self._loss_tracker = Mean(name="loss")
        self.run_eagerly = run_eagerly
        self.jit_compile = jit_compile
        self.steps_per_execution = steps
        self.stop_training = False
        self._compile_config = {
            "optimizer": new_optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps,
            "jit_compile": jit_compile,
        }
        self.compiled = True

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the arguments of `compile` as plain data; {} before it was called."""
        if not self.compiled:
            return {}
        from ..saving import serialize_keras_object

        return {key: serialize_keras_object(value) for key, value in self._compile_config.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Calls `compile` with what `get_compile_config` returned, and builds the optimizer."""
        from ..saving import deserialize_keras_object

        if type(self).compile is not Trainer.compile:
            warnings.warn(
                f"{type(self).__name__} overrides compile(): call it yourself after loading, or "
                "override get_compile_config and compile_from_config as well",
                stacklevel=2,
            )
            return
        self.compile(**{key: deserialize_keras_object(value) for key, value in config.items()})
        if self.optimizer is not None and getattr(self, "built", False):
            self.optimizer.build(self.trainable_variables)

    # ---- metrics

    @property
    def metrics(self) -> list[Metric]:
        """The loss tracker, the metrics of `compile`, and those that the model and layers hold."""
        found: list[Metric] = []
        if self._loss_tracker is not None:
            found.append(self._loss_tracker)
        if self._compile_metrics is not None:
            found.append(self._compile_metrics)
        if self._compile_loss is not None:
            found.extend(self._compile_loss.metrics)
        owners = [self, *_nested_layers(self)]
        for owner in owners:
            for metric in _held_metrics(owner):
                if all(metric is not known for known in found):
                    found.append(metric)
        return found

    @property
    def metrics_names(self) -> list[str]:
        return [metric.name for metric in self.metrics]

    @property
    def metrics_variables(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def reset_metrics(self) -> None:
        """Sets every metric to its start."""
        for metric in self._known_metrics():
            metric.reset_state()

    def _known_metrics(self) -> list[Metric]:
        return self.metrics if self._lookups is None else self._lookups.metrics

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the current value of every metric by name."""
        results: dict[str, Any] = {}
        for metric in self._known_metrics():
            result = metric.result()
            if isinstance(result, dict):
                results.update(result)
            else:
                results[metric.name] = result
        return results

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Updates the metrics of `compile` with a batch and returns all results."""
        if self._compile_metrics is not None and y is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    # ---- one batch

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns the loss of `compile` plus what layers add (regularizers, `add_loss`).

        Raises:
            ValueError: when there is no loss at all.
        """
        total = None
        if self._compile_loss is not None:
            total = self._compile_loss(y, y_pred, sample_weight)
        lookups = self._lookups
        added = self.losses if lookups is None or lookups.layers is None else lookups.losses()
        for extra in added:
            value = as_tensor(extra)
            value = value if value.shape == () else ops.sum(value)
            total = value if total is None else total + value
        if total is None:
            raise ValueError("loss must be given to compile(), or added with add_loss")
        return total

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        # A subclass written for an older signature has no `training`.
        if (
            type(self).compute_loss is Trainer.compute_loss
            or "training" in inspect.signature(self.compute_loss).parameters
        ):
            return self.compute_loss(x, y, y_pred, sample_weight, training=training)
        return self.compute_loss(x, y, y_pred, sample_weight)

    def train_step(self, data: Any) -> dict[str, Any]:
        """Trains on one batch and returns the metrics so far."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self._loss_of(x, y, y_pred, sample_weight, True)
            scaled = loss if self.optimizer is None else self.optimizer.scale_loss(loss)
        lookups = self._lookups
        variables = self.trainable_variables if lookups is None else lookups.variables
        if self._on_bad_loss is not None and not np.isfinite(as_array(loss)).all():
            self._on_bad_loss(x, y, sample_weight)
        elif variables and self.optimizer is not None:
            self.optimizer.apply(tape.gradient(scaled, variables), variables)
        else:
            warnings.warn("the model has no trainable weights, or no optimizer", stacklevel=2)
        self._track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)  # type: ignore[no-any-return]

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluates one batch and returns the metrics so far."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with no_recording():
            y_pred = self(x, training=False)
            loss = self._loss_of(x, y, y_pred, sample_weight, False)
        self._track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)  # type: ignore[no-any-return]

    def predict_step(self, data: Any) -> Any:
        """Returns the outputs for one batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        with no_recording():
            return self(x, training=False)

    def _predicted(self, batch: Any) -> Any:
        """What ``predict_step`` returns: from a compiled program, if the model can have one."""
        from ..inference.predicting import predicted

        outputs = predicted(self, batch)
        return self.predict_step(batch) if outputs is None else outputs

    def _track_loss(self, loss: Any, x: Any) -> None:
        if self._loss_tracker is not None:
            leaves = [x] if isinstance(x, Tensor) else flatten(x)
            samples = next((leaf.shape[0] for leaf in leaves if leaf is not None), 1)
            self._loss_tracker.update_state(loss, sample_weight=samples)

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """Results as `evaluate` returns them, in Keras' order; alone when there is one.

        First the loss and what bears a metric's own name, in the order of `metrics`, then the
        others (those of several outputs bear the output's name as well) sorted by name.
        """
        names: list[str] = []
        for metric in self._known_metrics():
            inner = metric.metrics if isinstance(metric, CompileMetrics) else [metric]
            names.extend(one.name for one in inner)
        ordered = [name for name in dict.fromkeys(names) if name in logs]
        ordered += sorted(set(logs) - set(ordered))
        values = [logs[name] for name in ordered]
        return values[0] if len(values) == 1 else values


def _nested_layers(layer: Any) -> list[Any]:
    """The layers inside `layer`, all the way down; nested models keep their own metrics."""
    found: list[Any] = []
    for inner in getattr(layer, "_layers", ()):
        if not isinstance(inner, Trainer):
            found.append(inner)
            found.extend(_nested_layers(inner))
    return found


_MAY_BE_METRICS = (Metric, list, tuple)


def _held_metrics(owner: Any) -> Sequence[Metric]:
    """Metrics that are attributes of `owner`, or in lists that are."""
    found: list[Metric] = []
    for name, value in vars(owner).items():
        if not isinstance(value, _MAY_BE_METRICS) or name in ("_compile_metrics", "_loss_tracker"):
            continue
        if isinstance(value, Metric):
            found.append(value)
        elif value and isinstance(value[0], Metric):
            found.extend(item for item in value if isinstance(item, Metric))
    return found
