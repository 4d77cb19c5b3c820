"""Estimators around models: `fit(X, y)`, `predict(X)`, cloning and parameters as scikit-learn has
them, so that pipelines, cross-validation and searches take them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from ..models import Model
from .pickled_model import PickledModel

Array = npt.NDArray[Any]


class _Wrapper(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the estimators share.

    Args:
        model: a compiled model, copied with new weights before it is trained; or a function of
            `X`, `y` and `model_kwargs` that returns a compiled model.
        warm_start: trains the given model itself, and goes on with its weights in later fits.
        model_kwargs: further arguments of the function.
        fit_kwargs: arguments of every `model.fit`; those of `fit` itself come first.

    Attributes:
        model_: the trained model.
        history_: the `History` of its training.
    """

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self) -> Self:
        # A model's weights are part of it: a copy of their values goes with the clone.
        model = copy.deepcopy(self.model) if isinstance(self.model, Model) else self.model
        others = {name: copy.deepcopy(value) for name, value in self.get_params(False).items()
                  if name != "model"}  # fmt: skip
        return type(self)(model=model, **others)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name, value in state.items():
            if isinstance(value, Model):
                state[name] = PickledModel.of(value)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        full = {
            name: value.model() if isinstance(value, PickledModel) else value
            for name, value in state.items()
        }
        super().__setstate__(full)

    @property
    def epoch_(self) -> list[int]:
        """The epochs of the last training."""
        history = getattr(self, "history_", None)
        return [] if history is None else history.epoch

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Self:
        """Trains the model.

        Args:
            X: inputs `(samples, features)`.
            y: targets `(samples,)` or `(samples, outputs)`.
            **kwargs: further arguments of `model.fit`. Samples whose `sample_weight` is zero are
                left out, as for any estimator of scikit-learn.

        Raises:
            RuntimeError: for a model that is not compiled.
        """
        X, y = validate_data(self, X, y, multi_output=True)
        arguments = {**(self.fit_kwargs or {}), **kwargs}
        weight = arguments.get("sample_weight")
        if weight is not None:
            kept = np.asarray(weight) != 0
            if kept.ndim == 1 and len(kept) == len(X) and not kept.all():
                X, y, arguments["sample_weight"] = X[kept], y[kept], np.asarray(weight)[kept]
        targets = self._encoded(y)
        model = self._new_model(X, targets)
        if not model.compiled or model.optimizer is None or not model.loss:
            raise RuntimeError("model must be compiled with a loss and an optimizer")
        self.history_ = model.fit(X, targets, **arguments)
        self.model_ = model
        return self

    def _new_model(self, X: Array, y: Array) -> Model:
        if self.warm_start and hasattr(self, "model_"):
            known: Model = self.model_
            return known
        if not isinstance(self.model, Model):
            return self.model(X=X, y=y, **(self.model_kwargs or {}))
        if self.warm_start:
            return self.model
        fresh = type(self.model).from_config(self.model.get_config())
        if self.model.compiled:
            fresh.compile_from_config(self.model.get_compile_config())
        return fresh

    def _encoded(self, y: Array) -> Array:
        try:
            y = y.astype(np.float64 if y.dtype == object else y.dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"y must hold numbers. Unknown label type: {y.dtype}") from error
        self._flat = y.ndim == 1
        return y.reshape(-1, 1) if self._flat else y

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        outputs: Array = self.model_.predict(X, verbose=0)
        return outputs


class SKLearnRegressor(RegressorMixin, _Wrapper):  # type: ignore[misc]
    __doc__ = f"A model as a scikit-learn regressor.\n{(_Wrapper.__doc__ or '').partition('.')[2]}"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Any) -> Array:
        """The model's outputs, in the shape of the targets."""
        outputs = self._outputs(X).astype(np.float64)
        return outputs[:, 0] if self._flat and outputs.ndim == 2 else outputs


class SKLearnClassifier(ClassifierMixin, _Wrapper):  # type: ignore[misc]
    __doc__ = (
        "A model as a scikit-learn classifier: trained with one-hot labels, one column per "
        f"class.\n{(_Wrapper.__doc__ or '').partition('.')[2]}    classes_: the classes, sorted.\n"
    )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def _encoded(self, y: Array) -> Array:
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                f"y must be binary or multiclass, not {kind}. Only binary classification and "
                "multiclass are supported, no regression targets. Unknown label type: " + kind
            )
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ValueError(
                "y must hold several classes, not one class alone, without the samples whose "
                "sample_weight is zero"
            )
        one_hot: Array = np.eye(len(self.classes_), dtype=np.float32)[indices.reshape(-1)]
        return one_hot

    def predict(self, X: Any) -> Array:
        """The class of the largest output."""
        best = self._outputs(X).argmax(axis=-1)
        found: Array = self.classes_[best]
        return found

    def decision_function(self, X: Any) -> Array:
        """The model's outputs, one column per class; for two classes how far the second leads."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs


class SKLearnTransformer(TransformerMixin, _Wrapper):  # type: ignore[misc]
    __doc__ = (
        "A model as a scikit-learn transformer: what it computes becomes the features of the next "
        f"step.\n{(_Wrapper.__doc__ or '').partition('.')[2]}"
    )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        tags.target_tags.required = True
        return tags

    def transform(self, X: Any) -> Array:
        """The model's outputs."""
        return self._outputs(X)
