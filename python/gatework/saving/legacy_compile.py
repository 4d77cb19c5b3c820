"""The arguments of ``compile`` and the state of the optimizer as ``.h5`` files have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Array, Variable
from . import registry
from .serialization import deserialize_keras_object

__all__ = ["compile_arguments", "modern_compile", "restore_optimizer"]

_EPSILON = 1e-7  # what None meant
_SCHEDULE_DECAY = 0.004  # Nadam's, which Keras 3 no longer lets one choose
_FORGOTTEN = ("is_legacy_optimizer", "jit_compile")
_KEPT = ("jit_compile", "loss_weights", "optimizer", "run_eagerly", "steps_per_execution")
_LOSS_FORGOTTEN = {"reduction": ("auto",)}
# Their updates do not depend on how many there were, and some versions kept no count of them.
_COUNTLESS = ("Adadelta", "Adagrad", "RMSprop")
_ACCURACY = ("acc", "accuracy")


def compile_arguments(config: Any) -> dict[str, Any]:
    """The arguments of ``Model.compile`` that a file's "training_config" means.

    Raises:
        ValueError: for an optimizer, loss or metric that is unknown, or an argument of one.
    """
    if not isinstance(config, dict) or not isinstance(config.get("optimizer_config"), dict):
        raise ValueError(f"it must have an optimizer_config, not {str(config)[:200]}")
    return {
        "optimizer": _optimizer(config["optimizer_config"]),
        "loss": _objects(config.get("loss"), "losses"),
        "loss_weights": config.get("loss_weights"),
        "metrics": _flat(_objects(config.get("metrics"), "metrics")),
        "weighted_metrics": _flat(_objects(config.get("weighted_metrics"), "metrics")),
    }


def modern_compile(config: Any) -> Any:
    """The "compile_config" of a ``.keras`` file of Keras 2 in the words of Keras 3."""
    given = config.get("compile_config")
    if not given:
        return None
    if not isinstance(given, dict):
        raise ValueError(f"compile_config must be a dictionary, not {given!r:.80}")
    found = {key: given[key] for key in _KEPT if key in given}
    if isinstance(given.get("optimizer"), dict):
        found["optimizer"] = _optimizer(given["optimizer"])
    found["loss"] = _objects(given.get("loss"), "losses")
    for key in ("metrics", "weighted_metrics"):
        found[key] = _flat(_objects(given.get(key), "metrics"))
    return found


def _optimizer(entry: dict[str, Any]) -> dict[str, Any]:
    name, given = entry.get("class_name"), entry.get("config")
    if not isinstance(name, str) or not isinstance(given, dict):
        raise ValueError(f"optimizer must have a class_name and a config, not {str(entry)[:200]}")
    config = {key: value for key, value in given.items() if key not in _FORGOTTEN}
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
    decay = config.pop("decay", 0.0)
    if decay:
        config["learning_rate"] = {
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "config": {
                "initial_learning_rate": config.get("learning_rate"),
                "decay_steps": 1,
                "decay_rate": decay,
            },
        }
    if config.get("epsilon", 0) is None:
        config["epsilon"] = _EPSILON
    if config.pop("schedule_decay", _SCHEDULE_DECAY) != _SCHEDULE_DECAY:
        raise ValueError(f"schedule_decay of {name} must be {_SCHEDULE_DECAY}")
    return {"module": "keras.optimizers", "class_name": name, "config": config}


def _objects(value: Any, topic: str) -> Any:
    """Losses or metrics in any structure; names stay names."""
    if isinstance(value, list):
        return [_objects(item, topic) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {key: _objects(item, topic) for key, item in value.items()}
    name, config = value["class_name"], value.get("config")
    if not isinstance(config, dict):
        return config if name == "function" else deserialize_keras_object(value)
    function = config.get("fn")
    if name == "MeanMetricWrapper" and isinstance(function, str):
        return "accuracy" if config.get("name") in _ACCURACY else function
    inner = {k: v for k, v in config.items() if v not in _LOSS_FORGOTTEN.get(k, ())}
    found = {"module": f"keras.{topic}", **value, "config": inner}
    if registry.find_custom(str(name)) is not None:
        found = value
    return deserialize_keras_object(found)


def _flat(metrics: Any) -> Any:
    """Metrics of the only output need no list of lists."""
    if isinstance(metrics, list) and len(metrics) == 1 and isinstance(metrics[0], list):
        return metrics[0]
    return metrics


def restore_optimizer(
    optimizer: Any, variables: Sequence[Variable], arrays: Sequence[Array], major: int
) -> bool:
    """Sets the counter and the slots; whether that could be done.

    Keras 3 and the last tf.keras keep the slots weight by weight, the versions before kind by
    kind: all first moments, then all second ones.
    """
    optimizer.build(variables)
    own = list(optimizer.variables)
    if [a.shape for a in arrays] == [v.shape for v in own] and (major == 3 or _has_rate(arrays)):
        optimizer.set_weights(arrays)
        return True
    if major == 3:
        return False
    counted = [a for a in arrays if a.shape == ()]
    stored = [a for a in arrays if a.shape != ()]
    counts = type(optimizer).__name__ not in _COUNTLESS or not _fixed_rate(optimizer)
    if len(counted) > 1 or (not counted and counts):
        return False
    slots = [v for v in own if v is not own[0] and v is not optimizer._learning_rate]
    kinds, rest = divmod(len(slots), len(variables) or 1)
    shapes = [v.shape for kind in range(kinds) for v in slots[kind::kinds]]
    left = stored[len(slots) :] if kinds else []  # without momentum theirs is kept, and not used
    if (
        rest
        or [a.shape for a in stored[: len(slots)]] != shapes
        or any(
            a.shape != (1,)
            for a in left  # the place of amsgrad's maximum, unused
        )
    ):
        return False
    if counted:
        own[0].assign(counted[0])
    for kind in range(kinds):
        for slot, value in zip(slots[kind::kinds], stored[kind * len(variables) :], strict=False):
            slot.assign(value)
    return True


def _has_rate(arrays: Sequence[Array]) -> bool:
    return len(arrays) > 1 and arrays[0].shape == () and arrays[1].shape == ()


def _fixed_rate(optimizer: Any) -> bool:
    return isinstance(optimizer._learning_rate, Variable)
