"""Preparing data for sequence models."""

from . import sequence

__all__ = ["sequence"]
