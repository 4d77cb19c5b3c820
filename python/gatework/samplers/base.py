"""What samplers share: how scores become tokens."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from .._suggest import NamedArguments
from ..random import SeedGenerator

__all__ = ["Floats", "Sampler", "Tokens", "check_scores", "pick", "positive", "share"]

Floats = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.int64]


class Sampler(NamedArguments):
    """Chooses the next token of each sequence from the scores of all tokens.

    A subclass implements ``__call__(logits, draws)``: (rows, vocabulary) float32 scores, whose
    softmax is the model's distribution, and (rows,) random numbers of [0, 1) to the chosen tokens,
    (rows,) integers. It may use ``weights`` and ``pick``.

    Args:
        temperature: what the logits are divided by: below 1 prefers likely tokens, 1 takes the
            distribution as it is.
        repetition_penalty: at each token that the sequence holds already, a positive logit is
            divided by it and a negative one multiplied (Keskar et al. 2019, section 4.1); 1 changes
            nothing.
        seed: seed of the draws; from the global stream when None. ``generate(seed=...)`` goes
            before it.

    Raises:
        ValueError: for a temperature or penalty that is not positive.
    """

    needs_draws: ClassVar[bool] = True

    def __init__(
        self,
        temperature: float = 1.0,
        repetition_penalty: float = 1.0,
        seed: int | None = None,
    ) -> None:
        self.temperature = positive("temperature", temperature)
        self.repetition_penalty = positive("repetition_penalty", repetition_penalty)
        self.seed = seed
        self._seed_generator = None if seed is None else SeedGenerator(seed)

    def __call__(self, logits: Floats, draws: Any) -> Tokens:
        """The chosen tokens, (rows,)."""
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(logits, draws)")

    @property
    def seed_generator(self) -> SeedGenerator:
        """Where the seeds of the draws come from; made when it is first asked for."""
        if self._seed_generator is None:
            self._seed_generator = SeedGenerator(self.seed)
        return self._seed_generator

    def penalized(self, logits: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
        """The logits with the penalty at tokens that were seen, both (rows, vocabulary)."""
        factor = np.float32(self.repetition_penalty)
        return np.where(seen, np.where(logits > 0, logits / factor, logits * factor), logits)

    def weights(self, logits: Floats) -> Floats:
        """exp(logits / temperature) over the largest of each row: probabilities but for a factor.

        Raises:
            ValueError: a row holds NaN or infinity, or nothing but -infinity.
        """
        best = logits.max(axis=1, keepdims=True)
        check_scores(best)
        found: Floats = np.exp((logits - best) / np.float32(self.temperature))
        return found

    def get_config(self) -> dict[str, Any]:
        return {
            "temperature": self.temperature,
            "repetition_penalty": self.repetition_penalty,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes a sampler from what ``get_config`` returned."""
        return cls(**config)


def pick(weights: Floats, draws: Any) -> Tokens:
    """One column for each row, drawn in proportion to the weights (rows, columns)."""
    total = np.cumsum(weights, axis=1, dtype=np.float64)
    chosen: Tokens = (total > draws[:, None] * total[:, -1:]).argmax(axis=1)
    return chosen


def check_scores(best: Floats) -> None:
    """Raises ValueError if the best logit of a row is no number."""
    finite = np.isfinite(best)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise ValueError(
            f"logits must be numbers, not {best.ravel()[row]} at best in row {row}: "
            "the model's weights or inputs may hold NaN"
        )


def positive(name: str, value: Any) -> float:
    """The value as a float; raises ValueError, naming the argument, unless it is above zero."""
    if not _is_number(value) or not 0 < value < np.inf:
        hint = "; GreedySampler takes the likeliest token" if name == "temperature" else ""
        raise ValueError(f"{name} must be a positive number, not {value!r}{hint}")
    return float(value)


def share(name: str, value: Any) -> float:
    """The value as a float; raises ValueError, naming the argument, unless it is in (0, 1]."""
    if not _is_number(value) or not 0 < value <= 1:
        raise ValueError(f"{name} must be in (0, 1], not {value!r}")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
