"""State dicts in files, read without running what they hold."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...autograd import Array
from ...utils.files import atomic_write, read_file
from ..extras import load_extra
from ..safetensors import read_tensors, write_tensors

__all__ = ["as_arrays", "read_state_dict", "write_state_dict"]

Path = str | os.PathLike[str]
PICKLED = (".pt", ".pth", ".bin")
_INSIDE = ("state_dict", "model_state_dict", "model")  # where training programs put it


def read_state_dict(filepath: Path) -> dict[str, Array]:
    """The arrays of a ``.safetensors`` or, with PyTorch installed, ``.pt``, ``.pth``, ``.bin``.

    A ``.pt`` is read with ``weights_only=True``: tensors and plain containers, no other objects.

    Raises:
        ImportError: without the package the file needs.
        ValueError: for another ending, or a file that is damaged or holds anything else.
    """
    path = os.fspath(filepath)
    if path.endswith(".safetensors"):
        return read_tensors(path)[0]
    if not path.endswith(PICKLED):
        endings = ", ".join((".safetensors", *PICKLED))
        raise ValueError(f"filepath must end in one of {endings}, not {path!r}")
    torch = load_extra("torch", "PyTorch's own files")
    data = read_file(path)
    try:
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        # Many kinds come out of a damaged archive; the sentence says which it was.
        raise ValueError(
            f"{path!r} must be a state dict that can be read without running code: {error}"
        ) from error
    if not isinstance(found, Mapping):
        raise ValueError(f"{path!r} must hold a state dict, not {type(found).__name__}")
    for key in _INSIDE:
        if isinstance(found.get(key), Mapping):
            found = found[key]
    return as_arrays(found)


def write_state_dict(filepath: Path, state: Mapping[str, Any]) -> None:
    """Writes a state dict as ``.safetensors`` or, with PyTorch installed, ``.pt`` or ``.pth``.

    Raises:
        ImportError: without the package the file needs.
        ValueError: for another ending.
    """
    path = os.fspath(filepath)
    arrays = as_arrays(state)
    if path.endswith(".safetensors"):
        write_tensors(path, arrays, {"format": "pt"})
        return
    if not path.endswith(PICKLED):
        endings = ", ".join((".safetensors", *PICKLED))
        raise ValueError(f"filepath must end in one of {endings}, not {path!r}")
    torch = load_extra("torch", "PyTorch's own files")
    buffer = io.BytesIO()
    torch.save({name: torch.from_numpy(np.array(a)) for name, a in arrays.items()}, buffer)
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())


def as_arrays(state: Mapping[str, Any]) -> dict[str, Array]:
    """Tensors or arrays by name as arrays, without the prefix that DataParallel puts before all.

    Raises:
        ValueError: for a value that holds no numbers; the message names it.
    """
    if state and all(str(name).startswith("module.") for name in state):
        state = {str(name).removeprefix("module."): value for name, value in state.items()}
    return {str(name): _array(str(name), value) for name, value in state.items()}


def _array(name: str, value: Any) -> Array:
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
        value = value.numpy()
    found = np.asarray(value)
    if found.dtype.kind not in "fiub":
        raise ValueError(f"{name!r} of the state dict must hold numbers, not {value!r:.80}")
    return found
