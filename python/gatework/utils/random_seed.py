"""One seed for everything that draws random numbers in a program."""

from __future__ import annotations

import random

import numpy as np

from ..random import check_seed, set_global_seed

__all__ = ["set_random_seed"]


def set_random_seed(seed: int) -> None:
    """Seeds Python's ``random``, NumPy's global generator and gatework's own stream.

    After the same seed a program builds the same weights, draws the same dropout masks and shuffles
    data in the same order, whatever the number of threads.

    Args:
        seed: integer in [0, 2**32).

    Raises:
        ValueError: for anything else.
    """
    seed = check_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # user code may still draw from NumPy's global generator
    set_global_seed(seed)
