"""What a rival makes of a workload: something to time, and its answer."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Task:
    """``call`` is timed; what it returns becomes arrays by ``answer``, outside of the clock.

    Arrays are in the order and layout of ``problems``: outputs, then the gradients of x and of
    each layer's weights. A task without an answer draws random numbers.
    """

    call: Callable[[], Any]
    answer: Callable[[Any], list[Array]] | None = None
    per: int = 1  # equal parts of a call; the time of one is reported
    form: str = ""  # which way of several it is
    own_clock: bool = False  # ``call`` returns the seconds itself

    def seconds(self) -> float:
        """Of one part of one call."""
        start = time.perf_counter()
        result = self.call()
        elapsed = time.perf_counter() - start
        return (result if self.own_clock else elapsed) / self.per


def fastest(forms: Mapping[str, Task], patience: float = 0.3) -> Task:
    """The quickest of several ways to do the same, so that a rival is met at its best."""
    best: dict[str, float] = {}
    for name, task in forms.items():
        task.call()
        spent: list[float] = []
        while len(spent) < 3 or (len(spent) < 20 and sum(spent) * task.per < patience):
            spent.append(task.seconds())
        best[name] = float(np.median(spent))
    name = min(best, key=lambda form: best[form])
    task = forms[name]
    return Task(task.call, task.answer, task.per, name, task.own_clock)
