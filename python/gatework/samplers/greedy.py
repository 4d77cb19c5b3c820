"""The likeliest token."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Floats, Sampler, Tokens, check_scores

__all__ = ["GreedySampler"]


class GreedySampler(Sampler):
    """Takes the likeliest token; of equal ones the first.

    Args:
        repetition_penalty: as for ``Sampler``.
    """

    needs_draws = False

    def __init__(self, repetition_penalty: float = 1.0) -> None:
        super().__init__(repetition_penalty=repetition_penalty)

    def __call__(self, logits: Floats, draws: Any) -> Tokens:
        best: Tokens = logits.argmax(axis=1)
        check_scores(logits[np.arange(len(logits)), best])
        return best

    def get_config(self) -> dict[str, Any]:
        return {"repetition_penalty": self.repetition_penalty}
