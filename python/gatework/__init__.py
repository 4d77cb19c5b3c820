"""gatework: sequence models compiled for the CPU, behind a Keras-style API."""

import importlib
from typing import TYPE_CHECKING, Any

from . import _openmp, _suggest
from .autograd import GradientTape, Tensor, Variable
from .runtime import build_config

__version__ = str(_openmp.core.build_config()["version"])

# Loaded when first used, so that importing the package costs next to nothing.
_MODULES = frozenset(
    {
        "activations",
        "callbacks",
        "config",
        "constraints",
        "dtype_policies",
        "inference",
        "initializers",
        "interop",
        "layers",
        "losses",
        "metrics",
        "mixed_precision",
        "models",
        "ops",
        "optimizers",
        "preprocessing",
        "random",
        "reference",
        "regularizers",
        "runtime",
        "samplers",
        "saving",
        "tokenizers",
        "utils",
        "wrappers",
    }
)
_NAMES = {
    "DTypePolicy": "dtype_policies",
    "Initializer": "initializers",
    "Input": "layers",
    "InputSpec": "layers",
    "KerasTensor": "layers.symbolic",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
}

__all__ = [
    "GradientTape",
    "Tensor",
    "Variable",
    "__version__",
    "build_config",
    *sorted(_MODULES | set(_NAMES)),
]

if TYPE_CHECKING:
    from .dtype_policies import DTypePolicy as DTypePolicy
    from .initializers.base import Initializer as Initializer
    from .layers import Input as Input
    from .layers import InputSpec as InputSpec
    from .layers import Layer as Layer
    from .layers.symbolic import KerasTensor as KerasTensor
    from .losses import Loss as Loss
    from .metrics import Metric as Metric
    from .models import Model as Model
    from .models import Sequential as Sequential
    from .optimizers import Optimizer as Optimizer
    from .regularizers import Regularizer as Regularizer


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _NAMES:
        return getattr(importlib.import_module(f".{_NAMES[name]}", __name__), name)
    hint = "" if name[:1] in ("", "_") else _suggest.nearest(name, __all__)
    raise AttributeError(f"module 'gatework' has no attribute '{name}'{hint}")


def __dir__() -> list[str]:
    return sorted(__all__)
