"""Layers of Keras 1 in the words of Keras 2."""

from __future__ import annotations

from typing import Any

__all__ = ["translate"]

_CLASSES = {
    "AtrousConvolution1D": "Conv1D",
    "Convolution1D": "Conv1D",
    "TimeDistributedDense": "Dense",
}
_EVERYWHERE = {
    "U_constraint": "recurrent_constraint",
    "U_regularizer": "recurrent_regularizer",
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "border_mode": "padding",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "init": "kernel_initializer",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
    "output_dim": "units",
}
_POOLING = {"pool_length": "pool_size", "stride": "strides"}
_OWN: dict[str, dict[str, str]] = {
    "AveragePooling1D": _POOLING,
    "BatchNormalization": {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
    "Conv1D": {
        "atrous_rate": "dilation_rate",
        "filter_length": "kernel_size",
        "nb_filter": "filters",
        "subsample_length": "strides",
    },
    "Dropout": {"p": "rate"},
    "Embedding": {
        "W_constraint": "embeddings_constraint",
        "W_regularizer": "embeddings_regularizer",
        "init": "embeddings_initializer",
        "output_dim": "output_dim",
    },
    "GaussianDropout": {"p": "rate"},
    "GaussianNoise": {"sigma": "stddev"},
    "MaxPooling1D": _POOLING,
    "SpatialDropout1D": {"p": "rate"},
    "UpSampling1D": {"length": "size"},
}
_MERGES = {
    "ave": "Average",
    "concat": "Concatenate",
    "cos": "Dot",
    "dot": "Dot",
    "max": "Maximum",
    "mul": "Multiply",
    "sum": "Add",
}
_FORGOTTEN = ("consume_less", "input_dtype", "input_length")
_INITIALIZERS = {
    "normal": "RandomNormal",
    "one": "Ones",
    "uniform": "RandomUniform",
    "zero": "Zeros",
}
_CONSTRAINTS = {
    "maxnorm": "MaxNorm",
    "nonneg": "NonNeg",
    "unitnorm": "UnitNorm",
}


def translate(name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and the configuration that Keras 2 would have written.

    Raises:
        ValueError: for an argument whose meaning nothing here has.
    """
    label = f"{name} {config.get('name', '')!r}"
    if name == "Merge":
        return _merge(label, config)
    name = _CLASSES.get(name, name)
    given = {key: value for key, value in config.items() if key not in _FORGOTTEN}
    if name != "Embedding":
        given.pop("input_dim", None)
    elif given.pop("dropout", 0.0):
        raise ValueError(f"dropout of {label} must be 0, not {config['dropout']!r}: use Dropout")
    if given.pop("mode", 0) != 0:
        raise ValueError(f"mode of {label} must be 0, not {config['mode']!r}")
    forget = given.pop("forget_bias_init", None)
    if name == "LSTM":
        given["unit_forget_bias"] = forget in (None, "one")
    own = _OWN.get(name, {})
    renamed = {own.get(key) or _EVERYWHERE.get(key, key): v for key, v in given.items()}
    return name, {key: _value(label, key, value) for key, value in renamed.items()}


def _merge(label: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Merge as the layer of its mode; models inside it, as in a Sequential, have no counterpart."""
    mode = config.get("mode")
    if mode not in _MERGES or config.get("mode_type", "raw") != "raw":
        raise ValueError(f"mode of {label} must be one of {', '.join(_MERGES)}, not {mode!r}")
    if config.get("layers"):
        raise ValueError(f"layers of {label} must be empty: make it a functional model")
    found: dict[str, Any] = {"name": config.get("name")}
    if mode == "concat":
        found["axis"] = config.get("concat_axis", -1)
    elif mode in ("dot", "cos"):
        found |= {"axes": config.get("dot_axes", -1), "normalize": mode == "cos"}
    return _MERGES[mode], found


def _value(label: str, key: str, value: Any) -> Any:
    if key.endswith("initializer") and isinstance(value, str):
        return _INITIALIZERS.get(value, value)
    if key.endswith("regularizer") and isinstance(value, dict):
        return _regularizer(label, key, value)
    if key.endswith("constraint") and isinstance(value, dict):
        return _constraint(label, key, value)
    return value


def _regularizer(label: str, key: str, value: dict[str, Any]) -> dict[str, Any]:
    if set(value) - {"name", "l1", "l2"}:
        raise ValueError(f"{key} of {label} must have l1 and l2, not {value!r}")
    return {
        "class_name": "L1L2",
        "config": {"l1": value.get("l1", 0.0), "l2": value.get("l2", 0.0)},
    }


def _constraint(label: str, key: str, value: dict[str, Any]) -> dict[str, Any]:
    found = _CONSTRAINTS.get(str(value.get("name", "")).lower())
    if found is None:
        raise ValueError(f"{key} of {label} must be one of {list(_CONSTRAINTS)}, not {value!r}")
    inner = {"max_value" if k == "m" else k: v for k, v in value.items() if k != "name"}
    return {"class_name": found, "config": inner}
