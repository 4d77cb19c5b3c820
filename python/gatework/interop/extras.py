"""Packages that are extras, imported when first used."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["load_extra"]


def load_extra(package: str, purpose: str, *modules: str, extra: str | None = None) -> Any:
    """A package.

    Args:
        package: its name.
        purpose: what needs it: the subject of the error sentence.
        modules: parts of it that are imported as well.
        extra: the extra that brings it; that of its own name by default.

    Raises:
        ImportError: if it is not installed; the message says how to install it.
    """
    try:
        found = importlib.import_module(package)
        for name in modules:
            importlib.import_module(f"{package}.{name}")
    except ImportError as error:
        raise ImportError(
            f"{purpose} need the {package} package: pip install 'gatework[{extra or package}]'"
        ) from error
    return found
