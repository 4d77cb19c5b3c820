"""The loss of `compile`: one per output, weighted and summed."""

from __future__ import annotations

from typing import Any

from .. import losses as losses_module
from ..autograd import Tensor
from ..losses import Loss, LossFunctionWrapper
from ..metrics import Mean
from ..tree import flatten, is_nested
from .compile_metrics import label_kind
from .label_checks import check_label_shape, check_no_nan, is_cross_entropy, is_sparse
from .outputs import by_output, output_names, select, select_weights
from .ragged import share_mask

_BY_KIND = {
    "binary": losses_module.binary_crossentropy,
    "sparse": losses_module.sparse_categorical_crossentropy,
    "categorical": losses_module.categorical_crossentropy,
}


def resolve_loss(identifier: Any, true: tuple[int, ...], pred: tuple[int, ...]) -> Loss | None:
    """Returns the loss for a name, a function or an object; "crossentropy" goes by the shapes."""
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        found: Any = _BY_KIND[label_kind(true, pred)]
    else:
        found = losses_module.get(identifier)
    if found is None or isinstance(found, Loss):
        return found
    name = identifier if isinstance(identifier, str) else getattr(found, "__name__", "loss")
    return LossFunctionWrapper(found, name=name)


def check_losses(loss: Any) -> None:
    """Raises ValueError for an unknown loss name, before any data is seen."""
    for identifier in flatten(loss):
        if isinstance(identifier, str) and identifier.lower() not in ("crossentropy", "ce"):
            losses_module.get(identifier)


class CompileLoss:
    """Computes the training loss from labels and predictions of any structure.

    Attributes:
        metrics: with several outputs, the mean of each output's own loss, for the logs.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, names: list[str] | None = None) -> None:
        check_losses(loss)
        self._user_loss = loss
        self._user_weights = loss_weights
        self._names = names
        self.built = False
        self.metrics: list[Mean] = []
        self._losses: list[Loss | None] = []
        self._weights: list[float | None] = []
        self._checked: list[Any] = []

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolves names for labels and predictions of these structures and shapes."""
        predictions = flatten(y_pred)
        names = output_names(y_pred, self._names)
        labels = select(y_true, y_pred, self._names)
        wanted = by_output(self._user_loss, y_pred, names, "loss")
        weights = self._user_weights
        if isinstance(weights, int | float) and len(predictions) > 1:
            raise ValueError(f"loss_weights must be a list or a dict, not {weights!r}")
        self._weights = by_output(weights, y_pred, names, "loss_weights")
        if len(predictions) == 1:
            # A list holding the loss of the only output.
            wanted = [flatten(wanted[0])[0]]
            self._weights = [flatten(self._weights[0])[0]]
        self._losses = [
            None if label is None else resolve_loss(loss, tuple(label.shape), tuple(pred.shape))
            for loss, label, pred in zip(wanted, labels, predictions, strict=True)
        ]
        if not any(loss is not None for loss in self._losses):
            raise ValueError("y must be given: the loss compares it with the predictions")
        if sum(loss is not None for loss in self._losses) > 1:
            self.metrics = [
                Mean(name=f"{names[i] if names[i] is not None else loss.name}_loss")
                for i, loss in enumerate(self._losses)
                if loss is not None
            ]
        self._checked = [None] * len(predictions)
        self.built = True

    def _check(self, i: int, loss: Loss, label: Any, prediction: Any) -> None:
        """Checks shapes, once per combination of them; the batch size does not matter."""
        shapes = (label.shape[1:], prediction.shape[1:])
        if self._checked[i] != shapes:
            check_label_shape(loss, tuple(label.shape), tuple(prediction.shape))
            self._checked[i] = shapes

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor | None:
        if not self.built:
            self.build(y_true, y_pred)
        if isinstance(y_pred, Tensor) and not is_nested(y_true) and not is_nested(sample_weight):
            predictions, labels, weights = [y_pred], [y_true], [sample_weight]  # mostly
        else:
            predictions = flatten(y_pred)
            labels = select(y_true, y_pred, self._names)
            weights = select_weights(sample_weight, y_pred, self._names)
        trackers = iter(self.metrics)
        total: Tensor | None = None
        for i, loss in enumerate(self._losses):
            if loss is None or labels[i] is None:
                continue
            share_mask(labels[i], predictions[i])
            self._check(i, loss, labels[i], predictions[i])
            value = loss(labels[i], predictions[i], weights[i])
            if self.metrics:
                next(trackers).update_state(value, sample_weight=predictions[i].shape[0])
            if self._weights[i] is not None:
                value = value * self._weights[i]
            total = value if total is None else total + value
        return total

    def _known_losses(self) -> list[Any]:
        """The losses as far as they are known without shapes."""
        return [
            identifier
            if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")
            else resolve_loss(identifier, (), ())
            for identifier in flatten(self._user_loss)
        ]

    def has_sparse_labels(self) -> bool:
        """True when the labels are class indices."""
        return any(is_sparse(loss) for loss in self._known_losses())

    def check_labels(self, y: Any) -> None:
        """Raises ValueError when labels hold NaN and a cross-entropy would meet them."""
        if any(isinstance(loss, str) or is_cross_entropy(loss) for loss in self._known_losses()):
            check_no_nan(y)
