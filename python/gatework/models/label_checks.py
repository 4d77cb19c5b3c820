"""Labels that cannot fit the loss, found before training and explained."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import as_array
from ..losses import FUNCTIONS, LossFunctionWrapper
from ..tree import flatten
from .ragged import Ragged

_CROSS_ENTROPIES = frozenset(
    {
        "binary_crossentropy",
        "binary_focal_crossentropy",
        "categorical_crossentropy",
        "categorical_focal_crossentropy",
        "sparse_categorical_crossentropy",
    }
)


# Labels are the index of a class.
_OF_INDICES = frozenset(
    {"sparse_categorical_crossentropy", "categorical_generalized_cross_entropy"}
)
# Labels have a shape of their own, which these check themselves.
_OWN_SHAPE = frozenset({"circle", "ctc"})


def function_name(loss: Any) -> str:
    """The name of the built-in function inside a loss; "" for any other loss."""
    function = loss.fn if isinstance(loss, LossFunctionWrapper) else loss
    name = getattr(function, "__name__", "")
    return name if FUNCTIONS.get(name) is function else ""


def is_sparse(loss: Any) -> bool:
    """True for a loss whose labels are class indices."""
    return function_name(loss) in _OF_INDICES


def is_cross_entropy(loss: Any) -> bool:
    """True for a built-in cross-entropy."""
    return function_name(loss) in _CROSS_ENTROPIES


def check_no_nan(y: Any) -> None:
    """Raises ValueError when labels hold NaN."""
    for leaf in flatten(y):
        if leaf is None:
            continue
        labels = as_array(leaf.values if isinstance(leaf, Ragged) else leaf)
        if labels.dtype.kind == "f":
            bad = np.isnan(labels)
            if bad.any():
                first = tuple(int(i) for i in np.argwhere(bad)[0])
                raise ValueError(
                    f"y must hold no NaN for a cross-entropy, not {int(bad.sum())} of them, "
                    f"the first at {first[0] if len(first) == 1 else first}"
                )


def check_label_shape(loss: Any, true: tuple[int, ...], pred: tuple[int, ...]) -> None:
    """Raises ValueError when labels of shape `true` cannot meet predictions of shape `pred`.

    Only the built-in losses are checked: a user's own may compare whatever it likes.
    """
    name = function_name(loss)
    if not name or name in _OWN_SHAPE:
        return
    if name in _OF_INDICES:
        _check_sparse(loss, name, true, pred)
    elif name.startswith("categorical") and name.endswith("crossentropy"):
        _check_one_hot(name, true, pred)
    elif not _same(true, pred):
        raise ValueError(
            f"y must have the shape of the model's output {_batch(pred)} for loss {name!r}, "
            f"not {_batch(true)}{_hint(name, true, pred)}"
        )


def _check_sparse(loss: Any, name: str, true: tuple[int, ...], pred: tuple[int, ...]) -> None:
    axis = getattr(loss, "_fn_kwargs", {}).get("axis", -1)
    classes = pred[axis] if pred else 0
    expected = tuple(n for i, n in enumerate(pred) if i != axis % len(pred)) if pred else ()
    if true in (expected, (*expected, 1)):
        return
    one_hot = "; for one-hot labels write loss='categorical_crossentropy'" if true == pred else ""
    raise ValueError(
        f"y must hold one class index per prediction, shape {_batch(expected)}, for an output of "
        f"{classes} classes {_batch(pred)} and loss {name!r}, "
        f"not {_batch(true)}{one_hot}"
    )


def _check_one_hot(name: str, true: tuple[int, ...], pred: tuple[int, ...]) -> None:
    if true == pred:
        return
    indices = true in (pred[:-1], (*pred[:-1], 1))
    hint = (
        f"; for class indices write loss='sparse_{name}'"
        if indices and name == "categorical_crossentropy"
        else ""
    )
    raise ValueError(
        f"y must be one-hot, of the shape of the model's output {_batch(pred)}, for loss {name!r}, "
        f"not {_batch(true)}{hint}"
    )


def _same(true: tuple[int, ...], pred: tuple[int, ...]) -> bool:
    return true == pred or (*true, 1) == pred or true == (*pred, 1)


def _hint(name: str, true: tuple[int, ...], pred: tuple[int, ...]) -> str:
    if name == "binary_crossentropy" and true == pred[:-1] and pred[-1] > 1:
        return (
            "; for class indices write loss='sparse_categorical_crossentropy', "
            "for labels 0 and 1 give the last layer one unit"
        )
    if len(pred) == len(true) + 1 and len(pred) >= 3:
        return "; for one output per sequence give the last recurrent layer return_sequences=False"
    if len(true) >= 2 and len(pred) == 2 and pred[-1] == 1 and true[1] > 1:
        return "; for one output per step give the recurrent layers return_sequences=True"
    return ""


def _batch(shape: tuple[int, ...]) -> str:
    """A shape with its batch axis left open."""
    inner = ", ".join(["batch", *(str(n) for n in shape[1:])])
    return f"({inner})"
