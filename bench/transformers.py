"""Sizes of what is measured of Transformers. B batch, T time steps, D width, H heads.

GFLOP/s counts products: of projections, and of scores and sums, the masked half of them left out.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Layer:
    """An encoder block, or its self-attention alone, over (B, T, D)."""

    name: str
    hidden: int  # of the feed-forward network; 0: attention alone
    batch: int = 16
    time: int = 128
    width: int = 256
    heads: int = 4
    train: bool = True  # gradients of all weights and of the input too
    bf16: bool = False

    @property
    def group(self) -> str:
        kind = "encoder block" if self.hidden else "self-attention"
        work = f"{'train' if self.train else 'infer'}{' bf16' if self.bf16 else ''}"
        return f"{self.name} {work} {kind} B{self.batch} T{self.time} D{self.width} H{self.heads}"

    @property
    def flops(self) -> int:
        projections = 2 * self.width * (4 * self.width + 2 * self.hidden)
        attention = 4 * self.time * self.width
        return self.batch * self.time * (projections + attention) * (3 if self.train else 1)


@dataclass(frozen=True)
class Attention:
    """Causal attention of queries, keys and values (B, T, H, size)."""

    name: str
    time: int
    train: bool
    batch: int = 8
    heads: int = 8
    size: int = 64

    @property
    def group(self) -> str:
        work = "train" if self.train else "infer"
        return f"{self.name} {work} causal B{self.batch} T{self.time} H{self.heads}x{self.size}"

    @property
    def flops(self) -> int:
        """Two products forward, five more backward."""
        product = self.batch * self.heads * self.time * self.time * self.size
        return product * (7 if self.train else 2)


@dataclass(frozen=True)
class Gpt:
    """A language model; tokens of one training step, or of writing one by one from a cache."""

    name: str
    batch: int
    time: int  # of a step of training; written in all
    width: int
    heads: int
    layers: int
    words: int
    train: bool
    steps: int = 10  # of training in one call

    @property
    def group(self) -> str:
        work = "train" if self.train else "write"
        size = f"{self.layers} layers B{self.batch} T{self.time} D{self.width} H{self.heads}"
        return f"{self.name} {work} {size}"

    @property
    def tokens(self) -> int:
        """Of what is timed: a step of training, or a written one."""
        return self.batch * (self.time if self.train else 1)


LAYERS = (
    Layer("E1", 1024, train=False),
    Layer("E2", 1024),
    Layer("E3", 0),
)
BFLOAT16_LAYERS = tuple(
    (replace(row, name=f"{row.name}-bf16", bf16=True), row) for row in LAYERS[:2]
)
ATTENTION = tuple(
    Attention(f"A{time}{'t' if train else ''}", time, train)
    for time in (512, 2048, 8192)
    for train in (False, True)
)
MODELS = (
    Gpt("G1", 12, 64, 128, 4, 4, 65, train=True),
    Gpt("G2", 1, 1024, 256, 4, 4, 10_000, train=False),
    Gpt("G3", 8, 1024, 256, 4, 4, 10_000, train=False),
)
