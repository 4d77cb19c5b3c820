"""The metrics of `compile`: names turned into objects once the shapes are known, one per output."""

from __future__ import annotations

from typing import Any

from .. import metrics as metrics_module
from ..autograd import Tensor
from ..metrics import MeanMetricWrapper, Metric
from ..tree import flatten, is_nested
from .outputs import by_output, output_names, select, select_weights

Shape = tuple[int, ...]


def label_kind(true: Shape, pred: Shape) -> str:
    """Tells "binary", "sparse" or "categorical" labels from the shapes, as Keras does."""
    if pred and pred[-1] == 1:
        return "binary"
    if len(true) < len(pred) or (true and true[-1] == 1 and pred[-1] > 1):
        return "sparse"
    return "categorical"


_ACCURACIES: dict[str, type[Metric]] = {
    "binary": metrics_module.BinaryAccuracy,
    "sparse": metrics_module.SparseCategoricalAccuracy,
    "categorical": metrics_module.CategoricalAccuracy,
}


def resolve_metric(identifier: Any, true: Shape, pred: Shape) -> Metric:
    """Returns the metric for a name, a function or an object.

    Raises:
        ValueError: for an unknown name.
    """
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        return _ACCURACIES[label_kind(true, pred)](name=identifier)
    found = metrics_module.get(identifier)
    if found is None:
        raise ValueError("metrics must be names, functions or Metrics, not None")
    if isinstance(found, Metric):
        if isinstance(identifier, str):
            found.name = identifier
        return found
    name = identifier if isinstance(identifier, str) else getattr(found, "__name__", "metric")
    return MeanMetricWrapper(found, name=name)


def check_metrics(argument: str, metrics: Any) -> None:
    """Raises for what can be told to be wrong before any shape is known."""
    if metrics is None:
        return
    if not isinstance(metrics, list | tuple | dict):
        hint = f"; write {argument}=[{metrics!r}]" if isinstance(metrics, str) else ""
        raise ValueError(f"{argument} must be a list or a dict, not {metrics!r}{hint}")
    for identifier in flatten(metrics):
        if isinstance(identifier, str) and identifier.lower() not in ("accuracy", "acc"):
            metrics_module.get(identifier)


class CompileMetrics(Metric):
    """All metrics and weighted metrics of a model, updated together."""

    def __init__(self, metrics: Any, weighted_metrics: Any, names: list[str] | None = None) -> None:
        super().__init__(name="compile_metrics")
        check_metrics("metrics", metrics)
        check_metrics("weighted_metrics", weighted_metrics)
        self._user = (metrics, weighted_metrics)
        self._names = names
        self.built = False
        # One list per output; each entry is the metric and its name in the logs.
        self._plain: list[list[tuple[str, Metric]]] = []
        self._weighted: list[list[tuple[str, Metric]]] = []

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Creates the metrics for labels and predictions of these structures and shapes."""
        predictions = flatten(y_pred)
        names = output_names(y_pred, self._names)
        labels = select(y_true, y_pred, self._names)
        many = len(predictions) > 1
        taken: dict[str, int] = {}
        built = []
        for argument, chosen in zip(("metrics", "weighted_metrics"), self._user, strict=True):
            per_output = []
            for i, wanted in enumerate(by_output(chosen, y_pred, names, argument)):
                prefix = f"{names[i]}_" if many and names[i] is not None else ""
                metrics = []
                for identifier in flatten(wanted) if wanted is not None else []:
                    shape = tuple(labels[i].shape) if labels[i] is not None else ()
                    metric = resolve_metric(identifier, shape, tuple(predictions[i].shape))
                    name = prefix + metric.name
                    if name in taken and argument == "weighted_metrics":
                        name = f"{prefix}weighted_{metric.name}"
                    metrics.append((_unused(name, taken), metric))
                per_output.append(metrics)
            built.append(per_output)
        self._plain, self._weighted = built
        self.built = True

    @property
    def metrics(self) -> list[Metric]:
        """Every metric, in the order of their results."""
        return [m for group in (*self._plain, *self._weighted) for _, m in group]

    @property
    def variables(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if not self.built:
            self.build(y_true, y_pred)
        if isinstance(y_pred, Tensor) and not is_nested(y_true) and not is_nested(sample_weight):
            predictions, labels, weights = [y_pred], [y_true], [sample_weight]  # mostly
        else:
            predictions = flatten(y_pred)
            labels = select(y_true, y_pred, self._names)
            weights = select_weights(sample_weight, y_pred, self._names)
        for i, prediction in enumerate(predictions):
            for _, metric in self._plain[i]:
                metric.update_state(labels[i], prediction)
            for _, metric in self._weighted[i]:
                metric.update_state(labels[i], prediction, sample_weight=weights[i])

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        results: dict[str, Any] = {}
        for group in (*self._plain, *self._weighted):
            for name, metric in group:
                results[name] = metric.result()
        return results


def _unused(name: str, taken: dict[str, int]) -> str:
    """The name, with a number behind it when it is taken."""
    count = taken.get(name, 0)
    taken[name] = count + 1
    return f"{name}_{count}" if count else name
