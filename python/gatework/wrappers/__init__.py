"""Models as scikit-learn estimators; needs scikit-learn, the extra `gatework[sklearn]`."""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "gatework.wrappers needs scikit-learn: pip install 'gatework[sklearn]'"
    ) from error

from .sklearn_wrapper import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]
