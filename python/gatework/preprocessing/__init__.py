"""Preparing data for sequence models."""

from . import sequence
from .timeseries import timeseries_dataset_from_array

__all__ = ["sequence", "timeseries_dataset_from_array"]
