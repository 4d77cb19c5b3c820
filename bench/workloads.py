"""Every size that is measured. A new suite or a rival takes its sizes from here.

Letters: B batch, T time steps, I inputs, H units.
"""

from dataclasses import dataclass, replace
from typing import Any

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
    bf16: bool = False  # products of bfloat16

    @property
    def group(self) -> str:
        """The heading of the table: what is computed, and of which size."""
        kind = ("bidirectional " if self.bidirectional else "") + self.cell
        depth = f" x{self.layers}" if self.layers > 1 else ""
        size = f"B{self.batch} T{self.time} I{self.inputs} H{self.units}"
        work = f"{'train' if self.train else 'infer'}{' bf16' if self.bf16 else ''}"
        return f"{self.name} {work} {kind}{depth} {size}"

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


# --- beside other frameworks: python -m bench.peers ---


@dataclass(frozen=True)
class Step:
    """Single time steps of batch 1, called one by one from Python; I = H, the state is carried."""

    name: str
    cell: str
    units: int
    count: int = 100  # steps timed together

    @property
    def flops(self) -> int:
        """Of the matrix products of one step."""
        return 4 * self.units**2 * CELLS[self.cell].gates


@dataclass(frozen=True)
class Tutorial:
    """The README's model over word ids (samples, time): an epoch of training, or a prediction."""

    name: str
    samples: int
    train: bool
    recurrent_dropout: float = 0.2
    time: int = 80
    words: int = 20_000
    columns: int = 64
    units: int = 100
    batch: int = 32
    dropout: float = 0.2


@dataclass(frozen=True)
class Served(Tutorial):
    """The README's model compiled for inference, called with a batch of ids."""

    dtype: str = "float32"


@dataclass(frozen=True)
class SessionStep(Step):
    """Single steps as a user takes them, through a session of a whole program."""

    dtype: str = "float32"


@dataclass(frozen=True)
class ServedLayer(Recurrent):
    """Whole sequences through a program of one layer."""

    dtype: str = "float32"


@dataclass(frozen=True)
class Padding:
    """pad_sequences of ragged lists or arrays."""

    name: str
    arrays: bool
    count: int = 100_000
    longest: int = 200
    maxlen: int = 100


@dataclass(frozen=True)
class Import:
    """A fresh process: the time of the import itself, NumPy imported before."""

    name: str = "import"


@dataclass(frozen=True)
class Variant:
    """A layer of ours with options; ``twice`` runs it one direction after the other."""

    name: str
    base: Recurrent
    padding: str = ""  # "post" or "pre": half of the tokens are padding
    dropout: bool = False
    recurrent_dropout: bool = False
    go_backwards: bool = False
    initial_state: bool = False
    denormal: bool = False  # inputs, states and gradients that decay to denormal numbers
    twice: bool = False

    @property
    def flops(self) -> int:
        return self.base.flops * (2 if self.twice else 1)


PEERS_INFERENCE = (
    *(row for row in RECURRENT if not row.train),
    Recurrent("I3g", "gru", 32, 100, 256, 256, train=False),
)
# Products of bfloat16 beside those of float32.
BFLOAT16 = tuple(
    (replace(row, name=f"{row.name}-bf16", bf16=True), row)
    for row in (*RECURRENT, *PEERS_INFERENCE[-1:])
    if row.name in ("T2", "T5", "T6", "T9", "I3", "I3g")
)
STEPS = tuple(
    Step(f"{name}-{units}", cell, units)
    for name, cell in (("I1", "lstm"), ("I4", "gru"))
    for units in (64, 128, 256, 512, 1024)
)
TUTORIAL = (
    Tutorial("fit", 4096, train=True),
    Tutorial("fit-plain", 4096, train=True, recurrent_dropout=0.0),
    Tutorial("predict", 4096, train=False),
    Tutorial("predict-1", 1, train=False),
)
SERVED = (
    Served("program-1", 1, train=False),
    Served("program-32", 32, train=False),
)
SESSION_STEPS = tuple(
    SessionStep(f"session-{cell}-{units}", cell, units)
    for cell in ("lstm", "gru")
    for units in (64, 128, 256, 512, 1024)
)
# Programs of rounded products beside those of float32.
_SERVED_LAYERS = tuple(
    ServedLayer(
        f"program-{row.name}", row.cell, row.batch, row.time, row.inputs, row.units, train=False
    )
    for row in PEERS_INFERENCE
    if row.name in ("I3", "I3g")
)
ROUNDED_PROGRAMS: tuple[tuple[Any, Any], ...] = tuple(
    (replace(row, name=f"{row.name}-{dtype}", dtype=dtype), row)
    for row in (*SERVED, *SESSION_STEPS, *_SERVED_LAYERS)
    for dtype in ("bfloat16", "int8")
    if getattr(row, "units", 0) >= 256 or (dtype == "int8" and isinstance(row, Served))
)
PEERS_PADDING = (Padding("pad-lists", arrays=False), Padding("pad-arrays", arrays=True))

# Pairs (variant, what it is compared with) of ours.
_LSTM = Recurrent("V", "lstm", 32, 100, 128, 128)
_LONG = Recurrent("V", "lstm", 32, 500, 128, 128)
_PLAIN = Variant("full batch", _LSTM)
VARIANTS = (
    (Variant("right-padded, half of the tokens real", _LSTM, padding="post"), _PLAIN),
    (Variant("left-padded, half of the tokens real", _LSTM, padding="pre"), _PLAIN),
    (Variant("dropout", _LSTM, dropout=True), _PLAIN),
    (Variant("recurrent_dropout", _LSTM, recurrent_dropout=True), _PLAIN),
    (Variant("go_backwards", _LSTM, go_backwards=True), _PLAIN),
    (Variant("initial state", _LSTM, initial_state=True), _PLAIN),
    (
        Variant("bidirectional", replace(_LSTM, bidirectional=True)),
        Variant("twice unidirectional", _LSTM, twice=True),
    ),
    (
        Variant("H=100", replace(_LSTM, units=100)),
        Variant("H=112", replace(_LSTM, units=112)),
    ),
    (Variant("decays to denormals", _LONG, denormal=True), Variant("random inputs", _LONG)),
)

SCALING_TIME = tuple(
    Recurrent(f"T={time}", "lstm", 8, time, 128, 128, train=train)
    for train in (True, False)
    for time in (10, 30, 100, 300, 1000, 3000, 10_000)
)
SCALING_BATCH = tuple(
    Recurrent(f"B={batch}", "lstm", batch, 50, 128, 128, train=train)
    for train in (True, False)
    for batch in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
)
