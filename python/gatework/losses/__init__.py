"""Losses with Keras' names: classes, functions and `get`."""

from __future__ import annotations

import inspect
from typing import Any

from .. import _absent
from .._suggest import suggest
from .base import Loss, LossFunctionWrapper
from .circle import Circle, circle
from .classes import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .ctc import CTC, ctc
from .margin import categorical_hinge, hinge, squared_hinge
from .overlap import Dice, Tversky, dice, tversky
from .probabilistic import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from .regression import (
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)

CLASSES: dict[str, type[Loss]] = {
    cls.__name__: cls
    for cls in (
        Loss,
        LossFunctionWrapper,
        CTC,
        BinaryCrossentropy,
        BinaryFocalCrossentropy,
        CategoricalCrossentropy,
        CategoricalFocalCrossentropy,
        CategoricalGeneralizedCrossEntropy,
        CategoricalHinge,
        Circle,
        CosineSimilarity,
        Dice,
        Hinge,
        Huber,
        KLDivergence,
        LogCosh,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredError,
        MeanSquaredLogarithmicError,
        Poisson,
        SparseCategoricalCrossentropy,
        SquaredHinge,
        Tversky,
    )
}

FUNCTIONS: dict[str, Any] = {
    function.__name__: function
    for function in (
        binary_crossentropy,
        binary_focal_crossentropy,
        categorical_crossentropy,
        categorical_focal_crossentropy,
        categorical_generalized_cross_entropy,
        categorical_hinge,
        circle,
        cosine_similarity,
        ctc,
        dice,
        hinge,
        huber,
        kl_divergence,
        log_cosh,
        mean_absolute_error,
        mean_absolute_percentage_error,
        mean_squared_error,
        mean_squared_logarithmic_error,
        poisson,
        sparse_categorical_crossentropy,
        squared_hinge,
        tversky,
    )
}

# Short names of Keras, and the names of tf.keras 2 that saved models carry.
ALIASES: dict[str, Any] = {
    "bce": binary_crossentropy,
    "BCE": binary_crossentropy,
    "kld": kl_divergence,
    "KLD": kl_divergence,
    "kullback_leibler_divergence": kl_divergence,
    "mae": mean_absolute_error,
    "MAE": mean_absolute_error,
    "mse": mean_squared_error,
    "MSE": mean_squared_error,
    "mape": mean_absolute_percentage_error,
    "MAPE": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error,
    "MSLE": mean_squared_logarithmic_error,
    "logcosh": log_cosh,
}


def get(identifier: Any) -> Any:
    """Returns the loss that `identifier` names.

    Args:
        identifier: None (gives None), a name such as "mse" or "BinaryCrossentropy", a config
            dictionary, a function, or a `Loss`.

    Raises:
        ValueError: for an unknown name; the message lists the nearest known ones.
    """
    if identifier is None:
        return None
    found = identifier
    if isinstance(identifier, str):
        found = FUNCTIONS.get(identifier) or ALIASES.get(identifier) or CLASSES.get(identifier)
        if found is None:
            hint = suggest(identifier, [*FUNCTIONS, *ALIASES, *CLASSES, "crossentropy"])
            raise ValueError(f"loss must be the name of a loss, not {identifier!r}{hint}")
    elif isinstance(identifier, dict):
        found = deserialize(identifier)
    if inspect.isclass(found):
        found = found()
    if not callable(found):
        raise ValueError(f"loss must be a name, a function or a Loss, not {identifier!r}")
    return found


def __getattr__(name: str) -> Any:
    """Says of Keras' other losses why they are not here."""
    _absent.refuse("losses", name)


def serialize(loss: Any) -> Any:
    """Returns the config of a loss: a dictionary for an object, the name of a function."""
    from ..saving import serialize_keras_object

    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` returned."""
    if isinstance(name, str) and (custom_objects is None or name not in custom_objects):
        return get(name)
    from ..saving import deserialize_keras_object

    return deserialize_keras_object(name, custom_objects=custom_objects)


__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CTC",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]
