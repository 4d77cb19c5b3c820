"""Arguments that several layers take: each is read, or refused in a sentence, in one place."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "axes_of",
    "data_format_of",
    "not_negative",
    "padding_of",
    "positive_int",
    "positive_number",
    "refuse_adapters",
    "share_of",
    "size_of",
    "sizes_of",
]


def _is_whole(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool | np.bool_)


def positive_int(name: str, value: Any) -> int:
    """The value as an int; raises ValueError, naming the argument, unless it is above zero."""
    if not _is_whole(value) or value.__index__() <= 0:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
    return int(value.__index__())


def sizes_of(name: str, value: Any, count: int, least: int = 1) -> tuple[int, ...]:
    """So many integers, all alike where only one is given.

    Raises:
        ValueError: for another number of them, or one below ``least``.
    """
    given = (value,) * count if _is_whole(value) else value
    if (
        not isinstance(given, tuple | list)
        or len(given) != count
        or not all(_is_whole(one) and one.__index__() >= least for one in given)
    ):
        many = "an integer" if count == 1 else f"{count} integers"
        raise ValueError(f"{name} must be {many} of at least {least}, not {value!r}")
    return tuple(int(one.__index__()) for one in given)


def size_of(name: str, value: Any) -> int:
    """A positive integer, given as it is or as a tuple of one."""
    return sizes_of(name, value, 1)[0]


def padding_of(value: Any, causal: bool = False) -> str:
    """ "valid", "same" or, where there is such a thing, "causal", in lower case.

    Raises:
        ValueError: for anything else.
    """
    known = ("valid", "same", "causal") if causal else ("valid", "same")
    found = value.lower() if isinstance(value, str) else value
    if found not in known:
        names = ", ".join(repr(name) for name in known)
        raise ValueError(f"padding must be one of {names}, not {value!r}")
    return str(found)


def data_format_of(value: Any) -> str:
    """ "channels_last" (also for None) or "channels_first". Raises ValueError for others."""
    found = value.lower() if isinstance(value, str) else value
    if found is None:
        return "channels_last"
    if found not in ("channels_last", "channels_first"):
        raise ValueError(f"data_format must be 'channels_last' or 'channels_first', not {value!r}")
    return str(found)


def axes_of(value: Any) -> int | list[int]:
    """An axis, or a list of some. Raises TypeError for anything else, as Keras does."""
    if _is_whole(value):
        return int(value.__index__())
    if isinstance(value, tuple | list) and value and all(_is_whole(one) for one in value):
        return [int(one.__index__()) for one in value]
    raise TypeError(f"axis must be an integer or a list of integers, not {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def share_of(name: str, value: Any) -> float:
    """A number in [0, 1]. Raises ValueError for others."""
    if not (_is_number(value) and 0 <= value <= 1):
        raise ValueError(f"{name} must be in [0, 1], not {value!r}")
    found: float = value.item() if isinstance(value, np.number) else value
    return found


def not_negative(name: str, value: Any) -> float:
    """A number of at least zero. Raises ValueError for others."""
    if not (_is_number(value) and value >= 0):
        raise ValueError(f"{name} must be a number that is not negative, not {value!r}")
    found: float = value.item() if isinstance(value, np.number) else value
    return found


def positive_number(name: str, value: Any) -> float:
    """A number above zero. Raises ValueError for others."""
    if not (_is_number(value) and value > 0):
        raise ValueError(f"{name} must be a positive number, not {value!r}")
    found: float = value.item() if isinstance(value, np.number) else value
    return found


def refuse_adapters(rank: Any, alpha: Any, quantization: Any) -> None:
    """Refuses what Keras' configurations name, but the kernels have no form of."""
    given = {"lora_rank": rank, "lora_alpha": alpha, "quantization_config": quantization}
    for argument, value in given.items():
        if value is not None:
            raise ValueError(f"{argument} must be None, not {value!r}: weights are plain float32")
