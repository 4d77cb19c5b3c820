"""Zoneout (Krueger et al. 2016): units of a state keep the value they had.

With s' the states before a step and s̃ what the cell makes of them, after the step::

    s = z ⊙ s' + (1 - z) ⊙ s̃

In training z is 1 with a given probability and else 0, for every row, step, state and unit anew; in
prediction it is that probability. All of an LSTM's h̃ comes from c̃, as in the paper.
"""

from collections.abc import Sequence

import numpy as np

from .array import Array, Booleans
from .dropout import random_words


def zoneout_masks(
    shape: tuple[int, int, int], rates: Sequence[float], seed: int
) -> tuple[Booleans, ...]:
    """Where units keep their value, in training.

    Args:
        shape: (B, T, H); steps in the order of processing.
        rates: the probability to do so, one for each state.
        seed: of the random numbers. Those of a row and step lie one behind the other: all of the
            first state, then all of the next, each with H rounded up to 4.

    Returns:
        (B, T, H) for each state.
    """
    batch, time, units = shape
    rounded = (units + 3) // 4 * 4
    words = random_words(batch * time * len(rates) * rounded, seed)
    by_state = words.reshape(batch, time, len(rates), rounded)[..., :units]
    return tuple(by_state[:, :, k] < np.uint32(rate * 2.0**32) for k, rate in enumerate(rates))


def zone_out(factors: Array, new: Array, old: Array) -> Array:
    """``old`` where ``factors`` are 1, ``new`` where they are 0, and in between."""
    mixed = factors * old + (1 - factors) * new
    # Zero times infinity would be NaN.
    return np.where(factors == 0, new, np.where(factors == 1, old, mixed))
