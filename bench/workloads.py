"""Every size that is measured. A new suite or a rival takes its sizes from here.

Letters: B batch, T time steps, I inputs, H units.
"""

from dataclasses import dataclass

from tests.kernels.cells import CELLS


@dataclass(frozen=True)
class Recurrent:
    """Layers of one cell over sequences of equal length."""

    name: str
    cell: str
    batch: int
    time: int
    inputs: int
    units: int
    layers: int = 1
    bidirectional: bool = False
    train: bool = True  # forward and backward, else forward only

    @property
    def group(self) -> str:
        """The heading of the table: what is computed, and of which size."""
        kind = ("bidirectional " if self.bidirectional else "") + self.cell
        depth = f" x{self.layers}" if self.layers > 1 else ""
        size = f"B{self.batch} T{self.time} I{self.inputs} H{self.units}"
        return f"{self.name} {'train' if self.train else 'infer'} {kind}{depth} {size}"

    @property
    def flops(self) -> int:
        """Of the matrix products alone; the backward pass has twice those of the forward pass."""
        directions = 2 if self.bidirectional else 1
        inputs = [self.inputs] + [self.units * directions] * (self.layers - 1)
        columns = CELLS[self.cell].gates * self.units * directions
        forward = sum(2 * self.batch * self.time * (size + self.units) * columns for size in inputs)
        return forward * (3 if self.train else 1)


RECURRENT = (
    Recurrent("T1", "lstm", 32, 80, 64, 100),
    Recurrent("T2", "lstm", 32, 200, 128, 128),
    Recurrent("T3", "gru", 32, 200, 128, 128),
    Recurrent("T4", "lstm", 20, 20, 200, 200, layers=2),
    Recurrent("T5", "lstm", 20, 35, 650, 650),
    Recurrent("T6", "lstm", 64, 50, 1024, 1024),
    Recurrent("T7", "lstm", 256, 60, 8, 32),
    Recurrent("T8", "simple_rnn", 32, 100, 128, 128),
    Recurrent("T9", "gru", 20, 35, 650, 650),
    Recurrent("T10", "lstm", 32, 100, 128, 128, bidirectional=True),
    Recurrent("I2", "lstm", 1, 100, 128, 128, train=False),
    Recurrent("I2b", "lstm", 1, 100, 256, 256, train=False),
    Recurrent("I3", "lstm", 32, 100, 256, 256, train=False),
)

# (rows, inputs, units) of a layer with tanh: an output word's scores, a classifier, square.
DENSE = ((700, 200, 10_000), (32, 100, 1), (1024, 1024, 1024))

# (tokens, rows of the table, columns)
EMBEDDING = ((32 * 80, 20_000, 64), (20 * 35, 10_000, 650))

# (samples, classes) of a softmax cross-entropy
LOSS = ((700, 10_000), (4096, 10))

# Shapes of all the weights one update goes over: the tutorial's model, a language model.
OPTIMIZER = {
    "tutorial": ((20_000, 64), (64, 400), (100, 400), (400,), (100, 1), (1,)),
    "language model": (
        (10_000, 200),
        (200, 800),
        (200, 800),
        (800,),
        (200, 10_000),
        (10_000,),
    ),
}

# (sequences, longest, maxlen)
PADDING = ((20_000, 200, 100),)
