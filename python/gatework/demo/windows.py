"""The training stream as batches of windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatework.utils import PyDataset

from .vocabulary import Ids


class Windows(PyDataset):
    """Batches of windows of `steps` words, in another order and cut at other places each epoch.

    Args:
        stream: numbers of the training words, shape (N,).
        first: the number standing before the first word, that of ``</s>``.
        steps: length T of a window.
        batch: windows per batch.
        seed: of the cuts, of the order and of the noise.
        noise: share of the inputs (never of the targets) replaced by words drawn at random from
            the stream, so that the model does not trust any one word (Xie et al., "Data noising
            as smoothing in neural network language models", ICLR 2017).

    Raises:
        ValueError: the stream is shorter than two windows.
    """

    def __init__(
        self, stream: Ids, first: int, steps: int, batch: int, seed: int, noise: float = 0.0
    ) -> None:
        super().__init__()
        if len(stream) < 2 * steps:
            raise ValueError(f"stream must have at least {2 * steps} words, not {len(stream)}")
        self.stream = np.concatenate([[first], stream]).astype(np.int32)
        self.steps = steps
        self.batch = batch
        self.noise = noise
        self.count = (len(stream) - steps) // steps  # one window is given up to move the cuts
        self._rng = np.random.default_rng(seed)
        self.on_epoch_end()

    @property
    def tokens(self) -> int:
        """Words trained on in one epoch."""
        return self.count * self.steps

    def on_epoch_end(self) -> None:
        """Cut and order the next epoch."""
        shift = int(self._rng.integers(self.steps + 1))
        self._begins = shift + self.steps * self._rng.permutation(self.count)

    def __len__(self) -> int:
        return -(-self.count // self.batch)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Inputs and targets, both (batch, T): the target of a word is the word after it."""
        begins = self._begins[index * self.batch : (index + 1) * self.batch]
        positions = begins[:, None] + np.arange(self.steps)
        inputs, targets = self.stream[positions], self.stream[positions + 1]
        if self.noise:
            replaced = self._rng.random(inputs.shape) < self.noise
            inputs[replaced] = self._rng.choice(self.stream, size=int(replaced.sum()))
        return inputs, targets
