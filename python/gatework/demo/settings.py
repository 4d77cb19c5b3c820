"""The choices of a demo run; the defaults are those of `gatework demo`."""

from __future__ import annotations

from dataclasses import dataclass

PROMPTS = ("the value of the", "if the object is", "a class can", "this method is called")


@dataclass(frozen=True)
class Settings:
    """What to read, what to build, how long to train.

    `text` and `output` are paths; `threads` None means every core. `batch` streams are read
    side by side, `steps` tokens of each per update. `epochs` None means as many as it takes to
    read about `reading` tokens, 3 at least and 32 at most.
    """

    text: str | None = None
    output: str = "gatework-demo"
    prompts: tuple[str, ...] = PROMPTS
    continuation: int = 24
    minimum_count: int = 2
    maximum_words: int = 10_000
    units: int = 200
    dropout_inputs: float = 0.4
    dropout_outputs: float = 0.5
    noise: float = 0.1
    batch: int = 10
    steps: int = 40
    epochs: int | None = None
    reading: int = 1_600_000
    learning_rate: float = 6e-3
    clipnorm: float = 0.25
    seed: int = 1
    threads: int | None = None

    def epochs_for(self, tokens: int) -> int:
        """The number of epochs for a training text of `tokens` tokens."""
        if self.epochs is not None:
            return self.epochs
        return min(32, max(3, round(self.reading / tokens)))
