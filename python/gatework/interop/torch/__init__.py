"""PyTorch's state dicts: the weights of modules by name, both ways.

``LSTM``, ``GRU``, ``RNN``, ``Embedding``, ``Linear``, ``LayerNorm``, ``BatchNorm1d`` and
``Conv1d`` have counterparts. A state dict says nothing of anything but weights: activations,
``eps`` (1e-5 there, 1e-3 here), dropout and the order of axes are the program's to set.
"""

from __future__ import annotations

from .files import read_state_dict, write_state_dict
from .models import load_state_dict, state_dict

__all__ = ["load_state_dict", "read_state_dict", "state_dict", "write_state_dict"]
